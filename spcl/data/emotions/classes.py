"""Which emotion a label of a feature file means.

An integer means nothing by itself. It is read by a published order where the file is recognised as
that corpus, by the order in the config where there is one, and else not at all: nothing is guessed.
"""

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from spcl.data.emotions.labels import IEMOCAP, IEMOCAP_UNUSED, KNOWN, of_names
from spcl.data.emotions.spelling import folded, labels_of
from spcl.errors import UserError

Class = int | str
"""A label as a file has it: a class' number or name."""

LONG_NAMES = {
    "iemocap": {
        "happy": "hap", "happiness": "hap", "sadness": "sad", "neutral": "neu", "angry": "ang",
        "anger": "ang", "excited": "exc", "excitement": "exc", "frustrated": "fru",
        "frustration": "fru",
    },
    "meld": {
        "neu": "neutral", "sur": "surprise", "surprised": "surprise", "fea": "fear",
        "sad": "sadness", "dis": "disgust", "disgusted": "disgust", "ang": "anger",
        "angry": "anger",
    },
}  # fmt: skip
"""Other spellings of a known corpus' emotions."""

_IEMOCAP_DIALOGUE = re.compile(r"Ses0[1-5][FM]_\w+")
_ACTORS = {"F", "M"}
_PLACES = {str(place) for place in range(9)}
"""MELD's speakers in feature files: places in the dialogue, at most nine."""


def known_corpus(
    dialogues: Collection[str], speakers: Collection[str], classes: Collection[Class]
) -> str | None:
    """``iemocap`` or ``meld`` if the file is that corpus without doubt, else None.

    IEMOCAP by the names of its dialogues, or by its six emotions and the speakers F and M; MELD by
    its seven emotions, as names or, with speakers that are places in the dialogue, as numbers.

    Parameters
    ----------
    dialogues
        The ids, as the file has them.
    speakers
        All that occur.
    classes
        All that occur, without those that stand for unlabelled.
    """
    if dialogues and all(map(_IEMOCAP_DIALOGUE.fullmatch, dialogues)):
        return "iemocap"
    for corpus, named, numbered in (
        ("iemocap", _ACTORS, _ACTORS),
        ("meld", None, _PLACES),
    ):
        by_number = all(isinstance(c, int) for c in classes)
        among = numbered if by_number else named
        if (among is None or set(speakers) <= among) and _are_all(corpus, classes, by_number):
            return corpus
    return None


def emotions(
    classes: Collection[Class], corpus: str | None, asked: Sequence[str] | None, path: Path
) -> tuple[tuple[str, ...], dict[Class, str | None]]:
    """The emotions in order, and the one that each of the `classes` means.

    Parameters
    ----------
    classes
        All that occur, without those that stand for unlabelled.
    corpus
        What `known_corpus` says.
    asked
        The order from the config, None where it names none.
    path
        The file, for the message.

    Returns
    -------
    tuple of str
        The label order.
    dict
        By class; None for IEMOCAP's codes without a usable majority. Another name that is none of
        the labels means itself; what that costs its utterances is for `spcl.data.checks` to say.

    Raises
    ------
    UserError
        Nothing says what the numbers mean, or the order in the config has no place for one.
    """
    numbers = sorted(c for c in classes if isinstance(c, int))
    names = [c for c in classes if isinstance(c, str)]
    labels = tuple(asked or KNOWN.get(corpus or "", ()))
    if not labels and not numbers:
        labels = of_names(names)
    meaning = _meaning(names, labels, corpus)
    if corpus == "iemocap" or set(labels) == set(IEMOCAP):
        unused = set(IEMOCAP_UNUSED) - set(labels)
        meaning |= {name: None for name in names if folded(name) in unused}
    if numbers and not asked and numbers[-1] != len(labels) - 1:
        what = f"the emotions are numbers from {numbers[0]} to {numbers[-1]}"
        known = f" ({corpus} has {len(labels)})" if labels else ""
        raise UserError(
            f"{path}: {what}{known}, and nothing says what they mean; write their names in that"
            " order under datasets.<name>.labels: [...]"
        )
    if numbers and not (numbers[0] >= 0 and numbers[-1] < len(labels)):
        wrong = numbers[0] if numbers[0] < 0 else numbers[-1]
        raise UserError(
            f"{path}: an emotion has the number {wrong}, and the {len(labels)} labels are counted"
            " from 0; correct datasets.<name>.labels or the file"
        )
    return labels, {**meaning, **{number: labels[number] for number in numbers}}


def _are_all(corpus: str, classes: Collection[Class], by_number: bool) -> bool:
    """Whether all of the corpus' emotions occur and no other; of numbers, whether the last does."""
    known = KNOWN[corpus]
    if by_number:
        return bool(classes) and min(classes) >= 0 and max(classes) == len(known) - 1  # type: ignore
    names = [c for c in classes if isinstance(c, str)]
    met = set(_meaning(names, known, corpus).values())
    unused = IEMOCAP_UNUSED if corpus == "iemocap" else ()
    return len(names) == len(classes) and set(known) <= met <= {*known, *unused}


def _meaning(
    names: Collection[str], labels: Collection[str], corpus: str | None
) -> dict[Class, str | None]:
    """The label that each name means, also by its `LONG_NAMES`; else the name itself."""
    long_names = LONG_NAMES.get(corpus or "", {})
    usual = {name: long_names.get(folded(name), name) for name in names}
    own, by_usual = labels_of(names, labels), labels_of(usual.values(), labels)
    return {name: own[name] or by_usual[usual[name]] or name.strip() for name in names}
