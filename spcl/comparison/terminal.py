"""Print a comparison on a terminal of any width."""

import os
from collections.abc import Iterator

from spcl.comparison.provenance import DIFFERENT
from spcl.errors import printable
from spcl.report.formats.terminal import columns, paragraph
from spcl.report.panels import Entry, Panel
from spcl.report.table import ResultTable

_RED, _PLAIN = "\033[1;31m", "\033[0m"


def show(table: ResultTable, width: int, *, color: bool) -> Iterator[str]:
    """Title, warning, blocks of rows and notes of a comparison, line by line.

    Where `width` is too small, columns are dropped from the right.

    Parameters
    ----------
    table
        Its panels nest two columns: dataset and baseline.
    width
        Characters a line.
    color
        Whether the terminal shows warnings in red.
    """
    yield from paragraph(table.caption, width)
    if table.simulated:
        words = f"SIMULATED DATA ({', '.join(table.simulated)}): no real recordings."
        yield from (_red(line) if color else line for line in paragraph(words, width))
    for panel in table.panels:
        yield ""
        if panel.title:
            yield from paragraph(f"{panel.title}:", width)
        yield from _blocks(panel, width)
    if table.notes:
        yield ""
    for note in table.notes:
        loud = color and is_loud(note)
        yield from (_red(line) if loud else line for line in paragraph(note, width))


def show_pairs(table: ResultTable, width: int) -> Iterator[str]:
    """The items of the provenance that differ, on one line each or, if too long, on three."""
    yield f"{table.title}:"
    for panel in table.panels:
        if panel.title != DIFFERENT:
            continue
        for row in panel.rows:
            item, *words = (printable(entry.text) for entry in row)
            line = f"  {item}: {' | '.join(words)}"
            if len(line) <= width:
                yield line
                continue
            yield f"  {item}:"
            for side, word in zip(panel.headings[1:], words, strict=True):
                yield from paragraph(f"{side}: {word}", width, indent="    ")
    for note in table.notes:
        yield from paragraph(note, width, indent="  ")


def is_loud(note: str) -> bool:
    """Whether a note begins in capitals, as warnings do."""
    first = note.split(" ")[0]
    return len(first) > 1 and first.isupper()


def has_color() -> bool:
    """Whether standard output is a terminal and NO_COLOR is not set."""
    return os.isatty(1) and "NO_COLOR" not in os.environ


def _red(line: str) -> str:
    return f"{_RED}{line}{_PLAIN}"


def _blocks(panel: Panel, width: int) -> Iterator[str]:
    """Rows below a line with their nested columns; all blocks have the same column widths."""
    nested = panel.nested
    names = nested + 2  # of the four axes two are left: modalities and curriculum
    lines = [("", *panel.headings[names:])]
    lines += [
        ("  " + "/".join(entry.text for entry in row[nested:names]), *map(_spelt, row[names:]))
        for row in panel.rows
    ]
    head, *body = columns(lines, width)
    yield head
    block: tuple[str, ...] = ()
    for index, line in enumerate(body):
        if panel.block(index) != block:
            block = panel.block(index)
            yield printable(" / ".join(block))
        yield line


def _spelt(entry: Entry) -> str:
    return entry.text + entry.marks
