"""Panels as Markdown, aligned so that they are readable in a terminal too."""

import re
from collections.abc import Sequence

from spcl.errors import printable
from spcl.report.panels import Entry, Panel

_MARKUP = re.compile(
    r"[\\|`~$#]"  # GitHub renders text between two $ as a formula
    r"|\*(?=\S)"
    r"|(?<![^\W_])_|_(?![^\W_])"  # inside a word it is no markup, and names read better without
    r"|\](?=[(\[:])"  # makes a link or an image; other brackets are text
    r"|^[>+-](?!\d)"
)


def render(
    title: str,
    caption: str,
    panels: Sequence[Panel],
    notes: Sequence[str],
    *,
    simulated: Sequence[str] = (),
) -> str:
    """Lay a table out as Markdown; see `spcl.report.table.ResultTable`."""
    parts = [f"# {escape(title)}", escape(caption)]
    if simulated:
        parts.append(f"> **SIMULATED DATA ({escape(', '.join(simulated))})**: no real recordings.")
    parts += [_panel(panel) for panel in panels]
    if notes:
        parts.append("\n".join(f"- {escape(note)}" for note in notes))
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Escape `text` so that a page shows it as it is."""
    text = _MARKUP.sub(r"\\\g<0>", printable(text))
    text = re.sub(r"&(?=#?\w+;)", "&amp;", text)
    return re.sub(r"<(?=\S)", "&lt;", text)


def _panel(panel: Panel) -> str:
    cells = [[escape(heading) for heading in panel.headings]]
    cells += [[_entry(entry) for entry in row] for row in panel.rows]
    aligned = [cells[:1] if panel.is_prose(i) else cells for i in range(len(panel.headings))]
    widths = [max(3, *(len(row[i]) for row in rows)) for i, rows in enumerate(aligned)]
    right = [panel.is_numeric(i) for i in range(len(panel.headings))]
    rule = ["-" * (w - 1) + ":" if r else "-" * w for w, r in zip(widths, right, strict=True)]

    def line(row: list[str]) -> str:
        padded = (
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(row, widths, right, strict=True)
        )
        return f"| {' | '.join(padded)} |"

    lines = [line(cells[0]), line(rule), *(line(row) for row in cells[1:])]
    if not panel.rows:
        lines = ["No data."]
    return "\n".join([f"## {escape(panel.title)}\n", *lines] if panel.title else lines)


def _entry(entry: Entry) -> str:
    shown = escape(entry.text)
    return (f"**{shown}**" if entry.best else shown) + escape(entry.marks)
