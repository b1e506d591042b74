"""The dicts of SPCL and Ada2I: ``iemocap.pkl`` and ``meld.pkl``, each field under its name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from spcl.data.feature_files.by_dialogue import ByDialogue
from spcl.data.feature_files.values import lists_ids
from spcl.data.records import Reading

TITLE = "SPCL and Ada2I: a pickled dict with trainVid, testVid, label, text, audio, visual"
REMEDY = "put the pickle there (see https://github.com/np4s/SPCL for where it is)"

_SPLITS = {"train": "trainVid", "dev": "valVid", "test": "testVid"}
_SPEAKERS = ("speaker", "speakers")  # IEMOCAP's letters, MELD's places in the dialogue
_VECTORS = {"t": "text", "a": "audio", "v": "visual"}


def fits(path: Path, content: object) -> bool:
    """Whether it is a dict with such keys."""
    return (
        isinstance(content, Mapping)
        and isinstance(content.get("label"), Mapping)
        and any(key in content for key in _SPEAKERS)
        and all(lists_ids(content.get(_SPLITS[split])) for split in ("train", "test"))
    )


def read(path: Path, content: object, labels: tuple[str, ...] | None = None) -> Reading:
    """Read the corpus; see `spcl.data.feature_files.by_dialogue`.

    A field of vectors that is absent is a modality that the corpus lacks; ``valVid`` is dev.

    Raises
    ------
    UserError
        See `spcl.data.feature_files.by_dialogue.ByDialogue.read`.
    """
    fields = cast(Mapping[str, Any], content)
    return ByDialogue(
        path=path,
        division={
            split: fields[key] for split, key in _SPLITS.items() if lists_ids(fields.get(key))
        },
        speakers=next(fields[key] for key in _SPEAKERS if key in fields),
        classes=fields["label"],
        texts=fields.get("sentence", {}),
        vectors={m: [fields[key]] for m, key in _VECTORS.items() if key in fields},
    ).read(labels)
