"""Panels as one HTML page that works offline: it refers to nothing outside itself."""

import html
import math
from collections.abc import Iterator, Sequence

from spcl.errors import printable
from spcl.report.panels import Entry, Panel

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  color: #1b1b1b; background: #fff; margin: 2.5rem auto; padding: 0 1.5rem; width: fit-content;
  max-width: 100%; box-sizing: border-box; }
h1 { font-size: 1.45rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.05rem; margin: 2rem 0 .25rem; }
p, ul { max-width: 46rem; }
.simulated { color: #b00020; font-weight: 700; }
.choices { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; margin: .75rem 0 0; font-size: .9rem;
  max-width: none; color: #444; }
.choices select { font: inherit; margin-left: .35rem; }
table { border-collapse: collapse; margin: .75rem 0 1.25rem; border-top: 2px solid #1b1b1b;
  border-bottom: 2px solid #1b1b1b; font-variant-numeric: tabular-nums; }
th { text-align: left; vertical-align: bottom; padding: 0; position: sticky; top: 0; z-index: 1;
  background: #fff; box-shadow: inset 0 -1px #1b1b1b; }
th button { all: unset; cursor: pointer; font-weight: 600; padding: .4rem .7rem .35rem;
  white-space: nowrap; position: relative; }
th button:focus-visible { outline: 2px solid #0072b2; }
th button::after { content: "\\2195"; color: #b4b4b4; font-weight: 400; position: absolute;
  right: 0; visibility: hidden; }
th button:hover::after, th[aria-sort] button::after { visibility: visible; }
th[aria-sort=ascending] button::after { content: "\\2191"; color: #0072b2; }
th[aria-sort=descending] button::after { content: "\\2193"; color: #0072b2; }
td { padding: .2rem .7rem; white-space: nowrap; vertical-align: top; }
.number { text-align: right; }
td.prose { white-space: normal; min-width: 20rem; max-width: 46rem; }
tr.block td { border-top: 1px solid #dcdcdc; }
tbody tr:hover td { background: #f3f6f9; }
sup { line-height: 0; }
.notes { color: #444; font-size: .9rem; padding-left: 1.1rem; }
@media print {
  body { margin: 0; font-size: 9pt; max-width: none; }
  .choices { display: none; }
  th { position: static; }
  th button { padding: .2rem .4rem; }
  th button::after { content: none !important; }
  td { padding: .1rem .4rem; }
  thead { display: table-header-group; }
  tr { break-inside: avoid; }
  .simulated { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
"""

_SCRIPT = """
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells], all = [...body.rows];
  const key = (row, i) => {
    const cell = row.cells[i], value = cell.dataset.value;
    return value === undefined ? cell.textContent : value === "" ? null : Number(value);
  };
  heads.forEach((head, i) => head.firstElementChild.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = [...body.rows].sort((a, b) => {
      const x = key(a, i), y = key(b, i);
      if (x === null || y === null) return (x === null) - (y === null);
      const order = typeof x === "number" ? x - y : x.localeCompare(y);
      return down ? -order : order;
    });
    rows.forEach(row => { row.classList.remove("block"); body.append(row); });
  }));
  if (all.length < 12) continue;
  const choices = document.createElement("p"), chosen = new Map();
  const words = cell => cell.firstChild?.textContent ?? "";
  choices.className = "choices";
  heads.forEach((head, i) => {
    const values = new Set(all.map(row => words(row.cells[i])));
    if (all.some(row => row.cells[i].dataset.value !== undefined)) return;
    if (values.size < 2 || values.size > all.length / 2) return;
    const label = document.createElement("label"), select = document.createElement("select");
    ["all", ...values].forEach(value => select.add(new Option(value, value)));
    select.addEventListener("change", () => {
      select.selectedIndex ? chosen.set(i, select.value) : chosen.delete(i);
      for (const row of all)
        row.hidden = [...chosen].some(([j, value]) => words(row.cells[j]) !== value);
    });
    label.append(head.textContent, select);
    choices.append(label);
  });
  table.before(choices);
}
"""


def escape(text: str) -> str:
    """Escape `text` so that a page shows it as it is, between tags and in quotes."""
    return html.escape(printable(text))


def render(
    title: str,
    caption: str,
    panels: Sequence[Panel],
    notes: Sequence[str],
    *,
    simulated: Sequence[str] = (),
) -> str:
    """Lay a table out as a page; see `spcl.report.table.ResultTable`."""
    lines = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
        f"<h1>{escape(title)}</h1>",
    ]
    if simulated:
        names = escape(", ".join(simulated))
        lines.append(f'<p class="simulated">Simulated data ({names}): no real recordings.</p>')
    lines.append(f"<p>{escape(caption)}</p>")
    for panel in panels:
        lines += _panel(panel)
    if notes:
        lines += ['<ul class="notes">', *(f"<li>{escape(note)}</li>" for note in notes), "</ul>"]
    return "\n".join([*lines, f"<script>{_SCRIPT}</script>\n</body>\n</html>\n"])


def _panel(panel: Panel) -> Iterator[str]:
    if panel.title:
        yield f"<h2>{escape(panel.title)}</h2>"
    if not panel.rows:
        yield "<p>No data.</p>"
        return
    yield "<table>\n<thead><tr>"
    for i, heading in enumerate(panel.headings):
        kind = ' class="number"' if panel.is_numeric(i) else ""
        yield f'<th scope="col"{kind}><button type="button">{escape(heading)}</button></th>'
    yield "</tr></thead>\n<tbody>"
    for i, row in enumerate(panel.rows):
        starts_block = i > 0 and panel.nested and panel.block(i) != panel.block(i - 1)
        opening = '<tr class="block">' if starts_block else "<tr>"
        entries = (_entry(entry, panel.is_prose(i)) for i, entry in enumerate(row))
        yield f"{opening}{''.join(entries)}</tr>"
    yield "</tbody></table>"


def _entry(entry: Entry, is_prose: bool) -> str:
    shown = escape(entry.text)
    if entry.best:
        shown = f"<strong>{shown}</strong>"
    if entry.marks:
        shown += f"<sup>{escape(entry.marks)}</sup>"
    if entry.value is None:
        return f'<td class="prose">{shown}</td>' if is_prose else f"<td>{shown}</td>"
    value = "" if math.isnan(entry.value) else f"{entry.value:.12g}"
    return f'<td class="number" data-value="{value}">{shown}</td>'
