"""Text and CSV files as they come: UTF-8 with or without a mark, cp1252, or both at once."""

import csv
import io
from pathlib import Path

from spcl.errors import UserError

# Some copies were cp1252, taken for Latin-1 and saved as UTF-8: their quotes are control codes.
_TWICE_ENCODED = {
    code: character
    for code in range(0x80, 0xA0)
    if (character := bytes([code]).decode("cp1252", errors="ignore"))
}


def decode(path: Path) -> str:
    """The content of a text file.

    Raises
    ------
    UserError
        The file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); mend its permissions"
        ) from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    return text.translate(_TWICE_ENCODED)


def read_csv(path: Path) -> dict[str, list[str]]:
    """The columns of a CSV file by name, see `separator_in`; cells without blanks at their ends.

    Short rows are filled with empty cells, cells beyond the header are dropped, empty lines too.

    Raises
    ------
    UserError
        The file cannot be read, has no header or two columns of one name.
    """
    text = decode(path)
    separator = separator_in(text.partition("\n")[0])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
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
