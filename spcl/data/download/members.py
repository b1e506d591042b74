"""The members of a tar or zip archive, in its order; the kind is recognised by the content."""

import bz2
import gzip
import io
import lzma
import re
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from spcl.data.files.parsing import parsing

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".zip")
"""Of archives, by name."""

_COMPRESSIONS: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}
_ZIP = (b"PK\3\4", b"PK\5\6")
_FOREIGN = {
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "RAR",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x1f\x9d": "compress",
}
_TAR, _TAR_AT = b"ustar", 257

_BLOCK = 1 << 18
_LARGEST_HEADER = 1 << 18
_LONGEST_TARGET = 1 << 13
_ALL_HEADERS = 1 << 30
_MOST_DIGITS = 64
"""Of a number in a header: the time that tarfile takes grows with their square."""
_MOST_GLOBAL = 64
"""Global headers of a tar: tarfile copies them to each member."""
_LARGEST_TAIL = 1 << 26
"""Bytes after the last member of a tar: padding, which must be read for the checksum."""

_LONG_NUMBER = re.compile(rb"\d{%d}" % (_MOST_DIGITS + 1))


class RefusedError(Exception):
    """The archive, or a member of it, must not be unpacked; the message says why."""


@dataclass(frozen=True)
class Member:
    """One member of an archive.

    Attributes
    ----------
    name
        As stored; may be hostile.
    kind
        ``file``, ``folder``, ``symbolic link``, ``hard link``, or another kind in words.
    size
        Bytes that it claims to unpack to.
    place
        Where it starts in the archive, bytes.
    blocks
        Iterates over the content of a file.
    target
        Of a link, as stored.
    """

    name: str
    kind: str
    size: int
    place: int
    blocks: Callable[[], Iterator[bytes]]
    target: str = ""


def kind(path: Path) -> str | None:
    """``tar`` or ``zip``; None for a file that is not an archive and not named as one.

    Raises
    ------
    RefusedError
        Python cannot unpack its format, it is damaged, or only its name is that of an archive.
    """
    with _readable(), path.open("rb") as file:
        head = file.read(_TAR_AT + len(_TAR))
        for magic, name in _FOREIGN.items():
            if head.startswith(magic):
                raise RefusedError(f"packed with {name}, which Python cannot unpack")
        if head.startswith(_ZIP):
            return "zip"
        file.seek(0)
        content = _uncompressed(file)
        head = content.read(_TAR_AT + len(_TAR))
        if head[_TAR_AT:] == _TAR:
            return "tar"
        if content is not file:
            raise RefusedError("compressed, but no tar archive inside")
    if path.name.endswith(SUFFIXES):
        raise RefusedError("not an archive, although it is named as one")
    return None


def members(path: Path) -> Iterator[Member]:
    """The members of an archive, in its order; read each before the next is requested.

    Raises
    ------
    RefusedError
        See `kind`; or a header is too long.
    """
    return _of_zip(path) if kind(path) == "zip" else _of_tar(path)


def blocks(open_: Callable[[], IO[bytes]]) -> Iterator[bytes]:
    """The content of the file that `open_` returns, in blocks.

    Raises
    ------
    RefusedError
        It is damaged.
    """
    with _readable(), open_() as file:
        while block := file.read(_BLOCK):
            yield block


def _readable() -> AbstractContextManager[None]:
    return parsing(lambda why: RefusedError(f"damaged or incomplete ({why})"))


def _uncompressed(packed: IO[bytes]) -> IO[bytes]:
    """The uncompressed content of a file; the file itself if it is not compressed."""
    head = packed.read(max(map(len, _COMPRESSIONS)))
    packed.seek(0)
    for magic, open_ in _COMPRESSIONS.items():
        if head.startswith(magic):
            return cast(IO[bytes], open_(packed))
    return packed


class _Headers(io.RawIOBase):
    """A stream that limits the bytes of a header, because tarfile keeps headers in memory.

    Attributes
    ----------
    left
        Bytes that the header may still have; None in the content of a member.
    all_left
        The same for all headers together.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.left: int | None = _LARGEST_HEADER
        self.all_left = _ALL_HEADERS

    def read(self, size: int = -1) -> bytes:
        if self.left is None:
            return self.stream.read(size)
        self.left -= size
        self.all_left -= size
        if self.left < 0:
            raise RefusedError(f"has a header of more than {_LARGEST_HEADER} bytes")
        if self.all_left < 0:
            raise RefusedError(f"has headers of more than {_ALL_HEADERS} bytes")
        header = self.stream.read(size)
        if _LONG_NUMBER.search(header):
            raise RefusedError(f"has a header with a number of more than {_MOST_DIGITS} digits")
        return header

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self.stream.seek(offset, whence)

    def tell(self) -> int:
        return self.stream.tell()


def _of_tar(path: Path) -> Iterator[Member]:
    with _readable(), path.open("rb") as packed:
        content = _uncompressed(packed)
        stream = _Headers(content)
        with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r:") as tar:
            while (info := tar.next()) is not None:
                cast(Any, tar).members.clear()  # kept, they would take memory
                if len(tar.pax_headers) > _MOST_GLOBAL:
                    raise RefusedError(f"has over {_MOST_GLOBAL} global headers")
                stream.left = None
                yield _tar_member(tar, info, packed.tell())
                stream.left = _LARGEST_HEADER
            # tarfile takes an end between two members, or a damaged header, for the end.
            content.seek(tar.offset)
            if content.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
                raise tarfile.ReadError("no end mark")
            tail = 0
            while block := content.read(_LARGEST_HEADER):
                tail += len(block)
                if tail > _LARGEST_TAIL:
                    raise RefusedError("has too many bytes after its end")


def _tar_member(tar: tarfile.TarFile, info: tarfile.TarInfo, place: int) -> Member:
    kinds = [
        (info.issparse(), "sparse file"),
        (info.isreg(), "file"),
        (info.isdir(), "folder"),
        (info.issym(), "symbolic link"),
        (info.islnk(), "hard link"),
        (info.isdev(), "device"),
    ]
    return Member(
        info.name,
        next((words for fits, words in kinds if fits), "unknown"),
        info.size if info.isreg() or info.type not in tarfile.SUPPORTED_TYPES else 0,
        place,
        lambda: blocks(lambda: cast(IO[bytes], tar.extractfile(info))),
        info.linkname,
    )


def _of_zip(path: Path) -> Iterator[Member]:
    with _readable(), zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            yield _zip_member(archive, info)


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    mode = info.external_attr >> 16  # 0 where it was not packed on Unix
    target = ""
    if info.flag_bits & 1:
        words = "encrypted file"
    elif stat.S_ISLNK(mode):
        words = "symbolic link"
        with archive.open(info) as file:
            target = file.read(_LONGEST_TARGET).decode("utf-8")
    elif info.filename.endswith("/"):
        words = "folder"
    else:
        words = "file" if stat.S_IFMT(mode) in (0, stat.S_IFREG) else "device"
    return Member(
        info.filename,
        words,
        info.file_size,
        info.header_offset,
        lambda: blocks(lambda: archive.open(info)),
        target,
    )
