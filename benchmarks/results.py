"""Saves measurements as Parquet with the machine's facts in every row, and as Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.machine import Machine
from spcl.tables.parquet import write_atomically

FOLDER = Path("benchmarks/results")


def save(part: str, rows: Iterable[Mapping[str, Any]], machine: Machine) -> None:
    """Write the rows of a part, and the machine that they were measured on, into `FOLDER`."""
    table = pa.Table.from_pylist([{**row, **asdict(machine)} for row in rows])
    path = FOLDER / f"{part}.parquet"
    write_atomically(path, lambda temporary: pq.write_table(table, temporary))


def load(part: str, folder: Path = FOLDER) -> list[dict[str, Any]]:
    """The rows of a part; none if it was not measured."""
    path = folder / f"{part}.parquet"
    return pq.read_table(path).to_pylist() if path.exists() else []


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; its first column is aligned left, the others right."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def interval(row: Mapping[str, Any], name: str) -> str:
    """The column `name`, a change in points, with its interval."""
    return f"{row[name]:+.1f} ({row[f'{name}_low']:+.1f} to {row[f'{name}_high']:+.1f})"
