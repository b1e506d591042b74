"""The tuples that DialogueRNN and its successors read; see `spcl.data.formats.dialogue_rnn`.

That of IEMOCAP has 9 fields. That of MELD and of all other corpora has 10: the last are sentiments.
"""

from collections.abc import Mapping

from spcl.data.export.content import Content

PAPERS = "DialogueRNN, COGMEN, CORECT, MMGCN, MM-DFN, M3NET"
FILES: Mapping[str | None, str] = {
    "iemocap": "IEMOCAP_features.pkl",
    "meld": "MELD_features_raw1.pkl",
    None: "{}_features.pkl",
}
HAS_DEV = False
NOTES: tuple[str, ...] = ()


def arranged(content: Content) -> object:
    """A tuple of 9 or 10 fields."""
    return content.as_tuple("tav")
