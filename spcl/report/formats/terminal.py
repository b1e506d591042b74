"""Lines and columns of plain text that fit the width of the terminal."""

import textwrap
from collections.abc import Sequence

from spcl.errors import printable


def paragraph(words: str, width: int, indent: str = "") -> list[str]:
    """Lines of at most `width` characters, all but the first indented. Paths stay in one piece."""
    return textwrap.wrap(
        printable(words),
        max(width, 20),
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def columns(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Rows of cells in columns: the first to the left, the others to the right.

    Where `width` is too small, columns are dropped from the right, then the first one is cut.
    """
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    while len(widths) > 2 and 8 + sum(2 + one for one in widths[1:]) > width:
        widths.pop()
    first = max(8, min(widths[0], width - sum(2 + one for one in widths[1:])))
    lines = []
    for row in rows:
        cells = [_cut(row[0], first).ljust(first)]
        cells += [cell.rjust(one) for cell, one in zip(row[1:], widths[1:], strict=False)]
        lines.append("  ".join(cells).rstrip())
    return lines


def _cut(words: str, width: int) -> str:
    return words if len(words) <= width else words[: width - 1] + "…"
