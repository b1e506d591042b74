"""The tuples that SDT reads (Ma et al., IEEE Transactions on Multimedia 2024)::

    IEMOCAP  12  ids, speakers, labels, four fields of text vectors, audio, visual, sentences,
                 train, test
    others   13  the same and one more, which no code reads: here sentiments

The four text fields are layers of one RoBERTa model; here all contain the same vectors.
"""

from collections.abc import Mapping

from spcl.data.export.content import Content

PAPERS = "SDT; GraphSmile for IEMOCAP"
FILES: Mapping[str | None, str] = {
    "iemocap": "iemocap_multimodal_features.pkl",
    "meld": "meld_multimodal_features.pkl",
    None: "{}_multimodal_features.pkl",
}
HAS_DEV = False
NOTES: tuple[str, ...] = (
    "the four text fields contain the same vectors: there is one text vector per utterance",
)


def arranged(content: Content) -> object:
    """A tuple of 12 or 13 fields."""
    return content.as_tuple("ttttav")
