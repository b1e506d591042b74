"""Read a pickle file without running any code in it."""

from pathlib import Path

from spcl.data.files.disk import read_large
from spcl.data.files.parsing import parsing
from spcl.data.files.placeholders import LFS_POINTER, LFS_START, WEB_PAGE
from spcl.data.pickles.admitted import RefusedError
from spcl.data.pickles.machine import Machine
from spcl.errors import UserError

REMEDY = "if you trust it, convert it to tables as docs/your-own-data.md shows"

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
    (LFS_START, *LFS_POINTER),
    (b"<", *WEB_PAGE),  # no pickle begins with it
)
"""Other files with the suffix of a pickle: first bytes, what it is, what to do."""


def unpickle(path: Path) -> object:
    """The content of the pickle at `path`: plain values, containers of them and NumPy arrays.

    Arrays are read-only.

    Raises
    ------
    UserError
        The file is not a pickle, is incomplete or too large, or calls something that is not in
        `spcl.data.pickles.admitted`; the message names it.
    """
    data = read_large(path)
    if not data:
        raise UserError(f"{path}: the file is empty; get it again")
    for start, what, remedy in _OTHER_FILES:
        if data[: len(start)] == start:
            raise UserError(f"{path}: {what}, not a pickle; {remedy}")
    machine = Machine(data)
    with parsing(lambda _: UserError(f"{path}: {_damage(machine)}; get it again")):
        try:
            return machine.run()
        except RefusedError as refused:
            package = str(refused).removeprefix("calls ").partition(".")[0]
            remedy = _HINTS.get(package, REMEDY)
            raise UserError(
                f"{path}: a pickle that {refused}; none of its code was run; {remedy}"
            ) from None


def _damage(machine: Machine) -> str:
    """What is wrong with a pickle at which the machine stopped."""
    if machine.place >= len(machine.data):
        return "an incomplete pickle"
    return f"not a pickle, or a damaged one (byte {machine.place} of {len(machine.data)})"
