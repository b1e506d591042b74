"""Read a pickle without running it.

A pickle is a program for a small stack machine, and most of what that machine can do is of no use
for data. So a machine of our own reads it, `spcl.data.pickles.machine`, which knows only plain
values and arrays, and `spcl.data.pickles.admitted` holds the few names that it may meet.
"""

from pathlib import Path

from spcl.data.files.disk import read
from spcl.data.files.parsing import parsing
from spcl.data.pickles.admitted import RefusedError
from spcl.data.pickles.machine import Machine
from spcl.errors import UserError

REMEDY = "convert it to tables where you trust it, as docs/your-own-data.md shows"

_HINTS = {
    "torch": "save its tensors as NumPy arrays with pickle, or " + REMEDY,
    "joblib": "save it again with pickle.dump, or " + REMEDY,
    "pandas": "save its values as NumPy arrays, or " + REMEDY,
}
"""By the package that a refused name belongs to."""

_OTHER_FILES = (
    (b"\x1f\x8b", "a gzip file", "unpack it with gunzip"),
    (b"BZh", "a bzip2 file", "unpack it with bunzip2"),
    (b"\xfd7zXZ\0", "an xz file", "unpack it with unxz"),
    (b"\x28\xb5\x2f\xfd", "a zstd file", "unpack it with unzstd"),
    (b"x\x9c", "a zlib file, as joblib compresses", "save it again with pickle.dump"),
    (b"PK\3\4", "a zip archive, as torch.save and numpy.savez write", "unzip it or " + REMEDY),
    (b"\x80\2\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19", "a file of torch.save", _HINTS["torch"]),
    (b"\x93NUMPY", "a NumPy file", REMEDY),
    (b"\x89HDF", "an HDF5 file", REMEDY),
    (b"version https://git-lfs", "a pointer of Git LFS", "fetch the file itself: git lfs pull"),
    (b"<", "a web page", "download the file itself"),
)
"""What is met in place of a pickle: its first bytes, what it is, what to do."""


def unpickle(path: Path) -> object:
    """What the pickle at `path` holds: plain values, containers of them and NumPy arrays.

    Arrays are views of the bytes that were read and cannot be written to.

    Raises
    ------
    UserError
        The file is no pickle, ends in the middle, is too large, or calls something; the message
        names what it calls. Nothing of it has run.
    """
    data = read(path)
    if not data:
        raise UserError(f"{path}: the file is empty; get it again")
    for start, what, remedy in _OTHER_FILES:
        if data.startswith(start):
            raise UserError(f"{path}: {what}, not a pickle; {remedy}")
    machine = Machine(data)
    with parsing(lambda _: UserError(f"{path}: {_damage(machine)}; get it again")):
        try:
            return machine.run()
        except RefusedError as refused:
            package = str(refused).removeprefix("calls ").partition(".")[0]
            remedy = _HINTS.get(package, REMEDY)
            raise UserError(
                f"{path}: a pickle that {refused}; nothing of it was run; {remedy}"
            ) from None


def _damage(machine: Machine) -> str:
    """What is wrong with a pickle that the machine stopped at."""
    if machine.place >= len(machine.data):
        return "a pickle that ends in the middle"
    return f"not a pickle, or a damaged one (byte {machine.place} of {len(machine.data)})"
