"""The four tables that a cell leaves: written, read again, taken apart by seed and put together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc

from spcl.tables import parquet, schemas

KINDS = {
    "history": schemas.HISTORY,
    "predictions": schemas.PREDICTIONS,
    "curriculum": schemas.ADMISSIONS,
    "metrics": schemas.METRICS,
}
"""By name, in the order of writing: where there are metrics, there is the rest."""


@dataclass(frozen=True)
class CellTables:
    """What a cell leaves: one table of each schema of the same name in `spcl.tables.schemas`."""

    metrics: pa.Table
    history: pa.Table
    predictions: pa.Table
    curriculum: pa.Table
    labels: tuple[str, ...]

    def write(self, paths: Mapping[str, str | Path]) -> None:
        """Write each table to its path, by kind; the metrics, which carry the provenance, last."""
        for kind, schema in KINDS.items():
            meta = {"labels": list(self.labels)} if "labels" in schema.metadata else {}
            parquet.write(getattr(self, kind), paths[kind], schema, **meta)

    @classmethod
    def read(cls, paths: Mapping[str, str | Path]) -> Self:
        """Read what `write` left.

        Raises
        ------
        UserError
            A file is absent, unreadable, or no table of its kind.
        """
        found = {kind: parquet.read(paths[kind], schema) for kind, schema in KINDS.items()}
        # In a file the items of lists have another name; written again, the bytes would differ.
        tables = {kind: schema.table(found[kind]) for kind, schema in KINDS.items()}
        return cls(**tables, labels=tuple(parquet.metadata(found["metrics"])["labels"]))

    def of_seed(self, seed: int) -> Self:
        """The rows of one seed alone."""
        return type(self)(
            **{kind: table.filter(pc.field("seed") == seed) for kind, table in self._by_kind()},
            labels=self.labels,
        )

    @classmethod
    def together(cls, parts: Sequence[Self]) -> Self:
        """The rows of all `parts`, which are of one cell, in this order."""
        tables = {
            kind: pa.concat_tables([getattr(part, kind) for part in parts]).combine_chunks()
            for kind in KINDS
        }
        return cls(**tables, labels=parts[0].labels)

    def _by_kind(self) -> list[tuple[str, pa.Table]]:
        return [(kind, getattr(self, kind)) for kind in KINDS]
