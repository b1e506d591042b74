"""Every input of the report as one pandas frame a kind, read when first used."""

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from spcl.tables import parquet, schemas

Paths = Sequence[str | Path]

_KINDS: dict[str, tuple[parquet.Schema, tuple[str, ...]]] = {
    "metrics": (schemas.METRICS, ()),
    "history": (schemas.HISTORY, ("modality_confidence",)),
    "predictions": (schemas.PREDICTIONS, ("probabilities", "modality_probabilities")),
    "robustness": (schemas.ROBUSTNESS, ("predicted",)),
    "curriculum": (
        schemas.ADMISSIONS,
        ("dialogue_id", "share_of_epochs", "last_difficulty"),
    ),
    "utterance_difficulty": (schemas.UTTERANCE_DIFFICULTY, ("probabilities",)),
    "conversation_difficulty": (schemas.CONVERSATION_DIFFICULTY, ()),
    "tuning": (schemas.TUNING, ()),
    "benchmarks": (schemas.BENCHMARKS, ()),
    "features": (schemas.FEATURES, ("utterance_id", "features")),
    "utterances": (schemas.UTTERANCES, ("text", "start_s", "end_s", "audio_path", "video_path")),
}
"""By kind: the schema of its files, and the columns that no table or figure needs."""


def _frame_of(kind: str, *facts: str) -> "cached_property[pd.DataFrame]":
    """A property of `Results`: all files of `kind` as one frame, their metadata `facts` columns."""
    return cached_property(lambda results: results._frame(kind, facts))


class Results:
    """The inputs of tables and figures by kind; any kind may be absent or incomplete.

    A property for each kind is a frame of all its files: the schema's columns, and strings as
    categoricals whose order is that of the paths, so that grouping keeps the config's order.
    No path is parsed: every row has the key columns. A kind without files is an empty frame with
    the same columns.

    Parameters
    ----------
    **paths
        By kind, its files. Of cells: ``metrics`` (one row a cell, seed and split), ``history``
        (epoch), ``predictions`` (dev or test utterance), ``robustness`` (perturbation),
        ``curriculum`` (training utterance), ``tuning`` (candidate and seed). Of the offline
        difficulty: ``utterance_difficulty``, ``conversation_difficulty``. Of the corpora:
        ``utterances``, ``features``. Of the jobs: ``benchmarks``.

    Raises
    ------
    UserError
        When a property is read: a file is absent, unreadable, or of another kind.
    """

    def __init__(self, **paths: Paths) -> None:
        unknown = paths.keys() - _KINDS.keys()
        if unknown:
            raise TypeError(f"unknown kinds of results: {', '.join(sorted(unknown))}")
        self._paths: dict[str, Paths] = dict.fromkeys(_KINDS, ()) | paths
        self._read: dict[str, list[pa.Table]] = {}

    metrics = _frame_of("metrics")
    history = _frame_of("history")
    predictions = _frame_of("predictions")
    robustness = _frame_of("robustness")
    curriculum = _frame_of("curriculum")
    utterance_difficulty = _frame_of("utterance_difficulty")
    conversation_difficulty = _frame_of("conversation_difficulty")
    tuning = _frame_of("tuning")
    benchmarks = _frame_of("benchmarks")
    utterances = _frame_of("utterances", "dataset")

    @cached_property
    def features(self) -> pd.DataFrame:
        """One row a dataset and modality: the files' metadata, ``n_utterances``, ``n_observed``."""
        names = schemas.FEATURES.metadata
        rows = [
            {name: facts[name] for name in names}
            | {
                "options": json.dumps(facts["options"], sort_keys=True),
                "n_utterances": len(table),
                "n_observed": sum(table["observed"].to_pylist()),
            }
            for table in self._tables("features")
            for facts in [parquet.metadata(table)]
        ]
        return pd.DataFrame(rows, columns=[*names, "n_utterances", "n_observed"])

    def facts(self, kind: str) -> list[dict[str, Any]]:
        """The metadata of every file of `kind`, in the order of the paths."""
        return [parquet.metadata(table) for table in self._tables(kind)]

    @cached_property
    def simulated(self) -> tuple[str, ...]:
        """The datasets that any of the given files marks as simulated."""
        found = list(self.metrics.loc[self.metrics["simulated"].astype(bool), "dataset"].unique())
        for kind, (schema, _) in _KINDS.items():
            if "simulated" in schema.metadata:
                found += [facts["dataset"] for facts in self.facts(kind) if facts["simulated"]]
        return tuple(dict.fromkeys(found))

    @cached_property
    def labels(self) -> dict[str, list[str]]:
        """By dataset: the emotions in the order of the corpus, where a file of it was given."""
        return {dataset: list(facts["labels"]) for dataset, facts in self._labelled()}

    @cached_property
    def classes(self) -> dict[str, int]:
        """By dataset: the number of classes of its sentiment scores, where a file says so."""
        return {
            dataset: facts["classes"] for dataset, facts in self._labelled() if "classes" in facts
        }

    def columns(self, kind: str, names: Sequence[str]) -> Iterator[pa.Table]:
        """Columns that the frame of `kind` leaves out, file by file, in the frame's order."""
        for path in self._paths[kind]:
            yield parquet.read(path, _KINDS[kind][0], names)

    def _labelled(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The dataset and the metadata of every file that has labels."""
        for kind in ("metrics", "predictions", "utterance_difficulty", "utterances"):
            for table in self._tables(kind):
                facts = parquet.metadata(table)
                of_rows = [] if "dataset" in facts else table["dataset"][:1].to_pylist()
                for dataset in of_rows or [facts["dataset"]]:
                    yield dataset, facts

    def _tables(self, kind: str) -> list[pa.Table]:
        if kind not in self._read:
            schema, unused = _KINDS[kind]
            columns = [column.name for column in schema.columns if column.name not in unused]
            self._read[kind] = [
                parquet.read(path, schema, columns if unused else None).select(columns)
                for path in self._paths[kind]
            ]
        return self._read[kind]

    def _frame(self, kind: str, of_file: Sequence[str]) -> pd.DataFrame:
        """All files of `kind`; the metadata `of_file` become columns."""
        tables = []
        for table in self._tables(kind):
            facts = parquet.metadata(table)
            for name in of_file:
                table = table.append_column(name, pa.array([facts[name]] * len(table)))
            tables.append(_with_categories(table))
        if not tables:
            schema, unused = _KINDS[kind]
            kept = [column.name for column in schema.columns if column.name not in unused]
            return pd.DataFrame({name: [] for name in [*kept, *of_file]})
        return pa.concat_tables(tables).unify_dictionaries().to_pandas()


def _with_categories(table: pa.Table) -> pa.Table:
    """Dictionary-encode strings, and drop the metadata, which differs from file to file."""
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        is_text = pa.types.is_string(column.type)
        columns[name] = column.dictionary_encode() if is_text else column
    return pa.table(columns)
