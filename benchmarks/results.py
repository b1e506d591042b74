"""Where measurements go: Parquet with the machine's facts in every row, and Markdown tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.machine import Machine
from spcl.tables.parquet import write_atomically

FOLDER = Path("benchmarks/results")


def save(
    part: str,
    rows: Iterable[Mapping[str, Any]],
    machine: Machine,
    types: Mapping[str, pa.DataType] | None = None,
) -> Path:
    """Write the rows of a part into `FOLDER`, and return the file.

    Parameters
    ----------
    part
        The file's name.
    rows, machine
        What was measured, and on what.
    types
        Of columns that may be null in every row.
    """
    table = pa.Table.from_pylist([{**row, **asdict(machine)} for row in rows])
    for name, type_ in (types or {}).items():
        index = table.schema.get_field_index(name)
        table = table.set_column(index, name, table[name].cast(type_))
    path = FOLDER / f"{part}.parquet"
    write_atomically(path, lambda temporary: pq.write_table(table, temporary))
    return path


def load(part: str, folder: Path = FOLDER) -> list[dict[str, Any]]:
    """The rows of a part; none where it was not measured."""
    path = folder / f"{part}.parquet"
    return pq.read_table(path).to_pylist() if path.exists() else []


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its first column is text, the others are numbers."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
