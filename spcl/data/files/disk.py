"""The content of files and folders, or the reason why they cannot be read."""

import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from io import BufferedReader
from pathlib import Path

from spcl.errors import UserError

ABSENT = "no such file"

MAX_BYTES = 4 * 2**30
"""Of a file that is read as a whole, or of its content in memory."""

MAX_LARGE_BYTES = 16 * 2**30
"""Of a file that `read_large` reads. The largest publicly circulated one, CMU-MOSEI's sequences as
MMSA stores them unaligned, has 14 GB."""

LARGE = 64 * 2**20
"""Bytes of a file whose memory should be given back while it is read."""


class UnreadableError(UserError):
    """A file that cannot be read.

    Attributes
    ----------
    reason
        The message without the path and the remedy.
    missing
        Whether there is no such file; else it exists, but cannot be opened.
    """

    def __init__(self, path: Path, reason: str, remedy: str, *, missing: bool = False) -> None:
        super().__init__(f"{path}: {reason}; {remedy}")
        self.reason = reason
        self.missing = missing


def read(path: Path, size: int = -1) -> bytes:
    """The first `size` bytes of a file, or all of them.

    Raises
    ------
    UnreadableError
        There is no file, or it is not a regular file (a pipe is never opened, because that can
        block), or the whole of more than `MAX_BYTES` is requested.
    """
    with _opened(path, MAX_BYTES if size < 0 else None) as (file, _):
        return file.read(size)


def read_large(path: Path) -> bytes | mmap.mmap:
    """All bytes of a file; of a large one in pages of memory, which `mmap.madvise` can give back.

    The file is not mapped: it may change or vanish.

    Raises
    ------
    UnreadableError
        As for `read`, but over `MAX_LARGE_BYTES`.
    """
    with _opened(path, MAX_LARGE_BYTES) as (file, size):
        if size < LARGE:
            return file.read()
        pages = mmap.mmap(-1, size)
        view, place = memoryview(pages), 0
        while n := file.readinto(view[place:]):  # at most 2 GiB a call
            place += n
        return pages


@contextmanager
def _opened(path: Path, limit: int | None) -> Iterator[tuple[BufferedReader, int]]:
    """A regular file of at most `limit` bytes, and its size."""
    try:
        facts = path.stat()
        mode = facts.st_mode
        if limit is not None and facts.st_size > limit:
            raise UnreadableError(path, f"over {limit / 2**30:.0f} GiB", "divide it")
        if stat.S_ISREG(mode):
            with path.open("rb") as file:
                yield file, facts.st_size
            return
    except PermissionError as error:
        raise UnreadableError(path, str(error.strerror), "fix its permissions") from error
    except OSError as error:
        if os.path.islink(path):
            reason = f"a link to {os.readlink(path)}, where there is no file"
            raise UnreadableError(path, reason, "fix the link", missing=True) from error
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            raise UnreadableError(path, ABSENT, "put it there", missing=True) from error
        raise UnreadableError(path, str(error.strerror), "get it again") from error
    kind = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
    raise UnreadableError(path, f"{kind} instead of a file", "put the file in its place")


def entries(folder: Path, pattern: str = "*") -> list[Path]:
    """The entries of a folder whose names match the pattern, sorted; none if there is no folder.

    Raises
    ------
    UserError
        The folder exists, but cannot be searched.
    """
    try:
        names = os.listdir(folder)
        os.stat(os.path.join(folder, "."))  # names are not enough: the files must be accessible
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise _hidden(folder, error) from error
    return sorted(folder / name for name in names if fnmatchcase(name, pattern))


def refuse_hidden(folder: Path) -> None:
    """Check that all folders below `folder` can be searched, before something is called missing.

    Raises
    ------
    UserError
        A folder cannot be searched.
    """

    def refuse(error: OSError) -> None:
        raise _hidden(error.filename, error) from error

    if folder.is_dir():
        for _ in os.walk(folder, onerror=refuse):
            pass


def _hidden(folder: Path | str, error: OSError) -> UserError:
    return UserError(f"{folder}: cannot be searched ({error.strerror}); fix it or its permissions")
