"""Compares files with their records: their own content, and the content of their inputs."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from spcl.errors import UserError
from spcl.provenance import corpora
from spcl.provenance.digest_cache import DigestCache
from spcl.provenance.footer import Footer, content_digest, read_footer
from spcl.provenance.record import CORPUS, Record

_FOLDER = "results/"
"""How the names of results start in records, wherever the results are."""

_UNSHOWN = ("kept", "trials")  # trainings with other settings, which no table shows


class Results:
    """The tables in a folder of results.

    Parameters
    ----------
    folder
        The folder; it may have another name than ``results``.

    Attributes
    ----------
    checked
        How many checks of each kind were made.

    Raises
    ------
    UserError
        There is no table.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checked: Counter[str] = Counter()
        self._cache = DigestCache(Path(os.devnull))  # every byte is read again
        self._footers: dict[Path, Footer | None] = {
            path: read_footer(path)
            for path in sorted(folder.rglob("*.parquet"))
            if path.relative_to(folder).parts[0] not in _UNSHOWN and not path.name.startswith(".")
        }
        if not self._footers:
            raise UserError(f"{folder}: no results; name the folder that has cells, tables, ...")
        self.checked["tables read"] += len(self._footers)

    def path(self, name: str) -> Path:
        """The path of a file that a record names."""
        inside = name.startswith(_FOLDER)
        return self.folder / name.removeprefix(_FOLDER) if inside else Path(name)

    def jobs(self) -> Iterator[tuple[Path, Record, Mapping[str, str]]]:
        """The main table of each job, its record, and its files as in `Footer.outputs`.

        Tables that have changed since they were written are left out.
        """
        for path, footer in self._footers.items():
            if footer and footer.record and footer.outputs:
                yield path, footer.record, footer.outputs

    def are_intact(self, paths: Iterable[Path]) -> bool:
        """Whether all tables among `paths` exist and are as they were written."""
        return all(self._footers.get(path) for path in paths if path.suffix == ".parquet")

    def faults(self) -> Iterator[str]:
        """Tables that were changed after they were written, or not written by the workflow."""
        for path, footer in self._footers.items():
            if footer is None:
                yield f"{path}: was changed after it was written, or by another program"
                continue
            if footer.record is None:
                yield f"{path}: has no record of the job that made it"
            for name, digest in footer.beside.items():
                other = path.with_name(name)
                if other.exists() and content_digest(other) != digest:
                    yield f"{other}: was not written together with {path.name}"

    def outdated(self) -> Iterator[str]:
        """Tables that were made from another version of an input than the present one."""
        for path, record, _ in self.jobs():
            for name, content in record.contents.items():
                now = self._content(name)
                if now is not None and now != content:
                    yield f"{path}: was made from another version of {self.path(name)}"

    def _content(self, name: str) -> str | None:
        """The digest of an input; None if it does not exist or is checked elsewhere."""
        path = self.path(name)
        if name == CORPUS or not path.exists():
            return None
        if path in self._footers:
            footer = self._footers[path]
            return footer.content if footer else None
        return corpora.tree_digest(str(path), self._cache)


def corpus_faults(results: Results, paths: Mapping[str, str]) -> Iterator[str]:
    """Tables that were made from another version of a raw corpus than the present one.

    Parameters
    ----------
    results
        The tables.
    paths
        The raw corpora, by dataset; all their bytes are read.
    """
    found: dict[tuple[str, corpora.Reads], str | None] = {}
    for table, record, _ in results.jobs():
        corpus = paths.get(record.recipe.wildcards.get("dataset", ""))
        if corpus and CORPUS in record.inputs:
            key = corpus, record.recipe.settings["reads"]
            if key not in found:
                found[key] = corpora.corpus_digest(*key, DigestCache(Path(os.devnull)))
            if found[key] is None:
                yield f"{table}: cannot be compared with {corpus}: no such file or folder"
            elif found[key] != record.contents[CORPUS]:
                yield f"{table}: was made from another version of {corpus}"
