"""A single file: an array of features, or a Parquet table of the project."""

import importlib
import pkgutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from spcl.data.feature_files.arrays import matrix
from spcl.data.files.parsing import read_facts, read_npy, read_parquet, readable
from spcl.data.records import Features
from spcl.inspection.facts import feature_facts
from spcl.inspection.text import kinds_of_problems
from spcl.report import figures, tables
from spcl.report.formats.terminal import paragraph
from spcl.tables import schemas
from spcl.tables.parquet import Schema

_SHOWN = 4
"""The number of values of a column that are shown."""


def is_one(path: Path) -> bool:
    """Whether `path` is a file that `describe` can describe."""
    return path.is_file() and path.suffix in (".npy", ".parquet")


def describe(path: Path, width: int) -> list[str]:
    """Describe the content of a file, as lines for a terminal of that `width`.

    Raises
    ------
    UserError
        The file cannot be read.
    """
    return _array(path, width) if path.suffix == ".npy" else _table(path, width)


def _array(path: Path, width: int) -> list[str]:
    values = matrix(read_npy(path), path)
    fact = feature_facts(Features(values, np.isfinite(values).all(axis=1)))
    lines = paragraph(f"{path}: an array of {len(values):,} rows, width {fact.width:,}", width)
    lines += paragraph(
        f"{fact.missing:,} rows with NaN or infinity, {fact.zero:,} of zeros, {fact.constant:,}"
        f" constant columns; {fact.low:.3g} to {fact.high:.3g}, mean {fact.mean:.3g}, deviation"
        f" {fact.deviation:.3g}.",
        width,
    )
    return lines + paragraph(_corpus_hint(path), width)


def _corpus_hint(path: Path) -> str:
    """How to inspect the corpus of a file."""
    if any(path.parent.glob("utterances.*")):
        return f"It belongs to a corpus: python -m spcl inspect {path.parent}"
    return "A corpus needs utterances.csv beside it; see docs/your-own-data.md."


def _table(path: Path, width: int) -> list[str]:
    table = read_parquet(path)
    facts = read_facts(table, path)
    with readable(path):
        said = [f"{key}: {value}" for key, value in facts.items()]
        schema = next((one for one in _known() if one.fault(table) is None), None)
        columns = list(zip(table.column_names, map(_values, table.columns), strict=True))
    kind = schema.name if schema else "a table of another program"
    simulated = ", simulated" if _simulated(table, facts) else ""
    lines = [*paragraph(f"{path}: {kind}{simulated}, {len(table):,} rows", width), ""]
    meaning = {column.name: column.meaning for column in schema.columns} if schema else {}
    first = max(map(len, table.column_names), default=0)
    for name, words in columns:
        says = f" ({meaning[name]})" if name in meaning else ""
        lines += paragraph(f"{name:{first}}  {words}{says}", width, "  ")
    lines.append("")
    if schema is schemas.PROBLEMS and len(table):
        lines += [*kinds_of_problems(table["kind"].to_pylist(), width), ""]
    for line in said:
        lines += paragraph(line, width)
    return lines if schema else lines + paragraph(_corpus_hint(path), width)


def _simulated(table: pa.Table, facts: Mapping[str, object]) -> bool:
    if "simulated" in table.column_names and pt.is_boolean(table["simulated"].type):
        return bool(pc.any(table["simulated"]).as_py())
    return bool(facts.get("simulated"))


def _values(column: pa.ChunkedArray) -> str:
    """A column in words: the range of numbers, some values, the width of vectors, the nulls."""
    kind, nulls = column.type, column.null_count
    if len(column) == nulls:
        return "all null"
    if pt.is_fixed_size_list(kind):
        words = f"vectors of {kind.list_size:,}"
    elif pt.is_list(kind):
        first = column.drop_null()[0].values
        more = ", ..." if len(first) > _SHOWN else ""
        words = f"lists, for example [{', '.join(map(str, first[:_SHOWN].to_pylist()))}{more}]"
    elif pt.is_nested(kind):
        words = str(kind)
    elif pt.is_boolean(kind):
        words = f"true in {pc.sum(column).as_py():,}"
    elif pt.is_integer(kind) or pt.is_floating(kind):
        low, high = pc.min_max(column).as_py().values()
        words = f"{low:.6g} to {high:.6g}" if low < high else f"{low:.6g}"
    else:
        distinct = [str(one) for one in column.drop_null().unique().to_pylist()]
        cut = (one if len(one) <= 20 else f"{one[:19]}…" for one in distinct[:_SHOWN])
        shown = ", ".join(cut)
        words = shown + (f", … ({len(distinct):,})" if len(distinct) > _SHOWN else "")
    return f"{words}; {nulls:,} null" if nulls else words


def _known() -> list[Schema]:
    """The schemas of all tables that the project writes, those with most columns first."""
    stages = [one for one in vars(schemas).values() if isinstance(one, Schema)]
    results = [
        importlib.import_module(f"{package.__name__}.{module.name}").SCHEMA
        for package in (tables, figures)
        for module in pkgutil.iter_modules(package.__path__)
    ]
    return sorted(stages + results, key=lambda schema: -len(schema.columns))
