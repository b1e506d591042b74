"""Which utterance a row of a feature file belongs to: by name, or by its place in the table."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from spcl.data.files.disk import entries
from spcl.errors import UserError, listed

IDS = "utterance_id"

_LIST_OF_IDS = re.compile(
    r"((a|t|v|audio|text|visual|features?|utterances?)[_.-]?)?(ids?|keys|names)", re.IGNORECASE
)
"""What people call a file that names the rows of an array beside it, without its suffix."""


def rows_by_name(
    values: np.ndarray, ids: Sequence[str], wanted: Sequence[str], path: Path
) -> tuple[np.ndarray, list[str]]:
    """The rows of a file that names their utterances, in the order of the table.

    Parameters
    ----------
    values
        (n, D), as the file has them.
    ids
        The name of each row.
    wanted
        The N utterances of the table.
    path
        The file, for the messages.

    Returns
    -------
    (N, D)
        A row of NaN where the file has none.
    list of str
        What is wrong with single rows, in words.

    Raises
    ------
    UserError
        There are more or fewer names than rows; no name is an utterance's; two different rows have
        the name of one utterance.
    """
    if len(ids) != len(values):
        raise UserError(
            f"{path}: {len(ids)} names in {IDS} for {len(values)} rows of features; save it again"
            " with one name for each row"
        )
    place: dict[str, int] = {}
    utterances = set(wanted)
    for row, name in enumerate(ids):
        first = place.setdefault(name, row)
        if (
            name in utterances
            and first != row
            and not np.array_equal(values[first], values[row], equal_nan=True)
        ):
            raise UserError(
                f"{path}: two different rows, {first + 1} and {row + 1}, are called"
                f" '{listed([name])}'; keep the one that belongs to the utterance"
            )
    if utterances.isdisjoint(place):
        raise UserError(
            f"{path}: names no utterance of the table ({listed(ids[:1]) or 'none'} here,"
            f" {listed(wanted[:1])} there); write the same {IDS} in both"
        )
    notes = []
    if lost := sorted(place.keys() - utterances):
        notes.append(f"{len(lost)} rows name no utterance, first {listed(lost[:1])}; left out")
    if twice := len(ids) - len(place):
        notes.append(f"{twice} rows name an utterance again; the first of each is kept")
    gap = np.full((1, values.shape[1]), np.nan, np.float32)
    return np.vstack([values, gap])[[place.get(name, -1) for name in wanted]], notes


def rows_by_place(
    values: np.ndarray,
    names: Mapping[str, Sequence[str]],
    table: Mapping[str, Sequence[str]],
    order: Sequence[int],
    path: Path,
) -> np.ndarray:
    """The rows of a file without names, which has those of the table of utterances.

    Parameters
    ----------
    values
        (n, D), as the file has them.
    names
        The columns of text that the file has beside its numbers.
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
        The file has not as many rows as the table; what it says of dialogues or utterances is in
        another order; beside it is a file that seems to list their names.
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
                f"{path}: its '{column}' names other rows than those of the table; name them by"
                f" {IDS}, or save them in the order of the table"
            )
    for other in entries(path.parent):
        if _LIST_OF_IDS.fullmatch(other.stem):
            raise UserError(
                f"{path}: its rows have no names, which {other.name} may list; save both in one"
                f" file, {path.stem}.npz with {IDS} and features, or move {other.name} away"
            )
    return values[list(order)]
