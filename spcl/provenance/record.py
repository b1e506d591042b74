"""The record that a table carries of the job that made it.

Imported by the Snakefile, so it uses the standard library alone.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

FOLDER_RECORD = ".made-of.json"
"""Where a folder that a job made keeps its record."""

CORPUS = "corpus"
"""The name of the input that is a raw corpus; others are named by their paths."""

_UNDECISIVE = {
    "code": "has its own place in a record",
    "device": "results may move between machines; `training_digest` of the metrics has it",
    "working": "a path",
    "kept": "a path",
    "path": "of the corpus, whose content counts",
    "url": "the check sum says what is downloaded",
    "size": "likewise",
    "licence": "a name",
}
"""Parameters of rules that decide no number, each with the reason."""

_DELETABLE = ("results/corpora/", "results/features/", "results/difficulty/")
"""What users delete to make room: who reads it records what it was made of, too."""


@dataclass(frozen=True)
class Recipe:
    """What a job does, whatever its inputs hold.

    Attributes
    ----------
    rule, wildcards
        Which job.
    code
        Digest of the code that decides its numbers; None where none does.
    settings
        Its other parameters, plain JSON values.
    """

    rule: str
    wildcards: Mapping[str, str]
    code: str | None
    settings: Mapping[str, Any]

    @classmethod
    def of(
        cls, rule: str, wildcards: Iterable[tuple[str, str]], params: Iterable[tuple[str, Any]]
    ) -> Self:
        """Of a job of Snakemake, with the items of its wildcards and parameters."""
        given = dict(params)
        settings = {key: value for key, value in given.items() if key not in _UNDECISIVE}
        return cls(rule, dict(wildcards), given.get("code"), json.loads(json.dumps(settings)))


@dataclass(frozen=True)
class Input:
    """What a job has read.

    Attributes
    ----------
    content
        The digest of its content.
    record
        What that was made of, where it may go.
    given
        By the job's name for it ("" = none), the file, or the files, that lie there and were read.
    """

    content: str
    record: "Record | None" = None
    given: Mapping[str, str | list[str]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for `from_json`."""
        values: dict[str, Any] = {"content": self.content}
        if self.record:
            values["record"] = self.record.to_json()
        if self.given:
            values["given"] = dict(self.given)
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Back from `to_json`."""
        record = values.get("record")
        made = Record.from_json(record) if record else None
        return cls(values["content"], made, values.get("given", {}))


@dataclass(frozen=True)
class Record:
    """What a table is made of."""

    recipe: Recipe
    inputs: Mapping[str, Input]

    @property
    def contents(self) -> dict[str, str]:
        """By name of an input, the digest of its content."""
        return {name: one.content for name, one in self.inputs.items()}

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits over the recipe and the inputs' content."""
        return digest([vars(self.recipe), self.contents])

    def to_json(self) -> dict[str, Any]:
        """Plain values, for `from_json`."""
        inputs = {name: one.to_json() for name, one in self.inputs.items()}
        return vars(self.recipe) | {"inputs": inputs}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Back from `to_json`.

        Raises
        ------
        KeyError, TypeError, AttributeError
            The values are no record.
        """
        given = dict(values)
        inputs = {name: Input.from_json(one) for name, one in given.pop("inputs").items()}
        return cls(Recipe(**given), inputs)


def digest(value: Any) -> str:
    """Sixteen hexadecimal digits over plain JSON values, blind to the order of keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def main_table(path: str) -> str:
    """The table that stands for all that its job left: its record names the others' content."""
    folder, _, name = path.rpartition("/")
    of_cell = name in {"history.parquet", "predictions.parquet", "curriculum.parquet"}
    return f"{folder}/metrics.parquet" if of_cell else path


def keeps_record_of(path: str) -> bool:
    """Whether who reads the table at `path` records what it was made of: it may be deleted."""
    return path.startswith(_DELETABLE) or path == CORPUS


@dataclass
class Making:
    """A job at work: the record of what it makes, and the files that it leaves, main one first.

    Those have the job's names for them; a single one may have none, which is "".
    """

    record: Record
    outputs: Mapping[str, Path] = field(default_factory=dict)


_MAKING: ContextVar[Making | None] = ContextVar("making", default=None)


@contextmanager
def making(job: Making) -> Iterator[None]:
    """Let every table that is written meanwhile carry the record of `job`."""
    token = _MAKING.set(job)
    try:
        yield
    finally:
        _MAKING.reset(token)


def current() -> Making | None:
    """The job that is at work in this process; None where no rule's script runs."""
    return _MAKING.get()


def contents_read() -> dict[str, str]:
    """By name of an input of the job that is at work, the digest of its content."""
    job = current()
    return job.record.contents if job else {}


def read_folder_record(folder: str | Path) -> Record | None:
    """The record that `leave_folder_record` left; None where there is none that can be read."""
    try:
        text = Path(folder, FOLDER_RECORD).read_text(encoding="utf-8")
        return Record.from_json(json.loads(text))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def leave_folder_record(folder: str | Path) -> None:
    """Leave the record of the job that is at work in the `folder` that it made."""
    job = current()
    if job is not None:
        text = json.dumps(job.record.to_json())
        Path(folder, FOLDER_RECORD).write_text(text, encoding="utf-8")
