"""The dict that SPCL and Ada2I read; see `spcl.data.formats.spcl_pickle`."""

from collections.abc import Mapping

from spcl.data.export.content import Content

PAPERS = "SPCL, Ada2I"
FILES: Mapping[str | None, str] = {"iemocap": "iemocap.pkl", "meld": "meld.pkl", None: "{}.pkl"}
HAS_DEV = True
NOTES: tuple[str, ...] = ()


def arranged(content: Content) -> object:
    """A dict by field; ``valVid`` only if there is a dev split."""
    splits = {"trainVid": "train", "valVid": "dev", "testVid": "test"}
    return {
        **{key: content.splits[s] for key, s in splits.items() if s != "dev" or content.splits[s]},
        "speaker" if content.is_iemocap else "speakers": content.speakers,
        "label": content.numbers,
        "sentence": content.texts,
        "text": content.vectors["t"],
        "audio": content.vectors["a"],
        "visual": content.vectors["v"],
    }
