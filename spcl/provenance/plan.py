"""Which results are outdated: compares their records with the present config, code and data.

The Snakefile imports this module, so it imports pyarrow only to open a table.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spcl.provenance import corpora
from spcl.provenance.digest_cache import DigestCache
from spcl.provenance.inputs import files
from spcl.provenance.record import (
    CORPUS,
    Input,
    Recipe,
    Record,
    read_folder_record,
)

_TABLES = Path(".snakemake", "contents", "tables.json")
_SHOWN = 3  # settings in a message
_LONGEST = 60  # characters of a setting's value


@dataclass
class PlannedJob:
    """A job that Snakemake plans.

    Attributes
    ----------
    recipe
        What it would do now.
    outputs
        Its files, the main one first.
    tables, corpus, reads
        Its inputs: tables, a raw corpus, and what it reads of the corpus.
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
    """Compares the records of results with what their jobs would do now."""

    def __init__(self) -> None:
        self._tables = DigestCache(_TABLES)
        self._corpora: dict[str, DigestCache] = {}
        self._corpus_digests: dict[tuple[str, str], str | None] = {}

    def reason(self, job: PlannedJob) -> str | None:
        """Why the results of `job` are outdated; None if they are up to date or do not exist."""
        main, *others = job.outputs
        if not os.path.exists(main):
            return None
        if os.path.isdir(main):
            return self._difference(read_folder_record(main), job)
        table = self._tables.of_table(main)
        if table is None:
            return f"{main} was changed after it was written, or by another program"
        if table.record is None:
            return self._difference(None, job)
        for path in filter(os.path.exists, others):
            name = os.path.basename(path)
            if name in table.beside and table.beside[name] != self._file_digest(path):
                return f"{path} was not written together with {main}"
        now = {name: self._content(job, name) for name in job.inputs}
        if None not in now.values():
            inputs = {name: Input(content or "") for name, content in now.items()}
            if Record(job.recipe, inputs).digest == table.record:
                return None
        return self._difference(_read_record(main), job)

    def save(self) -> None:
        """Cache the digests of all files that were read."""
        for cache in (self._tables, *self._corpora.values()):
            cache.save()

    def _difference(self, record: Record | None, job: PlannedJob) -> str | None:
        """How the record of a result differs from what `job` would do now; None if it does not."""
        if record is None:
            return f"{job.outputs[0]} has no record of the job that made it"
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
            change = "no longer an input" if other in record.inputs else "a new input"
            return f"{other} is {change}"
        for name in job.inputs:
            if reason := self._input_difference(job, name, record.inputs[name]):
                return reason
        return None

    def _input_difference(self, job: PlannedJob, name: str, then: Input) -> str | None:
        """How an input differs from the recorded one; None if it does not.

        If it no longer exists, its own record is compared with the job that would make it.
        """
        now = self._content(job, name)
        shown = job.corpus if name == CORPUS else name
        if now is not None:
            return None if now == then.content else f"{shown} has changed"
        upstream = job.upstream.get(name)
        if upstream is None:  # a corpus that was deleted after its import
            return None
        if then.record is None:
            return f"{shown} no longer exists"
        reason = self._difference(then.record, upstream)
        return f"{shown}, which no longer exists, would differ: {reason}" if reason else None

    def _content(self, job: PlannedJob, name: str) -> str | None:
        """The digest of an input's present content; None if it does not exist."""
        if name == CORPUS:
            assert job.corpus is not None
            key = job.corpus, job.reads
            if key not in self._corpus_digests:
                if job.corpus not in self._corpora:
                    self._corpora[job.corpus] = DigestCache(corpora.cache_path(job.corpus))
                self._corpus_digests[key] = corpora.corpus_digest(*key, self._corpora[job.corpus])
            return self._corpus_digests[key]
        if name in job.tables:
            table = self._tables.of_table(name)
            return table.content if table else ("altered" if os.path.exists(name) else None)
        return corpora.tree_digest(name, self._tables)

    def _file_digest(self, path: str) -> str | None:
        if path.endswith(".parquet"):
            table = self._tables.of_table(path)
            return table.content if table else None
        return self._tables.of_file(path)


def _read_record(table: str) -> Record | None:
    from spcl.provenance.footer import read_footer

    footer = read_footer(table)
    return footer.record if footer else None


def _changed(then: Any, now: Any, key: str = "") -> Iterator[str]:
    """The settings that differ, each with its value now and before."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for name in dict.fromkeys([*then, *now]):
            inner = f"{key}.{name}".removeprefix(".settings").removeprefix(".")
            yield from _changed(then.get(name), now.get(name), inner)
    elif then != now:
        yield f"{key} is {_short(now)}, was {_short(then)}"


def _short(value: Any) -> str:
    text = "not set" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
