"""Read a pickle file without running any code in it."""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spcl.data.files.disk import read, read_large
from spcl.data.files.parsing import parsing
from spcl.data.files.placeholders import LFS_POINTER, LFS_START, WEB_PAGE
from spcl.data.pickles.admitted import RefusedError
from spcl.data.pickles.machine import Machine
from spcl.data.pickles.torch_files import ZIP_START, read_zip
from spcl.data.pickles.torch_tensors import LEGACY_START, read_legacy, with_tensors
from spcl.errors import UserError

REMEDY = "if you trust it, convert it to tables as docs/your-own-data.md shows"

_NO_ARCHIVE = "not a readable archive of torch.save"

_HINTS = {
    "torch": "save its tensors as NumPy arrays with pickle, or " + REMEDY,
    "joblib": "save it again with pickle.dump, or " + REMEDY,
    "pandas": "save its values as NumPy arrays, or " + REMEDY,
}
"""By the package that a refused name belongs to."""

_HEAD_BYTES = 64
"""The number of first bytes that tell the kinds of files apart."""

_OTHER_FILES = (
    (b"\x1f\x8b", "a gzip file", "unpack it with gunzip"),
    (b"BZh", "a bzip2 file", "unpack it with bunzip2"),
    (b"\xfd7zXZ\0", "an xz file", "unpack it with unxz"),
    (b"\x28\xb5\x2f\xfd", "a zstd file", "unpack it with unzstd"),
    (b"x\x9c", "a zlib file, as joblib compresses", "save it again with pickle.dump"),
    (b"\x93NUMPY", "a NumPy file", REMEDY),
    (b"\x89HDF", "an HDF5 file", REMEDY),
    (LFS_START, *LFS_POINTER),
    (b"<", *WEB_PAGE),  # no pickle begins with it
)
"""Other files with the suffix of a pickle: first bytes, what it is, what to do."""


def unpickle(path: Path) -> object:
    """The content of the pickle at `path`: plain values, containers of them and NumPy arrays.

    It may also be a file of ``torch.save``, or have tensors, which become arrays. Arrays are
    read-only; large ones are views of the file's bytes.

    Raises
    ------
    UserError
        The file is not a pickle, is incomplete or too large, or calls something that is not
        admitted; the message names it.
    """
    head = read(path, _HEAD_BYTES)
    if not head:
        raise UserError(f"{path}: the file is empty; get it again")
    if head.startswith(ZIP_START):
        with (
            parsing(lambda why: UserError(f"{path}: {_NO_ARCHIVE} ({why}); get it again")),
            _permitted(path, "a zip archive"),
        ):
            return read_zip(path)
    for first, what, remedy in _OTHER_FILES:
        if head.startswith(first):
            raise UserError(f"{path}: {what}, not a pickle; {remedy}")
    if LEGACY_START.match(head):
        with (
            parsing(lambda _: UserError(f"{path}: a damaged file of torch.save; get it again")),
            _permitted(path, "a file of torch.save"),
        ):
            return read_legacy(read(path), with_tensors())
    return unpickled(read_large(path), path)


def unpickled(data: bytes | mmap.mmap, path: Path) -> object:
    """The content of a pickle that the file at `path` contains, see `unpickle`.

    Raises
    ------
    UserError
        As `unpickle`.
    """
    machine = Machine(data, with_tensors())
    with (
        parsing(lambda _: UserError(f"{path}: {_damage(machine)}; get it again")),
        _permitted(path, "a pickle"),
    ):
        return machine.run()


@contextmanager
def _permitted(path: Path, kind: str) -> Iterator[None]:
    """Replace a refusal by a message that names the file."""
    try:
        yield
    except RefusedError as refused:
        package = str(refused).removeprefix("calls ").partition(".")[0]
        remedy = _HINTS.get(package, REMEDY)
        raise UserError(
            f"{path}: {kind} that {refused}; none of its code was run; {remedy}"
        ) from None


def _damage(machine: Machine) -> str:
    """What is wrong with a pickle at which the machine stopped."""
    if machine.place >= len(machine.data):
        return "an incomplete pickle"
    return f"not a pickle, or a damaged one (byte {machine.place} of {len(machine.data)})"
