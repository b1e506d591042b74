"""The tuples of DialogueRNN and its successors: COGMEN, CORECT, MMGCN, MM-DFN, M3NET, GraphSmile.

There are three forms::

    IEMOCAP             9   ids, speakers, labels, text, audio, visual, sentences, train, test
    MELD                10  ids, speakers, labels, text, audio, visual, sentences, train, test,
                            sentiments
    MELD without faces  9   ids, speakers, labels, text, audio, sentences, train, test, sentiments

IEMOCAP with four classes and CMU-MOSEI have the first form. The classes of IEMOCAP are then hap,
sad, neu and ang; the labels of CMU-MOSEI are sentiment scores.
"""

from pathlib import Path
from typing import Any, cast

from spcl.data.feature_files.by_dialogue import read_by_dialogue
from spcl.data.feature_files.tuples import fields_of
from spcl.data.records import Choices, Reading

TITLE = "a pickled tuple of 9 or 10, as DialogueRNN and its successors use"
REMEDY = "put the pickle there (see https://github.com/declare-lab/conv-emotion for where it is)"

_START = ("utterance_ids", "speakers", "classes", "t", "a")
_FORMS = (
    (*_START, "v", "texts", "train", "test"),
    (*_START, "v", "texts", "train", "test", "sentiments"),
    (*_START, "texts", "train", "test", "sentiments"),
)


def fits(path: Path, content: object) -> bool:
    """Whether it is a tuple of one of the three forms."""
    return fields_of(content, _FORMS) is not None


def read(path: Path, content: object, choices: Choices) -> Reading:
    """Read the corpus; it has no dev split."""
    fields = cast(dict[str, Any], fields_of(content, _FORMS))
    return read_by_dialogue(path, fields, choices, four_of_iemocap=True)
