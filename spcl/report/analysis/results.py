"""Every input of the report as one pandas frame a kind, read when first asked for."""

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
    "curriculum": (
        schemas.ADMISSIONS,
        ("dialogue_id", "share_of_epochs", "last_difficulty"),
    ),
    "utterance_difficulty": (schemas.UTTERANCE_DIFFICULTY, ("probabilities",)),
    "conversation_difficulty": (schemas.CONVERSATION_DIFFICULTY, ()),
    "benchmarks": (schemas.BENCHMARKS, ()),
    "features": (schemas.FEATURES, ("utterance_id", "features")),
    "utterances": (schemas.UTTERANCES, ("text", "start_s", "end_s", "audio_path", "video_path")),
}
"""By kind: what a file must be, and the columns that no table or figure needs."""


class Results:
    """What the stages before left, by kind; any kind may be absent or incomplete.

    Every property is a frame of all files of its kind: the schema's columns, strings as
    categoricals whose order is that of the paths, so that grouping keeps the config's order.
    No path is ever parsed: the key columns stand in every row. A kind without files is an
    empty frame with the same columns.

    Parameters
    ----------
    metrics, history, predictions, curriculum
        Files that cells left.
    utterance_difficulty, conversation_difficulty
        Files of the offline difficulty stage.
    benchmarks
        Gathered benchmarks of the rules.
    features, utterances
        Files of the corpora.

    Raises
    ------
    UserError
        When a property is read: a file is absent, unreadable, or of another kind.
    """

    def __init__(
        self,
        *,
        metrics: Paths = (),
        history: Paths = (),
        predictions: Paths = (),
        curriculum: Paths = (),
        utterance_difficulty: Paths = (),
        conversation_difficulty: Paths = (),
        benchmarks: Paths = (),
        features: Paths = (),
        utterances: Paths = (),
    ) -> None:
        self._paths: dict[str, Paths] = {
            "metrics": metrics,
            "history": history,
            "predictions": predictions,
            "curriculum": curriculum,
            "utterance_difficulty": utterance_difficulty,
            "conversation_difficulty": conversation_difficulty,
            "benchmarks": benchmarks,
            "features": features,
            "utterances": utterances,
        }
        self._read: dict[str, list[pa.Table]] = {}

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """One row a cell, seed and split; see `spcl.tables.schemas.METRICS`."""
        return self._frame("metrics")

    @cached_property
    def history(self) -> pd.DataFrame:
        """One row a cell, seed and epoch; see `spcl.tables.schemas.HISTORY`."""
        return self._frame("history")

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """One row a cell, seed and dev or test utterance; see `spcl.tables.schemas.PREDICTIONS`."""
        return self._frame("predictions")

    @cached_property
    def curriculum(self) -> pd.DataFrame:
        """One row a cell, seed and training utterance; see `spcl.tables.schemas.ADMISSIONS`."""
        return self._frame("curriculum")

    @cached_property
    def utterance_difficulty(self) -> pd.DataFrame:
        """One row a modality and utterance; see `spcl.tables.schemas.UTTERANCE_DIFFICULTY`."""
        return self._frame("utterance_difficulty")

    @cached_property
    def conversation_difficulty(self) -> pd.DataFrame:
        """One row a conversation; see `spcl.tables.schemas.CONVERSATION_DIFFICULTY`."""
        return self._frame("conversation_difficulty")

    @cached_property
    def benchmarks(self) -> pd.DataFrame:
        """One row a job; see `spcl.tables.schemas.BENCHMARKS`."""
        return self._frame("benchmarks")

    @cached_property
    def utterances(self) -> pd.DataFrame:
        """One row an utterance and ``dataset``; see `spcl.tables.schemas.UTTERANCES`."""
        return self._frame("utterances", ("dataset",))

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
        """The datasets that any of the given files calls simulated."""
        found = list(self.metrics.loc[self.metrics["simulated"].astype(bool), "dataset"].unique())
        for kind, (schema, _) in _KINDS.items():
            if "simulated" in schema.metadata:
                found += [facts["dataset"] for facts in self.facts(kind) if facts["simulated"]]
        return tuple(dict.fromkeys(found))

    @cached_property
    def labels(self) -> dict[str, list[str]]:
        """By dataset: the emotions in the corpus' order, as far as any file of it was given."""
        found = {}
        for kind in ("metrics", "predictions", "utterance_difficulty", "utterances"):
            for table in self._tables(kind):
                facts = parquet.metadata(table)
                of_rows = [] if "dataset" in facts else table["dataset"][:1].to_pylist()
                for dataset in of_rows or [facts["dataset"]]:
                    found[dataset] = list(facts["labels"])
        return found

    def columns(self, kind: str, names: Sequence[str]) -> Iterator[pa.Table]:
        """Columns that the frame of `kind` leaves out, file by file, in the frame's order."""
        for path in self._paths[kind]:
            yield parquet.read(path, _KINDS[kind][0], names)

    def _tables(self, kind: str) -> list[pa.Table]:
        if kind not in self._read:
            schema, unused = _KINDS[kind]
            columns = [column.name for column in schema.columns if column.name not in unused]
            self._read[kind] = [
                parquet.read(path, schema, columns if unused else None).select(columns)
                for path in self._paths[kind]
            ]
        return self._read[kind]

    def _frame(self, kind: str, of_file: Sequence[str] = ()) -> pd.DataFrame:
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
