"""The tuples of DialogueRNN and all that followed it: COGMEN, CORECT, MMGCN, MM-DFN, M3NET.

Three forms, told from each other by their length and by which parts are dicts::

    IEMOCAP             9   ids, speakers, labels, text, audio, visual, sentences, train, test
    MELD                10  ids, speakers, labels, text, audio, visual, sentences, train, test,
                            sentiments
    MELD without faces  9   ids, speakers, labels, text, audio, sentences, train, test, sentiments
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from spcl.data.feature_files.by_dialogue import ByDialogue
from spcl.data.feature_files.values import lists_ids
from spcl.data.records import Reading
from spcl.tables.schemas import SPLITS

TITLE = "DialogueRNN's family: a pickled tuple of 9 or 10"
REMEDY = "put the pickle there (see https://github.com/declare-lab/conv-emotion for where it is)"

_START = ("ids", "speakers", "classes", "t", "a")
_FORMS = (
    (*_START, "v", "texts", "train", "test"),
    (*_START, "v", "texts", "train", "test", "sentiments"),
    (*_START, "texts", "train", "test", "sentiments"),
)


def fits(path: Path, content: object) -> bool:
    """Whether it is a tuple of one of the three forms."""
    return _form(content) is not None


def read(path: Path, content: object, labels: tuple[str, ...] | None = None) -> Reading:
    """Read the corpus; see `spcl.data.feature_files.by_dialogue`. There is no dev split.

    Raises
    ------
    UserError
        See `spcl.data.feature_files.by_dialogue.ByDialogue.read`.
    """
    form = cast(tuple[str, ...], _form(content))
    fields = dict(zip(form, cast(tuple[Any, ...], content), strict=True))
    return ByDialogue(
        path=path,
        division={"train": fields["train"], "test": fields["test"]},
        speakers=fields["speakers"],
        classes=fields["classes"],
        texts=fields["texts"],
        vectors={m: [fields[m]] for m in "tav" if m in fields},
        utterance_ids=fields["ids"],
    ).read(labels)


def _form(content: object) -> tuple[str, ...] | None:
    """The names of the tuple's parts: dicts by dialogue but for the lists of ids."""
    for form in _FORMS:
        if matches(content, form):
            return form
    return None


def matches(content: object, form: tuple[str, ...]) -> bool:
    """Whether `content` has the parts of a form: ``train``, ``dev`` and ``test`` list ids, the
    others are dicts by dialogue."""
    return (
        isinstance(content, tuple | list)
        and len(content) == len(form)
        and all(
            lists_ids(part) if name in SPLITS else isinstance(part, Mapping)
            for name, part in zip(form, content, strict=True)
        )
    )
