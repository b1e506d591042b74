"""A folder as MERBench (Lian et al., 2024) uses: ``.npy`` files beside a file of labels.

::

    label-6way.npz         train_corpus, val_corpus, test_corpus: clip -> {"emo": ..., "val": ...}
    features/audio-.../    <clip>.npy, (width,) or (steps, width)
    features/text-.../
    features/visual-.../

The labels can also be a table, ``label*.csv``: ``name``; ``emo``, ``emotion`` or ``label``;
optional ``val``, a sentiment score, and ``split``. A folder of features has the name of its
modality, or begins with it: ``audio`` or ``a``, ``text`` or ``t``, ``visual``, ``vision``,
``video`` or ``v``. MERBench names folders by the model alone.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spcl.data.emotions.classes import emotions
from spcl.data.feature_files.by_dialogue import UNKNOWN_SPEAKER
from spcl.data.feature_files.clips import classes_of_scores, dialogues_of, in_dialogues
from spcl.data.feature_files.sequences import Pooled, joined, pool_padded, pooled, problems_of
from spcl.data.feature_files.values import class_of, identifier
from spcl.data.files.csv_files import read_csv
from spcl.data.files.disk import entries
from spcl.data.files.parsing import read_npy, refuse_size
from spcl.data.pickles.npz import read_objects
from spcl.data.problems import Problem
from spcl.data.records import Choices, Reading, Utterance
from spcl.errors import UserError, listed
from spcl.tables.schemas import MODALITIES

TITLE = "a folder of .npy files, one a clip, beside label*.npz or label*.csv, as MERBench uses"
REMEDY = "put the folder there (see https://github.com/zeroQiaoba/MERTools for where it is)"

_MODALITY = re.compile(r"(audio|a|text|t|visual|vision|video|v)(?![a-z0-9])", re.IGNORECASE)
_CORPUS = re.compile(r"(train|valid|val|dev|test1?)_corpus")
_SPLITS = {"train": "train", "valid": "dev", "val": "dev", "dev": "dev", "test": "test"}
_CLASSES = ("emo", "emotion", "label")
_LOWEST_SCORE = -5.0
"""MERBench writes -10 where there is no score."""


@dataclass(frozen=True)
class _Clip:
    name: str
    split: str | None
    emotion: object
    score: object


def fits(path: Path, content: object) -> bool:
    """Whether it is a folder with labels and folders of arrays."""
    return path.is_dir() and len(_label_files(path)) > 0 and len(_folders(path)) > 0


def read(path: Path, content: object, choices: Choices) -> Reading:
    """Read the corpus.

    Raises
    ------
    UserError
        There are several files of labels, or none of their labels can be used; the modality of a
        folder is unknown, or two folders have the same; the arrays of a modality differ in width.
    """
    files = _label_files(path)
    if len(files) > 1:
        several = listed(file.name for file in files)
        raise UserError(f"{path}: several files of labels ({several}); keep one")
    labels_at = files[0]
    problems: list[Problem] = []
    clips = (_of_npz if labels_at.suffix == ".npz" else _of_csv)(labels_at, problems)
    if not clips:
        raise UserError(f"{labels_at}: lists no clips; get it again")
    named, splits = [clip.name for clip in clips], [clip.split for clip in clips]
    dialogues, divided = dialogues_of(named, splits)
    if divided:
        problems.append(Problem(labels_at.name, None, None, "note", divided))
    order = in_dialogues(named, dialogues)
    clips, dialogues = [clips[row] for row in order], [dialogues[row] for row in order]
    labels, of_clips = _labels(clips, choices, labels_at)
    names = [clip.name for clip in clips]
    features, in_time = {}, set()
    files_of: dict[str | None, str] = {None: labels_at.name}
    for m, folder in _by_modality(path).items():
        files_of[m] = folder.relative_to(path).as_posix()
        found, lost = _read_folder(folder, names, choices.pooling)
        problems += [Problem(files_of[m], names[row], m, *lost[row]) for row in sorted(lost)]
        problems += problems_of(found, names, m, choices.pooling, files_of[m])
        features[m] = found.values
        in_time |= {m} if found.rule else set()
    reason = f"the format has no speakers; each dialogue has one, '{UNKNOWN_SPEAKER}'"
    problems.append(Problem(labels_at.name, None, None, "speaker", reason))
    utterances = [
        Utterance(dialogue, clip.name, UNKNOWN_SPEAKER, "", label, clip.split)
        for dialogue, clip, label in zip(dialogues, clips, of_clips, strict=True)
    ]
    spelt = Counter(label for label in of_clips if label is not None and choices.classes is None)
    return Reading(
        utterances,
        labels,
        problems,
        features,
        names=spelt,
        files=files_of,
        classes=choices.classes,
        pooled=frozenset(in_time),
    )


def _label_files(path: Path) -> list[Path]:
    return [*entries(path, "label*.npz"), *entries(path, "label*.csv")]


def _folders(path: Path) -> list[Path]:
    """The folders with arrays, in the corpus or in its ``features``."""
    inside = [*entries(path), *entries(path / "features")]
    return [folder for folder in inside if folder.is_dir() and entries(folder, "*.npy")]


def _by_modality(path: Path) -> dict[str, Path]:
    """The folder of each modality."""
    found: dict[str, Path] = {}
    for folder in _folders(path):
        prefix = _MODALITY.match(folder.name)
        if prefix is None:
            raise UserError(
                f"{folder}: its name does not say of which modality it is; rename it to"
                f" audio-{folder.name}, text-{folder.name} or visual-{folder.name}"
            )
        m = prefix[0][0].lower()
        if found.setdefault(m, folder) != folder:
            raise UserError(
                f"{folder}: {found[m]} has {MODALITIES[m]} features too; remove one of them"
            )
    return found


def _of_npz(path: Path, problems: list[Problem]) -> list[_Clip]:
    clips = []
    corpora = read_objects(path)
    for key, corpus in corpora.items():
        part = _CORPUS.fullmatch(key)
        doubled = key == "test1_corpus" and "test_corpus" in corpora
        if part is None or doubled or not isinstance(corpus, Mapping):
            reason = f"{key} is not the train, val or test corpus; left out"
            problems.append(Problem(path.name, None, None, "left_out", reason))
            continue
        split = _SPLITS[part[1].removesuffix("1")]
        for name, labels in corpus.items():
            known = labels if isinstance(labels, Mapping) else {"emo": labels}
            clips.append(_Clip(_name(name, path), split, known.get("emo"), known.get("val")))
    return clips


def _of_csv(path: Path, problems: list[Problem]) -> list[_Clip]:
    columns = read_csv(path)
    if "name" not in columns:
        raise UserError(f"{path}: no column 'name' of the clips; add it")
    n = len(columns["name"])
    nothing = [""] * n
    emotion = next((columns[name] for name in _CLASSES if name in columns), nothing)
    rows = zip(
        columns["name"], columns.get("split", nothing), emotion, columns.get("val", nothing),
        strict=True,
    )  # fmt: skip
    return [
        _Clip(_name(name, path), _SPLITS.get(split.strip().lower()), label, score)
        for name, split, label, score in rows
    ]


def _name(value: object, path: Path) -> str:
    name = identifier(value)
    if not name:
        raise UserError(f"{path}: a clip has no name; give each one the name of its .npy files")
    return name


def _labels(
    clips: Sequence[_Clip], choices: Choices, path: Path
) -> tuple[tuple[str, ...], list[str | None]]:
    """The labels in order, and the label of each clip."""
    if choices.classes is not None:
        scores = [_score(clip.score, path) for clip in clips]
        return classes_of_scores(scores, choices, path)
    try:
        classes = [class_of(_number(clip.emotion)) for clip in clips]
    except ValueError as error:
        raise UserError(f"{path}: a label {error}; write numbers or names of classes") from None
    found = {class_ for class_ in classes if class_ is not None}
    labels, meaning = emotions(found, None, choices.labels, path)
    return labels, [None if class_ is None else meaning[class_] for class_ in classes]


def _number(value: object) -> object:
    """A cell with a whole number as the number."""
    whole = isinstance(value, str) and re.fullmatch(r"\s*-?\d{1,9}\s*", value)
    return int(str(value)) if whole else value


def _score(value: Any, path: Path) -> float | None:
    """A sentiment score; None where there is none."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        score = float(value)
    except (TypeError, ValueError, OverflowError):
        raise UserError(f"{path}: a val is not a number; write the sentiment score") from None
    return score if np.isfinite(score) and score > _LOWEST_SCORE else None


