"""The content of files, as digests that are computed once for each version of a file.

A version is told by size, time stamps and inode; among the stamps is that of the last change of the
inode, which no tool sets back. So a file that was replaced by an older one, or edited under its old
time stamp, is read again, and one that only looks newer is the same.

Imported by the Snakefile: pyarrow is imported only where a table has to be opened.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_SETTLED_S = 2.0
"""A file that changed more recently may change again within one tick of its file system's clock."""

_THREADS = 4  # hashing frees the interpreter's lock


@dataclass(frozen=True)
class TableDigests:
    """What a table says of itself, see `spcl.provenance.origin`.

    Attributes
    ----------
    content
        The digest of its rows and metadata.
    record
        `spcl.provenance.record.Record.digest` of what it was made of; None where it carries none.
    beside
        By file name, the content of what its job left beside it.
    """

    content: str
    record: str | None
    beside: dict[str, str]


class Contents:
    """Digests of files, kept in a file of their own between runs.

    Parameters
    ----------
    kept
        The file; what is in it is checked against the files' versions, and it may be deleted.
    """

    def __init__(self, kept: Path) -> None:
        self.kept = kept
        self._known: dict[str, dict[str, Any]] = {}
        self._seen: dict[str, dict[str, Any]] = {}
        with suppress(OSError, ValueError):
            known = json.loads(kept.read_text(encoding="utf-8"))
            self._known = known if isinstance(known, dict) else {}

    def of_file(self, path: str) -> str | None:
        """Of all bytes of a file; None where there is no file that can be read."""
        return self.once(path, "bytes", _bytes)

    def of_files(self, paths: Iterable[str]) -> dict[str, str | None]:
        """Likewise of many, several at a time."""
        with ThreadPoolExecutor(_THREADS) as pool:
            paths = list(paths)
            return dict(zip(paths, pool.map(self.of_file, paths), strict=True))

    def of_start(self, path: str) -> str | None:
        """The first twelve bytes of a file: what an importer looks at in media."""
        return self.once(path, "start", _start)

    def of_table(self, path: str) -> TableDigests | None:
        """What the table at `path` says of itself; None where it is not as it was written."""
        found = self.once(path, "table", _table)
        return None if found is None else TableDigests(**found)

    def save(self) -> None:
        """Keep what was found, for later processes."""
        known = self._known | self._seen
        if known == self._known:
            return
        known = {path: entry for path, entry in known.items() if os.path.exists(path)}
        temporary = self.kept.with_name(f"{self.kept.name}.{os.getpid()}")
        with suppress(OSError):  # without it the next run takes longer
            self.kept.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(known), encoding="utf-8")
            temporary.replace(self.kept)

    def once(self, path: str, what: str, look: Callable[[str], Any]) -> Any:
        """What `look` finds in a file, computed once for each version of it.

        Parameters
        ----------
        path
            The file.
        what
            A name for what is found.
        look
            Gets the path, and gives plain JSON values, None for a file that cannot be read.
        """
        try:
            facts = os.stat(path)
        except OSError:
            return None
        version = [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino]
        entry = self._seen.get(path) or self._known.get(path)
        same = isinstance(entry, dict) and entry.get("version") == version
        entry = dict(entry) if entry and same else {"version": version}
        if what not in entry:
            found = look(path)
            if found is None or time.time() - facts.st_ctime < _SETTLED_S:
                return found
            entry[what] = found
        self._seen[path] = entry
        return entry[what]


def _bytes(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:32]
    except OSError:
        return None


def _start(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            return file.read(12).hex()
    except OSError:
        return None


def _table(path: str) -> dict[str, Any] | None:
    from spcl.provenance import origin  # and with it pyarrow, a third of a second

    found = origin.origin(path)
    if found is None:
        return None
    record = found.record.digest if found.record else None
    return asdict(TableDigests(found.content, record, dict(found.beside)))
