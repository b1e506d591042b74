"""Unpack an untrusted archive: nothing is written outside its folder, nothing fills the disk."""

import logging
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from spcl.data.download.lock import locked
from spcl.data.download.members import SUFFIXES, RefusedError, blocks, kind, members
from spcl.data.download.names import Names, is_of_macos, linked, parts, shown
from spcl.data.download.progress import progress
from spcl.data.download.room import require_room
from spcl.data.files.disk import read
from spcl.errors import UserError

log = logging.getLogger("spcl.data")

_MOST_MEMBERS = 500_000
_MOST_BYTES = 500 * 10**9
_MOST_TIMES = 100
"""How many times its own size an archive may unpack to. Audio and video hardly compress."""
_HARMLESS_BYTES = 10**9
"""To which even the smallest archive may unpack: text compresses well."""


def unpack(archive: Path, folder: Path) -> None:
    """Unpack `archive` into `folder`, completely or not at all.

    Tar (plain, gzip, bzip2, xz) and zip are recognised by their content; any other file is copied
    into the folder. If the archive has a single folder at the top, its content is taken. Archives
    at the top level, as in MELD.Raw, are unpacked too, each into a folder with its name; archives
    inside them are not. What macOS adds (``._*``, ``.DS_Store``) is left out. Links to files of the
    archive become copies. Modes, owners and times are not kept.

    Parameters
    ----------
    archive
        The file. A lock file stays beside it.
    folder
        Absent or empty. Until it is complete, its name is ``.<name>.unpacking``.

    Raises
    ------
    UserError
        The folder is not empty; the archive is damaged, encrypted or of an unknown kind; a member
        leads out of the folder, is a device, or would be the same file as another; the archive
        unpacks to far too much; the disk is full.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UserError(f"{folder}: already exists; move it away to unpack {archive} there")
    try:
        read(archive, 1)  # reports what is wrong with a path that is not a file
        with locked(archive):
            folder.parent.mkdir(parents=True, exist_ok=True)
            require_room(folder.parent, archive.stat().st_size)
            _unpack(archive, folder, _Allowance(archive), with_inner=True)
            log.info("%s: unpacked into %s", archive, folder)
    except RefusedError as error:
        raise UserError(
            f"{archive}: {error}; get a correct copy, or unpack by hand what you trust into"
            f" {folder}"
        ) from error
    except OSError as error:
        raise UserError(
            f"{error.filename or folder}: {error.strerror or error}; fix that and run again"
        ) from error


class _Allowance:
    """How much more an archive, with the archives inside it, may unpack to."""

    def __init__(self, archive: Path) -> None:
        by_size = max(_HARMLESS_BYTES, _MOST_TIMES * archive.stat().st_size)
        self.most = self.bytes = min(_MOST_BYTES, by_size)
        self.members = _MOST_MEMBERS

    def count(self, claimed: int, members: int = 1) -> None:
        """Count a member with `claimed` bytes by its header, or several, such as its folders."""
        self.members -= members
        if self.members < 0:
            raise RefusedError(f"has more than {_MOST_MEMBERS} files")
        if claimed > self.bytes:
            self._refuse()

    def take(self, n: int) -> None:
        """Count bytes that were unpacked, whatever the header claimed."""
        self.bytes -= n
        if self.bytes < 0:
            self._refuse()

    def _refuse(self) -> None:
        raise RefusedError(f"unpacks to more than {self.most} bytes, which looks like a zip bomb")


def _unpack(archive: Path, folder: Path, allowance: _Allowance, *, with_inner: bool) -> None:
    temporary = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(temporary, ignore_errors=True)  # of an interrupted run
    temporary.mkdir()
    try:
        if kind(archive):
            _unpack_members(archive, temporary, allowance)
        else:
            shutil.copyfile(archive, temporary / archive.name)
        root = _below_only_folder(temporary)
        if with_inner:
            for inner, path in _inner_archives(root).items():
                _unpack_inner(path, inner, allowance)
            root = _below_only_folder(root)
            os.sync()  # a power failure must not leave a complete folder of incomplete files
        root.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _unpack_inner(path: Path, folder: Path, allowance: _Allowance) -> None:
    try:
        _unpack(path, folder, allowance, with_inner=False)
    except RefusedError as error:
        raise RefusedError(f"{shown(path.name)} in it: {error}") from error
    path.unlink()


def _inner_archives(folder: Path) -> dict[Path, Path]:
    """Files that are named as archives, by their folder, unless it already exists."""
    found: dict[Path, Path] = {}
    for path in sorted(folder.iterdir()):
        if not (path.is_file() and path.name.endswith(SUFFIXES)) or _without_suffix(path).exists():
            continue
        other = found.setdefault(_without_suffix(path), path)
        if other != path:
            raise RefusedError(
                f"{shown(other.name)} and {shown(path.name)} would be the same folder"
            )
    return found


def _without_suffix(path: Path) -> Path:
    suffix = next(suffix for suffix in SUFFIXES if path.name.endswith(suffix))
    name = path.name.removesuffix(suffix)
    return path.with_name(name if name.strip(".") else "archive")


def _below_only_folder(folder: Path) -> Path:
    entries = list(folder.iterdir())
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else folder


def _unpack_members(archive: Path, folder: Path, allowance: _Allowance) -> None:
    names, links = Names(), dict[str, str]()
    with progress(f"Unpack {archive.name}", archive.stat().st_size) as reach:
        for member in members(archive):
            reach(member.place)
            allowance.count(member.size)
            found = parts(member.name)
            if not found and member.kind != "folder":
                raise RefusedError(f"has a {member.kind} without a name")
            if not found or is_of_macos(found):
                allowance.take(member.size)  # skipping a member takes time too
                continue
            new = names.claim(found, is_folder=member.kind == "folder")
            allowance.count(0, members=max(new - 1, 0))
            path = folder.joinpath(*found)
            if member.kind == "folder":
                path.mkdir(parents=True, exist_ok=True)
            elif member.kind == "file":
                path.parent.mkdir(parents=True, exist_ok=True)
                _write(member.blocks(), path, member.size, allowance)
            elif member.kind.endswith("link"):
                symbolic = member.kind == "symbolic link"
                links["/".join(found)] = linked("/".join(found), member.target, symbolic=symbolic)
            else:
                raise RefusedError(f"{shown(member.name)} has the kind '{member.kind}'")
    for name, target in _ends(links).items():
        _copy_linked(name, target, folder, allowance)


def _ends(links: Mapping[str, str]) -> dict[str, str]:
    """What each link leads to, through other links; a link if they form a circle."""
    ends: dict[str, str] = {}
    for name in links:
        way: dict[str, None] = {}
        target = name
        while target in links and target not in way:
            way[target] = None
            target = ends.get(target, links[target])
        ends |= dict.fromkeys(way, target)
    return ends


def _copy_linked(name: str, target: str, folder: Path, allowance: _Allowance) -> None:
    """Replace a link by a copy of the file that it leads to."""
    source, path = folder / target, folder / name
    if not source.is_file():
        raise RefusedError(
            f"{shown(name)} is a link to {shown(target)}, which is not a file of the archive"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    size = source.stat().st_size
    allowance.count(size)
    _write(blocks(lambda: source.open("rb")), path, size, allowance)


def _write(content: Iterable[bytes], path: Path, size: int, allowance: _Allowance) -> None:
    """Write a file that has `size` bytes according to its header."""
    require_room(path.parent, size)
    with path.open("xb") as file:
        for block in content:
            allowance.take(len(block))
            file.write(block)
