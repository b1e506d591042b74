"""Files beside what is recorded of them: their own content, and that of what they were made of."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from spcl.errors import UserError
from spcl.provenance import corpora, origin
from spcl.provenance.contents import Contents
from spcl.provenance.origin import Origin
from spcl.provenance.record import CORPUS, Record

_FOLDER = "results/"
"""Where records name results, wherever they lie."""

_KEPT = "kept"  # trainings of earlier settings, which no table shows


class Results:
    """The tables in a folder of results, read whole.

    Parameters
    ----------
    folder
        May have another name than ``results``.

    Attributes
    ----------
    checked
        How often what was done, in words.

    Raises
    ------
    UserError
        There is no table.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checked: Counter[str] = Counter()
        self._contents = Contents(Path(os.devnull))  # nothing is taken from an earlier look
        self._origins: dict[Path, Origin | None] = {
            path: origin.origin(path)
            for path in sorted(folder.rglob("*.parquet"))
            if path.relative_to(folder).parts[0] != _KEPT and not path.name.startswith(".")
        }
        if not self._origins:
            raise UserError(f"{folder}: no results; name the folder that holds cells, tables, ...")
        self.checked["tables read"] += len(self._origins)

    def path(self, name: str) -> Path:
        """Where a file lies that a record names."""
        inside = name.startswith(_FOLDER)
        return self.folder / name.removeprefix(_FOLDER) if inside else Path(name)

    def jobs(self) -> Iterator[tuple[Path, Record, Mapping[str, str]]]:
        """The main table of each job, its record, and all that it left.

        The latter as in `spcl.provenance.origin.Origin`. Tables that are not as they were written
        are left out.
        """
        for path, found in self._origins.items():
            if found and found.record and found.outputs:
                yield path, found.record, found.outputs

    def sound(self, paths: Iterable[Path]) -> bool:
        """Whether all tables among `paths` are there and as they were written."""
        return all(self._origins.get(path) for path in paths if path.suffix == ".parquet")

    def faults(self) -> Iterator[str]:
        """Tables that are not as they were written, or were not written by the workflow."""
        for path, found in self._origins.items():
            if found is None:
                yield f"{path}: another program wrote it, or changed it since"
                continue
            if found.record is None:
                yield f"{path}: does not say what made it"
            for name, content in found.beside.items():
                other = path.with_name(name)
                if other.exists() and origin.content(other) != content:
                    yield f"{other}: is not what was written with {path.name}"

    def other_inputs(self) -> Iterator[str]:
        """Tables that were made of another version of what is there now."""
        for path, record, _ in self.jobs():
            for name, content in record.contents.items():
                now = self._content(name)
                if now is not None and now != content:
                    yield f"{path}: was made of another {self.path(name)}"

    def _content(self, name: str) -> str | None:
        """The present content of an input; None where there is none, or it is checked elsewhere."""
        path = self.path(name)
        if name == CORPUS or not path.exists():
            return None
        if path in self._origins:
            found = self._origins[path]
            return found.content if found else None
        return corpora.tree(str(path), self._contents)


@dataclass(frozen=True)
class Corpus:
    """A raw corpus, and the tables that were made of it.

    Attributes
    ----------
    path
        The corpus.
    tables
        By path, what the job has read of the corpus and what it was then.
    """

    path: str
    tables: Mapping[Path, tuple[corpora.Reads, str]]

    @classmethod
    def each(cls, results: Results, paths: Mapping[str, str]) -> Iterator[Self]:
        """Every corpus of which there are tables and a path, by dataset, in `paths`."""
        tables: dict[str, dict[Path, tuple[corpora.Reads, str]]] = {}
        for path, record, _ in results.jobs():
            corpus = paths.get(record.recipe.wildcards.get("dataset", ""))
            if corpus and CORPUS in record.inputs:
                read = record.recipe.settings["reads"], record.contents[CORPUS]
                tables.setdefault(corpus, {})[path] = read
        yield from (cls(corpus, tables[corpus]) for corpus in tables)

    def faults(self) -> Iterator[str]:
        """Tables that were made of other bytes than those that lie there now."""
        if not os.path.exists(self.path):
            yield f"{self.path}: not there, so that what was made of it cannot be compared with it"
            return
        contents = Contents(Path(os.devnull))  # nothing is taken from an earlier look
        now = {
            reads: corpora.content(self.path, reads, contents)
            for reads in {reads for reads, _ in self.tables.values()}
        }
        for table, (reads, then) in self.tables.items():
            if now[reads] != then:
                yield f"{table}: was made of another {self.path}, or of other files in it"
