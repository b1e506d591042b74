"""The dicts of SPCL and Ada2I: ``iemocap.pkl`` and ``meld.pkl``, each field under its name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from spcl.data.feature_files.by_dialogue import read_by_dialogue
from spcl.data.feature_files.values import lists_ids
from spcl.data.records import Choices, Reading

TITLE = "a pickled dict with trainVid, testVid, label, text, audio, visual, as SPCL and Ada2I use"
REMEDY = "put the pickle there (see https://github.com/np4s/SPCL for where it is)"

_FIELDS = {
    "trainVid": "train",
    "valVid": "dev",
    "testVid": "test",
    "speakers": "speakers",  # MELD: position in the dialogue
    "speaker": "speakers",  # IEMOCAP: F or M
    "label": "classes",
    "sentence": "texts",
    "text": "t",
    "audio": "a",
    "visual": "v",
}
"""Key in the file -> name for `read_by_dialogue`. A modality without a key is absent."""


def fits(path: Path, content: object) -> bool:
    """Whether it is a dict with these keys."""
    return (
        isinstance(content, Mapping)
        and isinstance(content.get("label"), Mapping)
        and ("speaker" in content or "speakers" in content)
        and lists_ids(content.get("trainVid"))
        and lists_ids(content.get("testVid"))
    )


def read(path: Path, content: object, choices: Choices) -> Reading:
    """Read the corpus."""
    found = cast(Mapping[str, Any], content)
    fields = {name: found[key] for key, name in _FIELDS.items() if key in found}
    return read_by_dialogue(path, fields, choices)
