"""The result tables of a cell: write, read, select a seed, concatenate seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from spcl.tables import parquet, schemas

KINDS = {
    "history": schemas.HISTORY,
    "predictions": schemas.PREDICTIONS,
    "robustness": schemas.ROBUSTNESS,
    "curriculum": schemas.ADMISSIONS,
    "metrics": schemas.METRICS,
}
"""Schemas by name, in the order of writing: if the metrics exist, the other tables do too."""


@dataclass(frozen=True)
class CellTables:
    """The results of a cell: a table for each schema in `KINDS`, and the emotions in order.

    ``classes`` is the number of classes of sentiment scores, None for other labels.
    """

    metrics: pa.Table
    history: pa.Table
    predictions: pa.Table
    robustness: pa.Table
    curriculum: pa.Table
    labels: tuple[str, ...]
    classes: int | None = None

    def write(self, paths: Mapping[str, str | Path]) -> None:
        """Write each table to its path, by kind; the metrics last."""
        facts: dict[str, Any] = {"labels": list(self.labels)}
        if self.classes is not None:
            facts["classes"] = self.classes
        for kind, schema in KINDS.items():
            meta = facts if "labels" in schema.metadata else {}
            parquet.write(getattr(self, kind), paths[kind], schema, **meta)

    @classmethod
    def read(cls, paths: Mapping[str, str | Path]) -> Self:
        """Read the tables that `write` wrote.

        Raises
        ------
        UserError
            A file is missing, unreadable, or not a table of its kind.
        """
        found = {kind: parquet.read(paths[kind], schema) for kind, schema in KINDS.items()}
        # Parquet renames the items of lists; without this, rewriting would change the bytes.
        tables = {kind: schema.table(found[kind]) for kind, schema in KINDS.items()}
        facts = parquet.metadata(found["metrics"])
        return cls(**tables, labels=tuple(facts["labels"]), classes=facts.get("classes"))

    def of_seed(self, seed: int) -> Self:
        """The rows of one seed."""
        tables = {kind: getattr(self, kind).filter(pc.field("seed") == seed) for kind in KINDS}
        return type(self)(**tables, labels=self.labels, classes=self.classes)

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """The rows of all `parts`, which belong to one cell, in this order."""
        tables = {
            kind: pa.concat_tables([getattr(part, kind) for part in parts]).combine_chunks()
            for kind in KINDS
        }
        return cls(**tables, labels=parts[0].labels, classes=parts[0].classes)
