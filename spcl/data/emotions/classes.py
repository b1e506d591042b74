"""The emotion that a label of a feature file means.

An integer is read by the order in the config, or else by the published order if the file is
recognised as that corpus. Otherwise it is an error: nothing is guessed.
"""

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from spcl.data.emotions.labels import IEMOCAP, IEMOCAP_UNUSED, KNOWN, of_names
from spcl.data.emotions.spelling import folded, labels_of
from spcl.errors import UserError

Class = int | str
"""A label as in the file: the number or name of a class."""

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
"""Other names of the emotions of a known corpus."""

_IEMOCAP_DIALOGUE = re.compile(r"Ses0[1-5][FM]_\w+")
_ACTORS = {"F", "M"}
_PLACES = {str(place) for place in range(9)}
"""MELD's speakers in feature files are numbered in each dialogue; there are at most nine."""


def known_corpus(
    dialogues: Collection[str], speakers: Collection[str], classes: Collection[Class]
) -> str | None:
    """``iemocap`` or ``meld`` if the file is certainly that corpus, else None.

    IEMOCAP is recognised by the names of its dialogues, or by its six emotions and the speakers F
    and M; MELD by the names of its seven emotions, or by their numbers and numbered speakers.

    Parameters
    ----------
    dialogues
        The ids in the file.
    speakers
        All that occur.
    classes
        All that occur, without values that mean unlabelled.
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
        All that occur, without values that mean unlabelled.
    corpus
        The result of `known_corpus`.
    asked
        The order from the config, None if it has none.
    path
        The file, for the message.

    Returns
    -------
    tuple of str
        The label order.
    dict
        By class; None for IEMOCAP's codes without a usable majority. A name that is not a label
        means itself; `spcl.data.checks` records its utterances as unlabelled.

    Raises
    ------
    UserError
        It is unknown what the numbers mean, or a number is outside the order in the config.
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
            f"{path}: {what}{known}, and their meaning is unknown; write their names in"
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
    """Whether exactly the emotions of the corpus occur; for numbers, whether the highest occurs."""
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
    """The label that each name means, also through `LONG_NAMES`; else the name itself."""
    long_names = LONG_NAMES.get(corpus or "", {})
    usual = {name: long_names.get(folded(name), name) for name in names}
    own, by_usual = labels_of(names, labels), labels_of(usual.values(), labels)
    return {name: own[name] or by_usual[usual[name]] or name.strip() for name in names}
