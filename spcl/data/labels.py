"""The order of a corpus' emotions: which class an integer means."""

from collections.abc import Iterable, Sequence

from spcl.errors import UserError

IEMOCAP = ("hap", "sad", "neu", "ang", "exc", "fru")
IEMOCAP_UNUSED = ("xxx", "sur", "fea", "dis", "oth")
"""xxx: no majority. All of these are unlabelled here: context, never training data."""

MELD = ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger")

KNOWN = {"iemocap": IEMOCAP, "meld": MELD}
"""The orders that the field's files have their integers in."""


def in_order(known: Sequence[str], asked: Sequence[str] | None) -> tuple[str, ...]:
    """The labels of a known corpus in the order that was asked for, else in the known one.

    Raises
    ------
    UserError
        What was asked for are other labels.
    """
    if asked is None:
        return tuple(known)
    if sorted(asked) != sorted(known):
        raise UserError(
            f"labels: [{', '.join(asked)}] are not the emotions of this corpus;"
            f" leave the key out or write labels: [{', '.join(known)}] in the order you want"
        )
    return tuple(asked)


def of_names(names: Iterable[str]) -> tuple[str, ...]:
    """An order for emotions that are given by name: a known one, else the alphabet.

    Names say what they mean in any order; only integers would have to be guessed. IEMOCAP's codes
    without a usable majority are no labels.
    """
    met = set(names)
    for known, unused in ((IEMOCAP, IEMOCAP_UNUSED), (MELD, ())):
        if set(known) <= met <= {*known, *unused}:
            return known
    return tuple(sorted(met))
