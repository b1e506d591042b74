"""Panels of text: what Markdown, LaTeX and HTML share, and how numbers are formatted."""

import math
from dataclasses import dataclass, replace

GAP = "–"  # noqa: RUF001 (an en dash)
MINUS = "−"  # noqa: RUF001 (the minus sign)
RHO = "ρ"  # noqa: RUF001 (the Greek letter)
_SENTENCE = 90
"""Longer texts are sentences."""


@dataclass(frozen=True)
class Entry:
    """One field of a panel.

    Attributes
    ----------
    text
        As shown.
    value
        What HTML sorts by; None = by `text`.
    best
        In bold.
    marks
        Footnote signs behind the text.
    """

    text: str
    value: float | None = None
    best: bool = False
    marks: str = ""


@dataclass(frozen=True)
class Panel:
    """Headings and rows.

    Attributes
    ----------
    headings
        One a column.
    rows
        Entries, as many as headings each.
    title
        Empty if the title of the table is enough.
    nested
        Number of columns at the left that nest: rows that agree in them form a block.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[Entry, ...], ...]
    title: str = ""
    nested: int = 0

    def block(self, row: int) -> tuple[str, ...]:
        """The texts of the nested columns in `row`."""
        return tuple(entry.text for entry in self.rows[row][: self.nested])

    def is_numeric(self, column: int) -> bool:
        """Whether the column has numbers, which are aligned right."""
        return any(row[column].value is not None for row in self.rows)

    def is_prose(self, column: int) -> bool:
        """Whether the column has sentences, which are wrapped."""
        return any(len(row[column].text) > _SENTENCE for row in self.rows)


def text(value: object, marks: str = "") -> Entry:
    """Words."""
    return Entry(str(value), marks=marks)


def number(value: float, decimals: int = 1, *, spread: float = math.nan) -> Entry:
    """``63.9`` or, with a standard deviation, ``63.9 ± 1.0``; a dash for NaN."""
    return _with_spread(f"{value:,.{decimals}f}", value, decimals, spread)


def signed(value: float, decimals: int = 1, *, spread: float = math.nan, marks: str = "") -> Entry:
    """``+0.6 ± 0.4``: the same for a difference."""
    return replace(_with_spread(_sign(value, decimals), value, decimals, spread), marks=marks)


def interval(low: float, high: float, decimals: int = 1) -> Entry:
    """``[-0.2, +1.3]`` for differences; sorts by its lower end."""
    if math.isnan(low) or math.isnan(high):
        return Entry(GAP, math.nan)
    return Entry(f"[{_sign(low, decimals)}, {_sign(high, decimals)}]", low)


def p_value(value: float) -> Entry:
    """Three decimals, ``< 0.001`` below."""
    if math.isnan(value):
        return Entry(GAP, math.nan)
    return Entry("< 0.001" if value < 0.001 else f"{value:.3f}", value)


def mark_best(entries: list[Entry]) -> list[Entry]:
    """Set the entries that show the highest number in bold, unless all numbers are equal."""
    numbers = [e.text.split(" ")[0] for e in entries]
    values = [e.value for e in entries if e.value is not None and not math.isnan(e.value)]
    if len(values) < 2 or min(values) == max(values):
        return entries
    top = next(n for e, n in zip(entries, numbers, strict=True) if e.value == max(values))
    return [replace(e, best=n == top) for e, n in zip(entries, numbers, strict=True)]


def _sign(value: float, decimals: int) -> str:
    shown = f"{value:+,.{decimals}f}".replace("-", MINUS)
    zero = f"{MINUS}{0:.{decimals}f}"
    return shown.replace(MINUS, "+") if shown == zero else shown


def _with_spread(shown: str, value: float, decimals: int, spread: float) -> Entry:
    if math.isnan(value):
        return Entry(GAP, math.nan)
    return Entry(shown if math.isnan(spread) else f"{shown} ± {spread:,.{decimals}f}", value)
