"""Columns of a panel: a heading, and the format of the values below it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from spcl.report import footnotes
from spcl.report.panels import Entry, Panel, interval, mark_best, number, p_value, signed, text
from spcl.tables.schemas import CELL_KEY

Row = pd.Series
"""A row of a table's frame, by column."""


@dataclass(frozen=True)
class Field:
    """A column of a panel.

    Attributes
    ----------
    heading
        The text above the column.
    entry
        The entry of a row.
    mark_best
        Whether the highest number of each block is set in bold.
    """

    heading: str
    entry: Callable[[Row], Entry]
    mark_best: bool = False


def panel(data: pd.DataFrame, fields: Sequence[Field], title: str = "", nested: int = 0) -> Panel:
    """Lay out `data`, a row of the panel for each of its rows.

    Rows that agree in the first `nested` fields form a block. Blocks are in the order of their
    first rows.
    """
    blocks: dict[tuple[str, ...], list[tuple[Entry, ...]]] = {}
    for _, row in data.iterrows():
        entries = tuple(field.entry(row) for field in fields)
        blocks.setdefault(tuple(entry.text for entry in entries[:nested]), []).append(entries)
    rows: list[tuple[Entry, ...]] = []
    for block in blocks.values():
        columns = [
            mark_best(list(column)) if field.mark_best else column
            for field, column in zip(fields, zip(*block, strict=True), strict=True)
        ]
        rows += zip(*columns, strict=True)
    return Panel(tuple(field.heading for field in fields), tuple(rows), title, nested)


def words(column: str, heading: str = "", *, marks: Callable[[Row], str] | None = None) -> Field:
    """Text; `marks` gives the footnote signs of a row."""
    return Field(
        heading or column.capitalize(),
        lambda row: text(row[column], marks=marks(row) if marks else ""),
    )


def cell(metrics: pd.DataFrame) -> tuple[Field, ...]:
    """The four names of a cell, with its footnote signs from the `metrics` of `Results`."""
    signs = footnotes.of_cells(metrics)

    def of_row(row: Row) -> str:
        return signs.get(tuple(row[axis] for axis in CELL_KEY), "")

    return (
        *(words(axis) for axis in CELL_KEY[:-1]),
        words("curriculum", marks=of_row),
    )


def value(column: str, heading: str, decimals: int = 1, *, mark_best: bool = False) -> Field:
    """A number, with its standard deviation where there is a column ``<column>_sd``."""
    return Field(
        heading,
        lambda row: number(row[column], decimals, spread=row.get(f"{column}_sd", math.nan)),
        mark_best,
    )


def count(column: str, heading: str) -> Field:
    """A whole number."""
    return value(column, heading, 0)


def difference(
    column: str,
    heading: str,
    decimals: int = 1,
    *,
    sd: str = "",
    marks: Callable[[Row], str] | None = None,
) -> Field:
    """A number with its sign, and its standard deviation from ``<column>_sd`` or `sd`."""
    return Field(
        heading,
        lambda row: signed(
            row[column],
            decimals,
            spread=row[sd or f"{column}_sd"],
            marks=marks(row) if marks else "",
        ),
    )


def bounds(column: str) -> Field:
    """The 95 % interval of a difference, from ``<column>_low`` and ``<column>_high``."""
    return Field("95 % interval", lambda row: interval(row[f"{column}_low"], row[f"{column}_high"]))


def p_holm() -> Field:
    """The corrected p-value."""
    return Field("p", lambda row: p_value(row["p_holm"]))


def star(row: Row) -> str:
    """The mark of a significant difference."""
    return "*" if row["p_holm"] < 0.05 else ""


def blank_for(curriculum: str, *fields: Field) -> list[Field]:
    """The same fields, empty in the rows of `curriculum`, which is not compared with itself."""
    blank = Entry("", math.nan)

    def unless(field: Field) -> Callable[[Row], Entry]:
        return lambda row: blank if row["curriculum"] == curriculum else field.entry(row)

    return [replace(field, entry=unless(field)) for field in fields]
