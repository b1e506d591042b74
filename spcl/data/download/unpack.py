"""Unpack an archive from elsewhere: nothing gets out of its folder, nothing fills the disk."""

import logging
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from spcl.data.download.lock import alone
from spcl.data.download.members import SUFFIXES, RefusedError, blocks, kind, members
from spcl.data.download.names import Names, is_of_macos, linked, parts, shown
from spcl.data.download.progress import Progress
from spcl.data.download.room import require_room
from spcl.data.files.disk import read
from spcl.errors import UserError

log = logging.getLogger("spcl.data")

_MOST_MEMBERS = 500_000
_MOST_BYTES = 500 * 10**9
_MOST_TIMES = 100
"""How many times its own size an archive may unpack to. Sound and video hardly shrink."""
_HARMLESS_BYTES = 10**9
"""To which it may unpack however small it is: text shrinks much."""


def unpack(archive: Path, folder: Path) -> None:
    """Have the content of `archive` in `folder`, all of it or nothing.

    Tar (plain, gzip, bzip2, xz) and zip are told by their content; a file that is no archive is
    copied into the folder. Where everything lies in one folder at the top, that folder's content is
    taken. Archives that lie at the top, as in MELD.Raw, are unpacked too, each into a folder of its
    name; those inside of them are not. What macOS adds (``._*``, ``.DS_Store``) is left out. Links
    to files of the archive become copies. Modes, owners and times are not kept.

    Parameters
    ----------
    archive
        The file. A lock is left beside it.
    folder
        Where to; absent or empty. Until all is there, it is ``.<name>.unpacking`` beside it.

    Raises
    ------
    UserError
        The folder is in use; the archive is damaged, encrypted or of an unknown kind, or a name in
        it leads out of the folder, is a device or a link to elsewhere, or would be one file with
        another; it unpacks to far more than it should; the disk is full.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UserError(f"{folder}: is there already; move it away to unpack {archive} there")
    try:
        read(archive, 1)  # says what is wrong with a file that is none
        with alone(archive):
            folder.parent.mkdir(parents=True, exist_ok=True)
            require_room(folder.parent, archive.stat().st_size)
            _unpack(archive, folder, _Allowance(archive), with_inner=True)
            log.info("%s: unpacked into %s", archive, folder)
    except RefusedError as error:
        raise UserError(
            f"{archive}: {error}; get a good copy, or unpack by hand what you trust into {folder}"
        ) from error
    except OSError as error:
        raise UserError(
            f"{error.filename or folder}: {error.strerror or error}; mend that and run again"
        ) from error


class _Allowance:
    """How much more an archive, with those inside it, may unpack to."""

    def __init__(self, archive: Path) -> None:
        by_size = max(_HARMLESS_BYTES, _MOST_TIMES * archive.stat().st_size)
        self.most = self.bytes = min(_MOST_BYTES, by_size)
        self.members = _MOST_MEMBERS

    def count(self, claimed: int, members: int = 1) -> None:
        """One more member, of `claimed` bytes by its header; or more, such as its folders."""
        self.members -= members
        if self.members < 0:
            raise RefusedError(f"holds more than {_MOST_MEMBERS} files")
        if claimed > self.bytes:
            self._refuse()

    def take(self, n: int) -> None:
        """So many bytes more, whatever the header said."""
        self.bytes -= n
        if self.bytes < 0:
            self._refuse()

    def _refuse(self) -> None:
        raise RefusedError(f"unpacks to more than {self.most} bytes, which looks like a zip bomb")


def _unpack(archive: Path, folder: Path, allowance: _Allowance, *, with_inner: bool) -> None:
    temporary = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(temporary, ignore_errors=True)  # of a run that was killed
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
            os.sync()  # so that a power cut leaves no complete folder of incomplete files
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
    """Files that are named as archives, each under its folder, unless that is there already."""
    found: dict[Path, Path] = {}
    for path in sorted(folder.iterdir()):
        if not (path.is_file() and path.name.endswith(SUFFIXES)) or _without_suffix(path).exists():
            continue
        other = found.setdefault(_without_suffix(path), path)
        if other != path:
            raise RefusedError(f"{shown(other.name)} and {shown(path.name)} would be one folder")
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
    with Progress(f"Unpack {archive.name}", archive.stat().st_size) as progress:
        for member in members(archive):
            progress.reach(member.place)
            allowance.count(member.size)
            found = parts(member.name)
            if not found and member.kind != "folder":
                raise RefusedError(f"holds a {member.kind} without a name")
            if not found or is_of_macos(found):
                allowance.take(member.size)  # what is passed over takes time too
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
                raise RefusedError(f"{shown(member.name)} is a member of the kind '{member.kind}'")
    for name, target in _ends(links).items():
        _copy_linked(name, target, folder, allowance)


def _ends(links: Mapping[str, str]) -> dict[str, str]:
    """What each link leads to, over other links perhaps; another link if they go in a circle."""
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
    """Put a copy of the file that a link leads to in its place."""
    source, path = folder / target, folder / name
    if not source.is_file():
        raise RefusedError(f"{shown(name)} is a link to {shown(target)}, which is no file in it")
    path.parent.mkdir(parents=True, exist_ok=True)
    size = source.stat().st_size
    allowance.count(size)
    _write(blocks(lambda: source.open("rb")), path, size, allowance)


def _write(content: Iterable[bytes], path: Path, size: int, allowance: _Allowance) -> None:
    """Write a file that is said to have `size` bytes."""
    require_room(path.parent, size)
    with path.open("xb") as file:
        for block in content:
            allowance.take(len(block))
            file.write(block)
