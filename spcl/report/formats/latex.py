"""Panels as LaTeX floats, which need only the package booktabs."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from spcl.errors import printable
from spcl.report.panels import Entry, Panel

_ROWS = 40
"""Rows that fit a page; longer panels become several floats."""

_PROSE = 0.7
"""Width of a column of sentences, as a share of the line width."""

_SPELLING = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "_": r"\_",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "|": r"$|$",
    "`": r"\`{}",
    "−": r"$-$",  # noqa: RUF001
    "–": "--",  # noqa: RUF001
    "±": r"\,$\pm$\,",
    "×": r"$\times$",  # noqa: RUF001
    "ρ": r"$\rho$",  # noqa: RUF001
    "λ": r"$\lambda$",
    "→": r"$\to$",
    "∞": r"$\infty$",
    "†": r"$\dagger$",
    "‡": r"$\ddagger$",
    "§": r"\S{}",
}
_LETTERS = "‘’“”—…¡¿ßæÆœŒøØłŁı"  # noqa: RUF001
_ACCENTS = "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327"
"""Letters that pdfLaTeX has besides ASCII without a package, and accents that it can set."""


def escape(text: str) -> str:
    """Escape `text` so that LaTeX shows it as it is; characters that pdfLaTeX lacks are coded."""
    words = unicodedata.normalize("NFC", printable(text))
    words = re.sub(r"[^\x20-\x7e]", _known, words)
    words = re.sub(r"([-',])(?=\1)", "\\1\0", words)  # two in a row make a ligature
    spelt = "".join(_SPELLING.get(character, character) for character in words)
    return spelt.replace("\0", "{}").replace(r" \,$\pm$\, ", r"\,$\pm$\,")


def _known(found: re.Match[str]) -> str:
    """The character if pdfLaTeX can set it, else its escape sequence."""
    character = found[0]
    parts = unicodedata.normalize("NFD", character)
    is_accented = len(parts) == 2 and parts[0].isascii() and parts[1] in _ACCENTS
    if character in _SPELLING or character in _LETTERS or (is_accented and character < "\u0180"):
        return character
    return character.encode("ascii", "backslashreplace").decode()


def render(
    name: str,
    caption: str,
    panels: Sequence[Panel],
    notes: Sequence[str],
    *,
    simulated: Sequence[str] = (),
) -> str:
    """Lay a table out as LaTeX; see `spcl.report.table.ResultTable`."""
    warning = ""
    if simulated:
        warning = rf"\textbf{{Simulated data ({escape(', '.join(simulated))}).}} "
    floats = [(panel, rows) for panel in panels for rows in _pages(panel)]
    parts = ["% Needs \\usepackage{booktabs}."]
    for index, (panel, rows) in enumerate(floats):
        stop = "" if panel.title.endswith("?") else "."
        title = f"{escape(panel.title)}{stop} " if panel.title else ""
        says = escape(caption) if index == 0 else "(Continued.)"
        label = f"tab:{name}" + (f"-{index + 1}" if index else "")
        parts.append(
            "\n".join(
                [
                    r"\begin{table}[p]",
                    rf"\centering{_size(panel)}\setlength{{\tabcolsep}}{{2.5pt}}",
                    rf"\caption{{{warning}{title}{says}}}",
                    rf"\label{{{label}}}\par\medskip",
                    *_tabular(panel, rows),
                    *(_notes(notes) if index == len(floats) - 1 else []),
                    r"\end{table}",
                ]
            )
        )
    return "\n\n".join(parts) + "\n"


def _pages(panel: Panel) -> Iterator[range]:
    """Split a panel into runs of rows that fit a page, between blocks where possible."""
    n = len(panel.rows)
    if n <= _ROWS:
        yield range(n)
        return
    changes = [i for i in range(1, n) if panel.block(i) != panel.block(i - 1)] or list(range(1, n))
    start = 0
    for here, following in zip(changes, [*changes[1:], n], strict=True):
        of_other_corpus = panel.nested > 1 and panel.block(here)[0] != panel.block(here - 1)[0]
        if of_other_corpus or following - start > _ROWS:
            yield range(start, here)
            start = here
    yield range(start, n)


def _tabular(panel: Panel, rows: range) -> Iterator[str]:
    """The rows; where two columns nest or more, the first two become lines between the rows."""
    if not rows:
        yield "No data."
        return
    headed = 2 if panel.nested >= 2 else 0
    columns = range(headed, len(panel.headings))
    # A box of the line width centres a wide table between the margins.
    yield r"\makebox[\linewidth][c]{%"
    yield rf"\begin{{tabular}}{{{''.join(_alignment(panel, i) for i in columns)}}}"
    yield r"\toprule"
    yield _row(escape(panel.headings[i]) for i in columns)
    yield r"\midrule"
    for row in rows:
        before = panel.block(row - 1) if row > rows.start else ()
        now = panel.block(row)
        if headed and before[:headed] != now[:headed]:
            if before:
                yield r"\addlinespace"
            line = escape(", ".join(now[:headed]))
            yield rf"\multicolumn{{{len(columns)}}}{{l}}{{\textit{{{line}}}}} \\"
        repeated = [now[: i + 1] == before[: i + 1] for i in range(len(now))]
        yield _row(
            "" if i < len(now) and repeated[i] else _entry(panel.rows[row][i]) for i in columns
        )
    yield r"\bottomrule"
    yield r"\end{tabular}}"


def _row(cells: Iterable[str]) -> str:
    line = " & ".join(cells)
    # LaTeX would read them as arguments of the command that ends the row above.
    return ("{}" if line.startswith(("[", "*")) else "") + line + r" \\"


def _alignment(panel: Panel, column: int) -> str:
    if panel.is_prose(column):
        return rf"p{{{_PROSE}\linewidth}}"
    return "r" if panel.is_numeric(column) else "l"


def _size(panel: Panel) -> str:
    """A smaller font where the rows are long."""
    length = [
        0 if panel.is_prose(i) else max(len(row[i].text) for row in panel.rows)
        for i in range(2 if panel.nested >= 2 else 0, len(panel.headings))
        if panel.rows
    ]
    return r"\footnotesize" if sum(length) + 2 * len(length) <= 74 else r"\scriptsize"


def _entry(entry: Entry) -> str:
    shown = escape(entry.text)
    if entry.best:
        shown = rf"\textbf{{{shown}}}"
    return shown + (rf"\textsuperscript{{{escape(entry.marks)}}}" if entry.marks else "")


def _notes(notes: Sequence[str]) -> list[str]:
    if not notes:
        return []
    return [
        r"\par\medskip",
        r"\begin{minipage}{\linewidth}\footnotesize\raggedright",
        *(rf"{escape(note)}\par" for note in notes),
        r"\end{minipage}",
    ]
