"""Names as a figure can show them: any user text, in letters that its font has."""

from collections.abc import Iterable
from functools import cache
from itertools import accumulate

import pandas as pd
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path

from spcl.errors import printable

FONT = "DejaVu Sans"
"""It comes with matplotlib, so a figure looks the same on every machine."""

_WIDEST = 24.0
"""Ems that a name may take, about 40 letters: wider ones would leave no room for the panels."""


def drawable(text: str) -> str:
    """`text` with escape sequences for characters that are not printable or not in `FONT`."""
    return "".join(
        one if one.isascii() or _has(one) else one.encode("ascii", "backslashreplace").decode()
        for one in printable(text)
    )


def drawable_names(names: Iterable[str]) -> dict[str, str]:
    """By name, what to draw for it. Ordinary names stay as they are, and no two look the same."""
    drawn: dict[str, str] = {}
    for name in dict.fromkeys(names):
        shown = _cut(drawable(name))
        if shown.startswith("_"):
            shown = f" {shown}"  # matplotlib leaves it out of legends otherwise
        while shown in drawn.values():
            shown += "′"  # noqa: RUF001 (a prime)
        drawn[name] = shown
    return drawn


def with_drawable_names(data: pd.DataFrame) -> pd.DataFrame:
    """The table of a figure with `drawable_names` in all its columns."""
    columns = {name: data[name].astype(object) for name in data if not _is_numeric(data[name])}
    words = (one for column in columns.values() for one in column.unique() if isinstance(one, str))
    drawn = drawable_names(words)
    return data.assign(
        **{
            str(name): column.map(lambda one: drawn.get(one, one))
            for name, column in columns.items()
        }
    )


def _is_numeric(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype)


def _cut(name: str) -> str:
    """The name, or as much of it as there is room for."""
    n_fitting = sum(end <= _WIDEST for end in accumulate(map(_width, name)))
    return name if n_fitting == len(name) else f"{name[: n_fitting - 1]}…"


@cache
def _width(character: str) -> float:
    """In ems; marks that are set above a letter take up room too."""
    font = FontProperties(family=FONT, size=1)
    width, _, _ = text_to_path.get_text_width_height_descent(character, font, ismath=False)
    return max(width, 0.3)


@cache
def _has(character: str) -> bool:
    """Whether the font has it, also in bold."""
    fonts = (findfont(FontProperties(family=FONT, weight=weight)) for weight in ("normal", "bold"))
    return all(get_font(path).get_char_index(ord(character)) for path in fonts)
