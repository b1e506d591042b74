"""Names as a figure can show them: whatever users wrote, in letters that its font has."""

from collections.abc import Iterable
from functools import cache

import pandas as pd
from matplotlib.font_manager import FontProperties, findfont, get_font

from spcl.errors import printable

FONT = "DejaVu Sans"
"""Comes with matplotlib, so that a figure looks the same on every machine."""

_LONGEST = 32
"""Characters of a name: of longer ones nothing would be left for the panels."""


def drawable(text: str) -> str:
    """`text` with escape sequences for all that is not printable or that `FONT` lacks."""
    return "".join(
        one if one.isascii() or _has(one) else one.encode("ascii", "backslashreplace").decode()
        for one in printable(text)
    )


def drawable_names(names: Iterable[str]) -> dict[str, str]:
    """By name, what to draw for it: ordinary names are their own, and no two look the same."""
    drawn: dict[str, str] = {}
    for name in dict.fromkeys(names):
        shown = drawable(name)
        if len(shown) > _LONGEST:
            shown = f"{shown[: _LONGEST - 1]}…"
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


@cache
def _has(character: str) -> bool:
    """Whether the font has it, also in bold."""
    fonts = (findfont(FontProperties(family=FONT, weight=weight)) for weight in ("normal", "bold"))
    return all(get_font(path).get_char_index(ord(character)) for path in fonts)
