"""Names of members of archives: which of them can become paths below a folder."""

import posixpath
import re
import unicodedata
from dataclasses import dataclass

from spcl.data.download.members import RefusedError

_DEEPEST = 50
"""Nested folders."""
_LONGEST = 255
"""Bytes of one name; no common file system allows more."""
_LONGEST_PATH = 4096
"""Characters of a path; no operating system allows more."""


def parts(name: str) -> tuple[str, ...]:
    """The folders and the file in `name`; empty for the top folder itself.

    Backslashes separate folders too, as in zip archives of old Windows programs.

    Raises
    ------
    RefusedError
        It is absolute, leads out of the folder, is not printable, is too long or too deep.
    """
    if len(name) > _LONGEST_PATH:
        raise RefusedError(f"{shown(name)} is longer than {_LONGEST_PATH} characters")
    name = name.replace("\\", "/")
    found = tuple(part for part in name.split("/") if part not in ("", "."))
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        raise RefusedError(f"{shown(name)} is an absolute path")
    if ".." in found:
        raise RefusedError(f"{shown(name)} leads out of the folder")
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        raise RefusedError(f"{shown(name)} has control characters")
    if any(len(part.encode()) > _LONGEST for part in found):
        raise RefusedError(f"{shown(name)} is longer than {_LONGEST} bytes")
    if len(found) > _DEEPEST:
        raise RefusedError(f"{shown(name)} is more than {_DEEPEST} folders deep")
    return found


def linked(name: str, target: str, *, symbolic: bool) -> str:
    """The name of the member that the link `name` leads to.

    Raises
    ------
    RefusedError
        It leads out of the archive.
    """
    if len(target) > _LONGEST_PATH:
        raise RefusedError(f"{shown(name)} is a link to more than {_LONGEST_PATH} characters")
    start = posixpath.dirname(name) if symbolic else ""
    path = posixpath.normpath(posixpath.join(start, target.replace("\\", "/")))
    try:
        return "/".join(parts(path))
    except RefusedError:
        raise RefusedError(
            f"{shown(name)} is a link out of the folder, to {shown(target)}"
        ) from None


def is_of_macos(found: tuple[str, ...]) -> bool:
    """Whether macOS added this member; no corpus needs it."""
    return found[0] == "__MACOSX" or found[-1].startswith("._") or found[-1] == ".DS_Store"


def shown(name: str) -> str:
    """A name for a message: quoted, on one line, shortened."""
    return repr(name if len(name) <= 120 else f"{name[:60]}...{name[-57:]}")


class Names:
    """The names of an archive so far, to find two that would be the same file.

    On macOS and Windows ``A.txt`` and ``a.txt`` are the same file, and so are two Unicode forms of
    an accented letter.
    """

    def __init__(self) -> None:
        self._top: dict[str, _Name] = {}

    def claim(self, found: tuple[str, ...], *, is_folder: bool) -> int:
        """Add a member and its folders; return how many of them are new.

        Raises
        ------
        RefusedError
            The name is taken, other than by a folder that occurs again.
        """
        beside, new = self._top, 0
        for place, part in enumerate(found):
            folder = is_folder or place + 1 < len(found)
            key = unicodedata.normalize("NFC", part).casefold()
            known = beside.get(key)
            if known is None:
                known = beside[key] = _Name(part, folder, {})
                new += 1
            elif (known.part, known.is_folder) != (part, folder) or not folder:
                this, other = ("/".join((*found[:place], one)) for one in (part, known.part))
                raise RefusedError(f"{shown(this)} and {shown(other)} would be the same file")
            beside = known.below
        return new


@dataclass(frozen=True, slots=True)
class _Name:
    """One file or folder, and its content."""

    part: str
    is_folder: bool
    below: "dict[str, _Name]"
