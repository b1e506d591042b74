"""Which results no longer fit the present config, code and data.

Imported by the Snakefile: pyarrow is imported only where a table has to be opened.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spcl.provenance import corpora
from spcl.provenance.contents import Contents
from spcl.provenance.inputs import files
from spcl.provenance.record import (
    CORPUS,
    Input,
    Recipe,
    Record,
    read_folder_record,
)

_TABLES = Path(".snakemake", "contents", "tables.json")
_SHOWN = 3  # settings of a difference; texts of this length
_LONGEST = 60


@dataclass
class PlannedJob:
    """A job that Snakemake plans.

    Attributes
    ----------
    recipe
        What it would do now.
    outputs
        What it leaves; the first stands for all.
    tables, corpus, reads
        Its inputs: tables, and a raw corpus and what it reads of it.
    upstream
        By input, the job that makes it, if any does.
    """

    recipe: Recipe
    outputs: tuple[str, ...]
    tables: tuple[str, ...] = ()
    corpus: str | None = None
    reads: corpora.Reads = "nothing"
    upstream: dict[str, "PlannedJob"] = field(default_factory=dict)

    @property
    def inputs(self) -> list[str]:
        """The names of its inputs, as its record has them."""
        return [*self.tables, *([CORPUS] if self.corpus else []), *files(self.recipe.settings)]


class Plan:
    """Compares results with what their jobs would do now."""

    def __init__(self) -> None:
        self._tables = Contents(_TABLES)
        self._corpora: dict[str, Contents] = {}
        self._of_corpora: dict[tuple[str, str], str | None] = {}

    def reason(self, job: PlannedJob) -> str | None:
        """Why the results of `job` are to be made again; None where they fit, or are not there."""
        main, *others = job.outputs
        if not os.path.exists(main):
            return None
        if os.path.isdir(main):
            record = read_folder_record(main)
            return self._difference(record, job) if record else f"{main} does not say what made it"
        told = self._tables.of_table(main)
        if told is None:
            return f"{main} was changed after it was written, or another program wrote it"
        if told.record is None:
            return f"{main} does not say what made it"
        for path in filter(os.path.exists, others):
            name = os.path.basename(path)
            if name in told.beside and told.beside[name] != self._beside(path):
                return f"{path} is not what was written with {main}"
        now = {name: self._content(job, name) for name in job.inputs}
        if None not in now.values():
            inputs = {name: Input(content or "") for name, content in now.items()}
            if Record(job.recipe, inputs).digest == told.record:
                return None
        return self._difference(_record(main), job)

    def save(self) -> None:
        """Keep the digests of all files that were looked at."""
        for contents in (self._tables, *self._corpora.values()):
            contents.save()

    def _difference(self, record: Record | None, job: PlannedJob) -> str | None:
        """How what was made differs from what would be made, in words; None if it does not."""
        if record is None:
            return f"{job.outputs[0]} does not say what made it"
        then, now = record.recipe, job.recipe
        if (then.rule, then.wildcards) != (now.rule, now.wildcards):
            return f"it is a copy of {then.rule} {'/'.join(then.wildcards.values())}"
        if settings := list(_changed(then.settings, now.settings)):
            more = f" and {len(settings) - _SHOWN} more" if len(settings) > _SHOWN else ""
            return ", ".join(settings[:_SHOWN]) + more
        if then.code != now.code:
            return "its code has changed"
        if set(record.inputs) != set(job.inputs):
            other = sorted(set(record.inputs) ^ set(job.inputs))[0]
            return f"{other} is no longer an input" if other in record.inputs else f"{other} is new"
        for name in job.inputs:
            if reason := self._of_input(job, name, record.inputs[name]):
                return reason
        return None

    def _of_input(self, job: PlannedJob, name: str, then: Input) -> str | None:
        """How an input differs from what was read. One that is gone would have to be made."""
        now = self._content(job, name)
        shown = job.corpus if name == CORPUS else name
        if now is not None:
            return None if now == then.content else f"{shown} has changed"
        upstream = job.upstream.get(name)
        if upstream is None:  # a corpus that has gone, after it was imported
            return None
        if then.record is None:
            return f"{shown} has gone"
        reason = self._difference(then.record, upstream)
        return f"{shown}, which has gone, would be another: {reason}" if reason else None

    def _content(self, job: PlannedJob, name: str) -> str | None:
        """The present content of an input; None where it is not there."""
        if name == CORPUS:
            assert job.corpus is not None
            key = job.corpus, job.reads
            if key not in self._of_corpora:
                self._of_corpora[key] = corpora.content(*key, self._of_corpus(job.corpus))
            return self._of_corpora[key]
        if name in job.tables:
            told = self._tables.of_table(name)
            return told.content if told else ("altered" if os.path.exists(name) else None)
        return corpora.tree(name, self._tables)

    def _of_corpus(self, corpus: str) -> Contents:
        if corpus not in self._corpora:
            self._corpora[corpus] = Contents(corpora.kept_contents(corpus))
        return self._corpora[corpus]

    def _beside(self, path: str) -> str | None:
        if path.endswith(".parquet"):
            told = self._tables.of_table(path)
            return told.content if told else None
        return self._tables.of_file(path)


def _record(table: str) -> Record | None:
    from spcl.provenance.origin import origin

    found = origin(table)
    return found.record if found else None


def _changed(then: Any, now: Any, key: str = "") -> Iterator[str]:
    """The settings that differ, each with its value before and now."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for name in dict.fromkeys([*then, *now]):
            inner = f"{key}.{name}".removeprefix(".settings").removeprefix(".")
            yield from _changed(then.get(name), now.get(name), inner)
    elif then != now:
        yield f"{key} is {_short(now)}, was {_short(then)}"


def _short(value: Any) -> str:
    text = "not set" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
