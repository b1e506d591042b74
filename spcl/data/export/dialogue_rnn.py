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
    fields = (
        content.utterance_ids,
        content.speakers if content.is_iemocap else content.one_hot(),
        content.numbers,
        *(content.vectors[m] for m in "tav"),
        content.texts,
        content.not_test(),
        content.splits["test"],
    )
    return fields if content.is_iemocap else (*fields, content.sentiments)
