"""The RoBERTa features of COSMIC (Ghosal et al., Findings of EMNLP 2020): text only.

There are two forms, each a list or tuple::

    IEMOCAP  10  speakers, labels, four fields of text vectors, sentences, train, test, valid
    MELD     11  speakers, labels, sentiments, four fields of text vectors, sentences, train, test,
                 valid

The four fields are the state of the first token in RoBERTa's last four layers. COSMIC and its
successors take their mean (inside the model, after normalising each). This reader takes the mean
of the four fields as they are, or the one that the config chooses; it is the modality t.
"""

from pathlib import Path
from typing import Any, cast

from spcl.data.feature_files.by_dialogue import read_by_dialogue
from spcl.data.feature_files.tuples import fields_of
from spcl.data.records import Choices, Reading

TITLE = "COSMIC's RoBERTa features: a pickled tuple of 10 or 11"
REMEDY = "put the pickle there (see https://github.com/declare-lab/conv-emotion for where it is)"

_END = ("t1", "t2", "t3", "t4", "texts", "train", "test", "dev")
_FORMS = (("speakers", "classes", *_END), ("speakers", "classes", "sentiments", *_END))


def fits(path: Path, content: object) -> bool:
    """Whether it is a tuple of one of the two forms."""
    return fields_of(content, _FORMS) is not None


def read(path: Path, content: object, choices: Choices) -> Reading:
    """Read the corpus; an utterance that lacks a layer lacks their mean."""
    fields = cast(dict[str, Any], fields_of(content, _FORMS))
    # EmoryNLP and DailyDialog have the first form too, and seven classes as MELD has.
    corpus = "meld" if "sentiments" in fields else "iemocap"
    return read_by_dialogue(path, fields, choices, corpora=(corpus,))
