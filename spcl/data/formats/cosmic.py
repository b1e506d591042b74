"""The RoBERTa features of COSMIC (Ghosal et al., Findings of EMNLP 2020): text only.

Two forms, each a list or tuple::

    IEMOCAP  10  speakers, labels, four fields of text vectors, sentences, train, test, valid
    MELD     11  speakers, labels, sentiments, four fields of text vectors, sentences, train, test,
                 valid

The four are the first token's state in RoBERTa's last four layers. COSMIC and those who follow it
take their mean (inside the model, each normalised before), and so does this reader: the mean of the
four as they are is the modality t.
"""

from pathlib import Path
from typing import Any, cast

from spcl.data.feature_files.by_dialogue import ByDialogue
from spcl.data.formats.dialogue_rnn import matches
from spcl.data.records import Reading

TITLE = "COSMIC's RoBERTa features: a pickled tuple of 10 or 11"
REMEDY = "put the pickle there (see https://github.com/declare-lab/conv-emotion for where it is)"

_LAYERS = ("t1", "t2", "t3", "t4")
_END = (*_LAYERS, "texts", "train", "test", "dev")
_FORMS = {  # and the corpus; EmoryNLP and DailyDialog have the first form and seven classes too
    ("speakers", "classes", *_END): "iemocap",
    ("speakers", "classes", "sentiments", *_END): "meld",
}


def fits(path: Path, content: object) -> bool:
    """Whether it is a tuple of one of the two forms."""
    return any(matches(content, form) for form in _FORMS)


def read(path: Path, content: object, labels: tuple[str, ...] | None = None) -> Reading:
    """Read the corpus; see `spcl.data.feature_files.by_dialogue`.

    An utterance that lacks a layer lacks t.

    Raises
    ------
    UserError
        See `spcl.data.feature_files.by_dialogue.ByDialogue.read`.
    """
    form = next(form for form in _FORMS if matches(content, form))
    fields = dict(zip(form, cast(tuple[Any, ...], content), strict=True))
    return ByDialogue(
        path=path,
        division={split: fields[split] for split in ("train", "dev", "test")},
        speakers=fields["speakers"],
        classes=fields["classes"],
        texts=fields["texts"],
        vectors={"t": [fields[layer] for layer in _LAYERS]},
        may_be=(_FORMS[form],),
    ).read(labels)
