"""Text and CSV files as they come: UTF-8 or cp1252, even line by line, or UTF-16 with its mark."""

import codecs
import csv
import io
from pathlib import Path

from spcl.data.disk import read
from spcl.errors import UserError

TWICE_ENCODED = {
    code: character
    for code in range(0x80, 0xA0)
    if (character := bytes([code]).decode("cp1252", errors="ignore"))
}
"""Some copies were cp1252, taken for Latin-1 and saved again: their quotes are control codes."""

_WIDE = {  # by the mark at their start; that of UTF-32 begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def decode(path: Path) -> str:
    """The content of a text file.

    Raises
    ------
    UserError
        The file cannot be read.
    """
    content = read(path).removeprefix(codecs.BOM_UTF8)
    wide = next((_WIDE[mark] for mark in _WIDE if content.startswith(mark)), None)
    if wide:
        text = content.decode(wide, errors="replace")
    else:
        text = "".join(map(_line, content.splitlines(keepends=True)))
    return text.translate(TWICE_ENCODED)


def _line(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def read_csv(path: Path) -> dict[str, list[str]]:
    """The columns of a CSV file by name, see `separator_in`; cells without blanks at their ends.

    Short rows are filled with empty cells, cells beyond the header are dropped, empty lines too.

    Raises
    ------
    UserError
        The file cannot be read, is no text, has no header or two columns of one name.
    """
    text = decode(path)
    first_line = text.partition("\n")[0]
    if "\0" in first_line:
        raise UserError(f"{path}: no text, or UTF-16 without its mark; save it as UTF-8")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator_in(first_line))
    try:
        rows = [row for row in reader if any(row)]
    except csv.Error as error:
        raise UserError(
            f"{path}: line {reader.line_num} is no CSV ({error}); mend its quotes"
        ) from error
    if not rows:
        raise UserError(f"{path}: the file is empty; its first line must name the columns")
    header = [name.strip() for name in rows[0]]
    if len(set(header)) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise UserError(f"{path}: two columns are called '{twice}'; rename one")
    columns: dict[str, list[str]] = {name: [] for name in header}
    for row in rows[1:]:
        cells = [cell.strip() for cell in row] + [""] * (len(header) - len(row))
        for name, cell in zip(header, cells, strict=False):
            columns[name].append(cell)
    return columns


def separator_in(header: str) -> str:
    """What stands between the names of a header: a comma, a semicolon or a tab."""
    return max(",;\t", key=header.count)
