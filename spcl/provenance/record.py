"""The record of a job: its rule, settings and code, and the digest of each input.

Every table that a job writes contains this record. The Snakefile imports this module, so it uses
the standard library alone.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from spcl.study.grid import CELL_TABLES, MODEL_FILE

FOLDER_RECORD = ".made-of.json"
"""The file that contains the record of a folder that a job made."""

CORPUS = "corpus"
"""The name of the input that is a raw corpus; the others are named by their paths."""

_UNDECISIVE = {
    "code": "a separate field of a record",
    "training_code": "`code` covers it",
    "device": "results may move between machines; `training_digest` of the metrics includes it",
    "gpus": "the number of GPUs does not change the features",
    "working": "a path",
    "kept": "a path",
    "path": "of the corpus, whose content is compared",
    "url": "the checksum determines what is downloaded",
    "size": "the checksum determines what is downloaded",
    "licence": "a name",
}
"""Parameters of rules that decide no number, each with the reason."""

_DELETABLE = ("results/corpora/", "results/features/", "results/difficulty/")
"""Results that users delete to free disk space."""


@dataclass(frozen=True)
class Recipe:
    """What a job does, whatever its inputs contain.

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
        """The recipe of a Snakemake job, from the items of its wildcards and parameters."""
        given = dict(params)
        settings = {key: value for key, value in given.items() if key not in _UNDECISIVE}
        return cls(rule, dict(wildcards), given.get("code"), json.loads(json.dumps(settings)))


@dataclass(frozen=True)
class Input:
    """An input that a job has read.

    Attributes
    ----------
    content
        The digest of its content.
    record
        Its own record, if the input may be deleted (`may_be_deleted`).
    given
        The names of the files that were read, by the job's name for them ("" = none).
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
        """The inverse of `to_json`."""
        record = values.get("record")
        parsed = Record.from_json(record) if record else None
        return cls(values["content"], parsed, values.get("given", {}))


@dataclass(frozen=True)
class Record:
    """The recipe and the inputs of a job."""

    recipe: Recipe
    inputs: Mapping[str, Input]

    @property
    def contents(self) -> dict[str, str]:
        """The digest of each input's content, by the input's name."""
        return {name: one.content for name, one in self.inputs.items()}

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits over the recipe and the content of the inputs."""
        return json_digest([vars(self.recipe), self.contents])

    def to_json(self) -> dict[str, Any]:
        """Plain values, for `from_json`."""
        inputs = {name: one.to_json() for name, one in self.inputs.items()}
        return vars(self.recipe) | {"inputs": inputs}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`.

        Raises
        ------
        KeyError, TypeError, AttributeError
            The values are not a record.
        """
        given = dict(values)
        inputs = {name: Input.from_json(one) for name, one in given.pop("inputs").items()}
        return cls(Recipe(**given), inputs)


def json_digest(value: Any) -> str:
    """Sixteen hexadecimal digits over plain JSON values; the order of keys does not matter."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def main_table(path: str) -> str:
    """The main table of the job that wrote `path`: its record covers the job's other files."""
    folder, _, name = path.rpartition("/")
    if name == "pace.parquet":
        return f"{folder}/settings.parquet"
    is_model = name.startswith(MODEL_FILE.partition("{")[0])
    of_cell = is_model or name.removesuffix(".parquet") in CELL_TABLES
    return f"{folder}/metrics.parquet" if of_cell else path


def may_be_deleted(path: str) -> bool:
    """Whether users delete the input at `path`: jobs that read it then store its record, too."""
    return path.startswith(_DELETABLE) or path == CORPUS


@dataclass
class RunningJob:
    """The job that runs in this process.

    Attributes
    ----------
    record
        Of the tables that it writes.
    outputs
        Its files, the main one first, by the job's names for them; a single file may have the name
        "".
    """

    record: Record
    outputs: Mapping[str, Path] = field(default_factory=dict)


_JOB: ContextVar[RunningJob | None] = ContextVar("job", default=None)


@contextmanager
def recording(job: RunningJob) -> Iterator[None]:
    """Add the record of `job` to every table that is written inside this context."""
    token = _JOB.set(job)
    try:
        yield
    finally:
        _JOB.reset(token)


def current_job() -> RunningJob | None:
    """The job that runs in this process; None outside the script of a rule."""
    return _JOB.get()


def input_digests() -> dict[str, str]:
    """The digest of each input of the running job, by the input's name."""
    job = current_job()
    return job.record.contents if job else {}


def training_inputs() -> dict[str, str]:
    """The digests of the running job's inputs that decide the numbers of a training, by name.

    Other cells and tunings are not among them: the pace that they set, and the settings that they
    choose, are compared instead.
    """
    earlier = ("results/cells/", "results/tuning/")
    return {
        name: content for name, content in input_digests().items() if not name.startswith(earlier)
    }


def read_folder_record(folder: str | Path) -> Record | None:
    """The record that `write_folder_record` wrote; None if there is no readable one."""
    try:
        text = Path(folder, FOLDER_RECORD).read_text(encoding="utf-8")
        return Record.from_json(json.loads(text))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_folder_record(folder: str | Path) -> None:
    """Write the record of the running job into a `folder` that it made."""
    job = current_job()
    if job is not None:
        text = json.dumps(job.record.to_json())
        Path(folder, FOLDER_RECORD).write_text(text, encoding="utf-8")
