"""The order of a corpus' emotions, which gives the class of an integer."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from unicodedata import is_normalized

from spcl.data.emotions.spelling import flow, folded, grouped, labels_of, may_be_missing
from spcl.errors import UserError, listed

IEMOCAP = ("hap", "sad", "neu", "ang", "exc", "fru")
IEMOCAP_UNUSED = ("xxx", "sur", "fea", "dis", "oth")
"""xxx: no majority. All of these are read as unlabelled: context, not training data."""

IEMOCAP_4 = ("hap", "sad", "neu", "ang")
"""The order of COGMEN's four classes."""

MELD = ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger")

KNOWN = {"iemocap": IEMOCAP, "meld": MELD}
"""The orders of the integers in publicly circulated files."""

_INTEGER = re.compile(r"(-?\d+)(?:\.0*)?")  # pandas writes 3.0 where another cell is empty


def label_order(known: Sequence[str], asked: Sequence[str] | None) -> tuple[str, ...]:
    """The labels of a known corpus in the order of the config, else in the published order.

    Raises
    ------
    UserError
        The config has other labels.
    """
    if asked is None:
        return tuple(known)
    if sorted(asked) != sorted(known):
        raise UserError(
            f"labels: [{', '.join(asked)}] are not the emotions of this corpus;"
            f" remove the key or write labels: [{', '.join(known)}] in the order you want"
        )
    return tuple(asked)


def of_names(names: Iterable[str]) -> tuple[str, ...]:
    """An order for names of emotions: that of a known corpus, else alphabetical.

    One of several spellings is the label. IEMOCAP's codes without a usable majority are not labels.
    """
    groups = grouped(sorted(names, key=lambda name: (not is_normalized("NFC", name), name)))
    for known, unused in ((IEMOCAP, IEMOCAP_UNUSED), (MELD, ())):
        if set(known) <= groups.keys() <= {*known, *unused}:
            return known
    return tuple(sorted(spellings[0].strip() for spellings in groups.values()))


def labelled(
    cells: Sequence[str], labels: tuple[str, ...] | None, path: Path
) -> tuple[list[str | None], tuple[str, ...], list[str]]:
    """The emotions of the cells of a table: names, or positions in `labels`.

    Parameters
    ----------
    cells
        N of them; an empty one is unlabelled, and so is -1 among integers. A whole number with a
        fraction, which pandas writes where other cells are empty, is an integer. For names see
        `spcl.data.emotions.spelling.labels_of`.
    labels
        The order in the config or the file; None = `of_names`. Labels that are integers all are
        the names of these integers, not positions.
    path
        The table, for messages.

    Returns
    -------
    list of str or None
        The emotions, N of them, None = unlabelled.
    tuple of str
        The order of the labels.
    list of str
        Names that are read as unlabelled because they are not labels.

    Raises
    ------
    UserError
        The cells are integers whose meaning is unknown, or no name is a label.
    """
    quiet: tuple[str, ...] = ("-1",)
    met = {cell for cell in cells if cell.strip()}
    integers = {cell: found[1] for cell in met if (found := _INTEGER.fullmatch(cell.strip()))}
    meaning: dict[str, str | None]
    if integers and all(cell in integers or may_be_missing(cell) for cell in met):
        if labels is None:
            raise UserError(
                f"{path}: its emotions are integers, up to {_highest(integers.values())}, and their"
                " meaning is unknown; write their names in order into the config: labels: [...]"
            )
        named = {found[1]: label for label in labels if (found := _INTEGER.fullmatch(label))}
        places = {str(place): label for place, label in enumerate(labels)}
        known = named if len(named) == len(labels) else places
        meaning = {cell: known.get(integer) for cell, integer in integers.items()}
    else:
        whole = integers if labels else {}
        labels = labels or of_names(met)
        meant = labels_of([whole.get(cell, cell) for cell in met], labels)
        meaning = {cell: meant[whole.get(cell, cell)] for cell in met}
        quiet = IEMOCAP_UNUSED if set(labels) == set(IEMOCAP) else ()
    if met and not any(meaning.values()):
        names = sorted({integers.get(cell, cell.strip()) for cell in met})
        raise UserError(
            f"{path}: none of its emotions ({listed(names)}) is among labels: {flow(labels)};"
            f" write labels: {flow(names)}"
        )
    lost = Counter(integers.get(cell, cell.strip()) for cell in cells if not meaning.get(cell))
    notes = [
        f"{count} utterances are '{name}', which is not a label; kept as unlabelled"
        for name, count in sorted(lost.items())
        if name and folded(name) not in quiet
    ]
    return [meaning.get(cell) for cell in cells], labels, notes


def _highest(integers: Iterable[str]) -> str:
    """The highest of some integers, as text: they can be of any length."""
    return listed([max(integers, key=lambda cell: (cell[0] != "-", len(cell), cell))])
