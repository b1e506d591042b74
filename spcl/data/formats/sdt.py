"""The tuples of SDT (Ma et al., IEEE TMM 2024), GraphSmile and others: text in four layers.

There are three forms, each a list or tuple::

    IEMOCAP            12  ids, speakers, labels, four fields of text vectors, audio, visual,
                           sentences, train, test
    MELD               13  the same, and a part that nobody reads
    MELD (GraphSmile)  14  the same with sentiments after the labels

The four fields are the state of RoBERTa's first token in four layers, as in COSMIC's files. Their
mean is the modality t, unless the config chooses one of them.
"""

from pathlib import Path
from typing import Any, cast

from spcl.data.feature_files.by_dialogue import read_by_dialogue
from spcl.data.feature_files.tuples import UNREAD, fields_of
from spcl.data.records import Choices, Reading

TITLE = "a pickled tuple of 12, 13 or 14, as SDT and GraphSmile use"
REMEDY = "put the pickle there (see https://github.com/butterfliesss/SDT for where it is)"

_START = ("utterance_ids", "speakers", "classes")
_END = ("t1", "t2", "t3", "t4", "a", "v", "texts", "train", "test")
_FORMS = (
    (*_START, *_END),
    (*_START, *_END, UNREAD),
    (*_START, "sentiments", *_END, UNREAD),
)


def fits(path: Path, content: object) -> bool:
    """Whether it is a tuple of one of the three forms."""
    return fields_of(content, _FORMS) is not None


def read(path: Path, content: object, choices: Choices) -> Reading:
    """Read the corpus; it has no dev split. An utterance that lacks a layer lacks their mean."""
    fields = cast(dict[str, Any], fields_of(content, _FORMS))
    corpus = "meld" if UNREAD in fields else "iemocap"
    return read_by_dialogue(path, fields, choices, corpora=(corpus,))
