"""The result tables of a cell: write, read, select a seed, concatenate seeds."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from spcl.study.grid import MODEL_FILE
from spcl.tables import parquet, schemas

KINDS = {
    "history": schemas.HISTORY,
    "predictions": schemas.PREDICTIONS,
    "robustness": schemas.ROBUSTNESS,
    "curriculum": schemas.ADMISSIONS,
    "metrics": schemas.METRICS,
}
"""Schemas by name, in the order of writing: if the metrics exist, the other tables do too."""


def saved_models(folder: Path) -> dict[int, Path]:
    """The files of models in `folder`, by seed."""
    prefix, suffix = MODEL_FILE.split("{}")
    names = {
        path: path.name.removeprefix(prefix).removesuffix(suffix)
        for path in folder.glob(MODEL_FILE.format("*"))
    }
    return dict(sorted((int(name), path) for path, name in names.items() if name.isdecimal()))


@dataclass(frozen=True)
class CellTables:
    """The results of a cell: a table for each schema in `KINDS`, and the emotions in order.

    ``classes`` is the number of classes of sentiment scores, None for other labels. ``models`` are
    the models by seed, where they are saved: the content of a file, or a file to copy. `read`
    leaves them out.
    """

    metrics: pa.Table
    history: pa.Table
    predictions: pa.Table
    robustness: pa.Table
    curriculum: pa.Table
    labels: tuple[str, ...]
    classes: int | None = None
    models: Mapping[int, bytes | Path] = field(default_factory=dict)

    def write(self, paths: Mapping[str, str | Path]) -> None:
        """Write the models beside the metrics, and each table to its path, by kind; metrics last.

        Models and a card of an earlier training are deleted.
        """
        folder = Path(paths["metrics"]).parent
        for left in (*saved_models(folder).values(), *folder.glob("card.*")):
            left.unlink()
        for seed, model in self.models.items():
            _write_model(folder / MODEL_FILE.format(seed), model)
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
        models = {seed: self.models[seed]} if seed in self.models else {}
        return replace(self, **tables, models=models)

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """The rows of all `parts`, which belong to one cell, in this order."""
        tables = {
            kind: pa.concat_tables([getattr(part, kind) for part in parts]).combine_chunks()
            for kind in KINDS
        }
        models = {seed: model for part in parts for seed, model in part.models.items()}
        return replace(parts[0], **tables, models=models)


def _write_model(path: Path, model: bytes | Path) -> None:
    def save(temporary: Path) -> None:
        if isinstance(model, bytes):
            temporary.write_bytes(model)
        else:
            shutil.copyfile(model, temporary)

    parquet.write_atomically(path, save)
