"""The JSON files of DAG-ERC (Shen et al., ACL 2021) and MultiDAG: a list of dialogues a split.

An utterance is ``{"text", "speaker", "label", "cls"}``; ``label`` is absent where it has none, and
``cls`` is one vector (of the text) or three: text, audio, visual. A corpus is a folder with a file
a split, whose names differ only in the split (``train_data_roberta.json.feature``, ``dev_...``,
``test_...``); or one file with an object ``{"train": [...], "dev": [...], "test": [...]}``.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from spcl.data.feature_files.by_dialogue import read_by_dialogue
from spcl.data.feature_files.values import vector
from spcl.data.files.parsing import parsing
from spcl.data.files.text_files import decode
from spcl.data.records import Choices, Reading
from spcl.errors import UserError
from spcl.tables.schemas import SPLITS

TITLE = "JSON files train, dev, test with lists of dialogues, as DAG-ERC and MultiDAG use"
REMEDY = "put the folder with the three files there (https://github.com/shenwzh3/DAG-ERC)"

_TRAIN = re.compile(r"(?<![a-z])train(?![a-z])")
_SUFFIXES = (".json", ".json.feature", ".feature")
_FIELDS = {"speaker": "speakers", "label": "classes", "text": "texts"}
_ORDER = "tav"  # of the vectors in cls


def fits(path: Path, content: object) -> bool:
    """Whether it is a folder with such files, one of them, or a file with all splits."""
    if path.is_dir():
        return bool(_families(path))
    return _is_dialogues(content) or _divided(content) is not None


def read(path: Path, content: object, choices: Choices) -> Reading:
    """Read the corpus. Dialogues are named by split and position.

    Raises
    ------
    UserError
        There are several sets of files; a file has another form; see also
        `spcl.data.feature_files.by_dialogue.read_by_dialogue`.
    """
    divided = _divided(content)
    if divided is None:
        divided = {split: parse(file) for split, file in _files(path).items()}
    fields: dict[str, Any] = {name: {} for name in _FIELDS.values()}
    cls: dict[str, list] = {}
    for split, dialogues in divided.items():
        if not _is_dialogues(dialogues):
            raise UserError(f"{path}: {split} is not a list of dialogues; {REMEDY}")
        fields[split] = [f"{split}_dia{place}" for place in range(len(dialogues))]
        for dialogue, utterances in zip(fields[split], dialogues, strict=True):
            for key, name in _FIELDS.items():
                fields[name][dialogue] = [utterance.get(key) for utterance in utterances]
            cls[dialogue] = [utterance.get("cls") for utterance in utterances]
    return read_by_dialogue(path, fields | _by_modality(cls), choices)


def parse(path: Path) -> Any:
    """The content of a JSON file, vectors as arrays: Python numbers take nine times the memory.

    Raises
    ------
    UserError
        It is not JSON, or too large.
    """
    text = decode(path)
    with parsing(lambda why: UserError(f"{path}: not JSON ({why}); get it again")):
        return json.loads(text, object_hook=_packed)


def _packed(utterance: dict[str, Any]) -> dict[str, Any]:
    """An object of a JSON file with the vectors of its ``cls`` as arrays."""
    cls = utterance.get("cls")
    if isinstance(cls, list) and cls:
        with suppress(ValueError):  # what is wrong with it is reported when it is read
            utterance["cls"] = [vector(part) for part in cls] if _several(cls) else vector(cls)
    return utterance


def _several(cls: Any) -> bool:
    """Whether ``cls`` is a list of vectors, not of numbers."""
    return isinstance(cls, list) and len(cls) > 0 and isinstance(cls[0], list | np.ndarray)


def _is_dialogues(content: object) -> bool:
    """Whether it is a list of dialogues: lists of objects with a text and a speaker."""
    return (
        isinstance(content, list)
        and len(content) > 0
        and all(isinstance(dialogue, list) for dialogue in content)
        and all(
            isinstance(utterance, Mapping) and {"text", "speaker"} <= utterance.keys()
            for dialogue in content
            for utterance in dialogue
        )
    )


def _divided(content: object) -> dict[str, list] | None:
    """The lists of a file with all splits; None for any other file."""
    if isinstance(content, Mapping) and {"train", "test"} <= content.keys() <= set(SPLITS):
        return {split: content[split] for split in SPLITS if split in content}
    return None


def _families(folder: Path) -> list[dict[str, Path]]:
    """The sets of files, by split, whose names differ only in the split; dev may be absent."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.endswith(_SUFFIXES) and _TRAIN.search(path.name):
            family = {split: path.with_name(_TRAIN.sub(split, path.name)) for split in SPLITS}
            if family["test"].is_file():
                found.append({split: file for split, file in family.items() if file.is_file()})
    return found


def _files(path: Path) -> dict[str, Path]:
    """The files of the splits: of a folder, or those beside one of them."""
    families = _families(path if path.is_dir() else path.parent)
    if path.is_file():
        families = [family for family in families if path in family.values()]
    if not families:
        raise UserError(
            f"{path}: one list of dialogues, without train and test; put train, dev and test"
            ' in a file each (train.json, ...) or in one object {"train": [...], ...}'
        )
    if len(families) > 1:
        names = ", ".join(family["train"].name for family in families)
        raise UserError(f"{path}: several sets of files ({names}); name one of them as the path")
    return families[0]


def _by_modality(cls: Mapping[str, list]) -> dict[str, dict[str, list]]:
    """The vectors of each modality by dialogue."""
    if not any(_several(value) for values in cls.values() for value in values):
        return {"t": dict(cls)}
    return {
        m: {
            dialogue: [
                value[place] if _several(value) and len(value) == len(_ORDER) else None
                for value in values
            ]
            for dialogue, values in cls.items()
        }
        for place, m in enumerate(_ORDER)
    }
