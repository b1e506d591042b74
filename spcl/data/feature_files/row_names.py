"""The utterance of each row of a feature file: by name, or by the order of the table."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from spcl.data.files.disk import entries
from spcl.data.problems import Defect
from spcl.errors import UserError, listed

IDS = "utterance_id"

_LIST_OF_IDS = re.compile(
    r"((a|t|v|audio|text|visual|features?|utterances?)[_.-]?)?(ids?|keys|names)", re.IGNORECASE
)
"""Usual names of a file with the row names of an array beside it, without suffix."""


def rows_by_name(
    values: np.ndarray, ids: Sequence[str], wanted: Sequence[str], path: Path
) -> tuple[np.ndarray, list[Defect]]:
    """The rows of a file with utterance ids, in the order of the utterances.

    Parameters
    ----------
    values
        (n, D), as in the file.
    ids
        The utterance id of each row.
    wanted
        The ids of the N utterances.
    path
        The file, for the messages.

    Returns
    -------
    (N, D)
        A row of NaN where the file has none.
    list of Defect
        What is wrong with single rows.

    Raises
    ------
    UserError
        The numbers of ids and rows differ; no id is that of an utterance; two different rows have
        the id of one utterance.
    """
    if len(ids) != len(values):
        raise UserError(
            f"{path}: {len(ids)} names in {IDS} for {len(values)} rows of features; save it again"
            " with one name for each row"
        )
    position: dict[str, int] = {}
    utterances = set(wanted)
    for row, name in enumerate(ids):
        first = position.setdefault(name, row)
        if (
            name in utterances
            and first != row
            and not np.array_equal(values[first], values[row], equal_nan=True)
        ):
            raise UserError(
                f"{path}: two different rows, {first + 1} and {row + 1}, have the name"
                f" '{listed([name])}'; keep the correct one"
            )
    if utterances.isdisjoint(position):
        raise UserError(
            f"{path}: no name is an utterance of the table (first {listed(ids[:1]) or 'none'} here,"
            f" {listed(wanted[:1])} there); write the same {IDS} in both"
        )
    notes: list[Defect] = []
    if lost := sorted(position.keys() - utterances):
        reason = f"{len(lost)} rows name no utterance, first {listed(lost[:1])}; left out"
        notes.append(("left_out", reason))
    if twice := len(ids) - len(position):
        reason = f"{twice} rows name an utterance again; the first of each is kept"
        notes.append(("duplicate", reason))
    gap = np.full((1, values.shape[1]), np.nan, np.float32)
    return np.vstack([values, gap])[[position.get(name, -1) for name in wanted]], notes


def rows_by_position(
    values: np.ndarray,
    names: Mapping[str, Sequence[str]],
    table: Mapping[str, Sequence[str]],
    order: Sequence[int],
    path: Path,
) -> np.ndarray:
    """The rows of a file without utterance ids, which has the order of the table of utterances.

    Parameters
    ----------
    values
        (n, D), as in the file.
    names
        The text columns of the file.
    table
        ``dialogue_id`` and ``utterance_id`` of every row of the table of utterances.
    order
        The row of each of the N utterances in that table.
    path
        The file, for the messages.

    Returns
    -------
    (N, D)

    Raises
    ------
    UserError
        The numbers of rows differ; the dialogue or utterance names in the file have another order;
        a file beside it seems to list the names of its rows.
    """
    if len(values) != len(table[IDS]):
        raise UserError(
            f"{path}: {len(values)} rows for {len(table[IDS])} utterances; without {IDS} it"
            " must have a row for each, in the order of the table"
        )
    for column, cells in names.items():
        known = table.get(column, table[IDS])
        if list(cells) != list(known) and (column in table or not set(cells).isdisjoint(known)):
            raise UserError(
                f"{path}: its '{column}' is not in the order of the table; name the rows by"
                f" {IDS}, or save them in the order of the table"
            )
    for other in entries(path.parent):
        if _LIST_OF_IDS.fullmatch(other.stem):
            raise UserError(
                f"{path}: its rows have no names, but {other.name} may list them; save both in one"
                f" file, {path.stem}.npz with {IDS} and features, or move {other.name} away"
            )
    return values[list(order)]
