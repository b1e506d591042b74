"""Digests of files, computed once for each version of a file and cached between runs.

A version is identified by size, time stamps and inode. One of the time stamps is the last change of
the inode, which no tool can reset. So a file is read again if it was replaced by an older one, or
if it was edited and its time stamp was restored.

The Snakefile imports this module, so it imports pyarrow only to open a table.
"""

import hashlib
import json
import os
import stat
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_SETTLED_S = 2.0
"""A file that changed more recently may change again within one tick of its file system's clock."""

_THREADS = 4  # hashing releases the interpreter's lock


@dataclass(frozen=True)
class TableDigests:
    """The digests in the footer of a table, see `spcl.provenance.footer`.

    Attributes
    ----------
    content
        Of its rows and metadata.
    record
        `spcl.provenance.record.Record.digest` of its record; None if it has no record.
    beside
        Of the other files of its job, by file name.
    """

    content: str
    record: str | None
    beside: dict[str, str]


class DigestCache:
    """Digests of files, stored in a JSON file between runs.

    Parameters
    ----------
    path
        The JSON file. It may be deleted: its entries are compared with the versions of the files.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries: dict[str, dict[str, Any]] = {}
        self._changed = False
        with suppress(OSError, ValueError):
            entries = json.loads(path.read_text(encoding="utf-8"))
            self._entries = entries if isinstance(entries, dict) else {}

    def of_file(self, path: str) -> str | None:
        """The digest of all bytes of a file; None if it cannot be read."""
        return self.once(path, "bytes", _bytes)

    def of_files(self, paths: Iterable[str]) -> dict[str, str | None]:
        """The digests of several files, computed in parallel."""
        with ThreadPoolExecutor(_THREADS) as pool:
            paths = list(paths)
            return dict(zip(paths, pool.map(self.of_file, paths), strict=True))

    def of_start(self, path: str) -> str | None:
        """The first twelve bytes of a file: they tell media from what stands in for them."""
        return self.once(path, "start", _start)

    def of_table(self, path: str) -> TableDigests | None:
        """The digests in the footer of a table; None if it has changed since it was written."""
        found = self.once(path, "table", _table)
        return None if found is None else TableDigests(**found)

    def save(self) -> None:
        """Write the cache for later processes; without it the next run takes longer."""
        if not self._changed:
            return
        entries = {path: one for path, one in self._entries.items() if os.path.exists(path)}
        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(entries), encoding="utf-8")
            temporary.replace(self.path)

    def once(self, path: str, key: str, compute: Callable[[str], Any]) -> Any:
        """Compute something of a file, once for each version of it.

        Parameters
        ----------
        path
            The file.
        key
            A name for what is computed.
        compute
            Takes the path, and returns plain JSON values; None for a file that cannot be read.
        """
        try:
            facts = os.stat(path)
        except OSError:
            return None
        if not stat.S_ISREG(facts.st_mode):  # to open a pipe can block
            return None
        version = [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino]
        entry = self._entries.get(path)
        if not isinstance(entry, dict) or entry.get("version") != version:
            entry = {"version": version}
        if key not in entry:
            found = compute(path)
            if found is None or time.time() - facts.st_ctime < _SETTLED_S:
                return found
            entry = entry | {key: found}
            self._entries[path], self._changed = entry, True
        return entry[key]


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
    from spcl.provenance.footer import read_footer  # imports pyarrow, a third of a second

    footer = read_footer(path)
    if footer is None:
        return None
    record = footer.record.digest if footer.record else None
    return asdict(TableDigests(footer.content, record, dict(footer.beside)))
