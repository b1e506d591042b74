"""CSV files, read strictly: a misplaced quote or separator is an error and moves no cell."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from spcl.data.files.text_files import decode
from spcl.errors import UserError, listed

_LINE_END = re.compile(r"\r\n|\r|\n")


def csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file, the header first; empty rows are skipped.

    A quoted cell can contain separators, doubled quotes and line breaks. A stray quote makes one
    cell of everything up to the next quote. It is detected by any of these:

    - no quote follows, or the next quote is not followed by a separator or a line end;
    - the row has more or fewer cells than the header;
    - without the quotes, the lines inside them would be rows: the last line has as many cells as
      the row has before the quotes, and a line in the middle has as many as the header; if there is
      no line in the middle, the first line has as many cells as the row has after the quotes.

    A quote inside a cell that does not begin with a quote is an ordinary character.

    Yields
    ------
    int
        The line in which the row begins, from 1.
    list of str
        Its cells, as many as the header has.

    Raises
    ------
    UserError
        The file cannot be read or is not text; a quote is not closed at the end of its cell; a row
        has another number of cells than the header.
    """
    text = decode(path)
    first_line = text.partition("\n")[0]
    if "\0" in first_line:
        raise UserError(f"{path}: not text, or UTF-16 without a byte order mark; save it as UTF-8")
    separator = separator_in(first_line)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    width = 0
    line = 1
    try:
        for row in reader:
            if any(map(str.strip, row)):
                width = width or len(row)
                if len(row) != width:
                    raise UserError(
                        f"{path}: line {line} has {len(row)} cells, the header has {width};"
                        f" put each cell with a '{separator}' in quotes, and leave none out"
                    )
                if reader.line_num > line and _holds_rows(row, separator):
                    raise UserError(
                        f"{path}: line {line}: the lines inside its quotes look like rows; remove"
                        " the stray quote, or the line breaks from that cell"
                    )
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(
            f"{path}: line {line}: a quote is not closed at the end of its cell ({error}); remove"
            " it, or double the quotes inside a cell"
        ) from error


def read_csv(path: Path) -> dict[str, list[str]]:
    """The columns of a CSV file by name, see `csv_rows`; cells unchanged.

    Raises
    ------
    UserError
        See `csv_rows`; or the file is empty, or has two columns with the same name.
    """
    numbered = csv_rows(path)
    header = [name.strip() for name in next(numbered, (0, []))[1]]
    if not header:
        raise UserError(f"{path}: the file is empty; its first line must name the columns")
    name, count = Counter(header).most_common(1)[0]
    if count > 1:
        raise UserError(f"{path}: two columns have the name '{listed([name])}'; rename one")
    rows = [row for _, row in numbered]
    return {name: [row[place] for row in rows] for place, name in enumerate(header)}


def separator_in(header: str) -> str:
    """The separator in a header: a comma, a semicolon or a tab."""
    return max(",;\t", key=header.count)


def _holds_rows(row: Sequence[str], separator: str) -> bool:
    """Whether the lines inside a cell would be rows without its quotes, see `csv_rows`."""
    last_place = len(row) - 1
    for place, cell in enumerate(row):
        first, *more = _LINE_END.split(cell)
        if not more or more.pop().count(separator) != place:
            continue
        between = [line for line in more if line.strip()]
        if any(line.count(separator) == last_place for line in between):
            return True
        after = first.rpartition('"')[2]  # the cell's own quotes can end there
        if not between and last_place - place in (first.count(separator), after.count(separator)):
            return True
    return False