def _read_folder(
    folder: Path, clips: Sequence[str], pooling: str
) -> tuple[Pooled, dict[int, tuple[str, str]]]:
    """The vectors of a modality, and what is wrong with the files of single clips."""
    files = {file.stem: file for file in entries(folder, "*.npy")}
    parts: dict[int, Pooled] = {}
    lost: dict[int, tuple[str, str]] = {}
    for row, clip in enumerate(clips):
        if clip not in files:
            lost[row] = ("missing", f"no {clip}.npy")
            continue
        try:
            parts[row] = _pooled(files[clip], pooling)
        except UserError as error:
            lost[row] = ("malformed", str(error))
    if not parts:
        first = next(iter(lost.values()))[1]
        raise UserError(f"{folder}: has no usable array of a clip ({first}); get it again")
    width = next(iter(parts.values())).values.shape[1]
    gap = np.full((1, width), np.nan, np.float32)
    none = np.zeros(1, bool)
    whole = [parts.get(row) or Pooled(gap, "", none, none) for row in range(len(clips))]
    return joined(whole, folder, "the folder"), lost


def _pooled(file: Path, pooling: str) -> Pooled:
    """The vector of one clip."""
    array = read_npy(file)
    refuse_size(file, array.nbytes)
    if array.ndim not in (1, 2) or array.dtype.kind not in "fiub" or array.shape[-1] == 0:
        found = f"{array.dtype} of shape {array.shape}"
        raise UserError(f"{file}: has {found}; store numbers (width,) or (steps, width)")
    if array.ndim == 1:
        return pooled(array[None], None, pooling, file, "it")
    return pool_padded(array[None], np.array([len(array)]), pooling)
