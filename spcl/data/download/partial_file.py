"""The part of a file that has been downloaded so far, and the version of the file it belongs to."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spcl.data.files.disk import read
from spcl.data.files.parsing import readable
from spcl.errors import UserError


@dataclass(frozen=True)
class Version:
    """What distinguishes one version of the file at an address from the next.

    Attributes
    ----------
    url
        The address.
    etag, modified
        The headers ETag and Last-Modified; None if the server does not send them.
    size
        Of the whole file, bytes; None if the server does not send it.
    """

    url: str
    etag: str | None
    modified: str | None
    size: int | None

    @classmethod
    def offered(cls, url: str, response: Any) -> "Version":
        """The version that a response of `urllib.request.urlopen` has, whole or in part."""
        part = span(response)
        size = part[1] if part else response.headers.get("Content-Length", "")
        return cls(
            url,
            response.headers["ETag"],
            response.headers["Last-Modified"],
            int(size) if size.isdigit() else None,
        )

    def continues(self, other: "Version") -> bool:
        """Whether bytes of `other` can be appended to bytes of this version."""
        sizes = {self.size, other.size} - {None}
        return (self.etag, self.modified) == (other.etag, other.modified) and len(sizes) < 2

    def condition(self) -> dict[str, str]:
        """The header that requests the rest only of this version; it must not be a weak ETag."""
        strong = self.etag if self.etag and not self.etag.startswith("W/") else self.modified
        return {"If-Range": strong} if strong else {}


class PartialFile:
    """The bytes so far in ``<target>.part``, their version in ``<target>.part.json``."""

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f"{target.name}.part")
        self.note = target.with_name(f"{target.name}.part.json")

    def size(self) -> int:
        """In bytes; 0 if there is no part."""
        return self.path.stat().st_size if self.path.exists() else 0

    def version(self, url: str) -> Version | None:
        """The version of the part; None if a download of `url` cannot resume from it."""
        try:
            with readable(self.note):
                version = Version(**json.loads(read(self.note)))
        except UserError:
            return None
        return version if version.url == url and self.size() else None

    def begin(self, version: Version) -> None:
        """Start again from the beginning, with bytes of `version`."""
        self.remove()
        self.note.write_text(json.dumps(asdict(version)), encoding="utf-8")

    def remove(self) -> None:
        """Remove both files."""
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


def span(response: Any) -> tuple[int, str] | None:
    """Of a partial response: its first byte (-1 = unknown), and the size of the file or ``*``."""
    if getattr(response, "status", None) != 206:
        return None
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    return (int(found[1]), found[2]) if found else (-1, "*")
