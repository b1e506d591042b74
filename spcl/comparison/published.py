"""Published scores: those that come with the project, or those of a custom CSV file."""

import csv
import io
from pathlib import Path

import pandas as pd

from spcl.data.files.disk import read
from spcl.data.files.parsing import parsing
from spcl.errors import UserError, listed
from spcl.tables.schemas import CELL_KEY, MODALITIES

SHIPPED = Path(__file__).with_name("published.csv")
"""Scores of the papers of the baselines; the column ``seen`` says where each was read."""

COLUMNS = (*CELL_KEY, "weighted_f1", "protocol", "source")


def read_published(path: Path) -> pd.DataFrame:
    """Read published scores.

    Parameters
    ----------
    path
        A CSV file in UTF-8 with a row a score and at least the columns `COLUMNS`, of which
        ``weighted_f1`` is in points, 0 to 100, and ``protocol`` is one of
        `spcl.data.splits.PROTOCOLS`, or ``unknown``, or other words for another split.

    Returns
    -------
    DataFrame
        These columns, ``weighted_f1`` as float; modality sets in the order of ``atv``.

    Raises
    ------
    UserError
        The file is missing, is not UTF-8, lacks a column, or has an invalid row.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file; name a CSV file, or write: published")
    with parsing(lambda why: UserError(f"{path}: not a CSV file in UTF-8 ({why}); save it so")):
        reader = csv.DictReader(io.StringIO(read(path).decode("utf-8-sig"), newline=""))
        names = reader.fieldnames or ()
        lines = [(reader.line_num, row) for row in reader]
    lacking = [name for name in COLUMNS if name not in names]
    if lacking:
        raise UserError(
            f"{path}: column{'s' * (len(lacking) > 1)} {listed(lacking)} missing;"
            f" its first line must name {', '.join(COLUMNS)}"
        )
    rows = [_row(path, line, row) for line, row in lines]
    if not rows:
        raise UserError(f"{path}: no row below the names of the columns; add a line for each score")
    frame = pd.DataFrame(rows)
    again = frame.duplicated([*CELL_KEY, "source"])
    if again.any():
        cell = "/".join(frame.loc[again, list(CELL_KEY)].iloc[0])
        raise UserError(f"{path}: two scores of {cell} from the same source; keep one of them")
    return frame


def _row(path: Path, line: int, row: dict[str, str | None]) -> dict[str, object]:
    where = f"{path}, line {line}"
    text = {name: (row[name] or "").strip() for name in COLUMNS}
    empty = [name for name, value in text.items() if not value]
    if empty:
        raise UserError(f"{where}: no {listed(empty)}; fill it in, or remove the line")
    modalities = "".join(sorted(text["modalities"]))
    if not set(modalities) <= MODALITIES.keys() or len(set(modalities)) < len(modalities):
        raise UserError(
            f"{where}: modalities '{text['modalities']}' are invalid; write letters of"
            f" {''.join(MODALITIES)}, each once"
        )
    try:
        points = float(text["weighted_f1"])
    except ValueError:
        points = -1.0
    if not (points == 0 or 1 < points <= 100):
        raise UserError(
            f"{where}: weighted_f1 '{text['weighted_f1']}' is not a score in points; write one"
            " above 1 and up to 100, such as 68.18"
        )
    return text | {"modalities": modalities, "weighted_f1": points}
