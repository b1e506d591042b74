"""The dicts of MMSA (Mao et al., ACL 2022, demonstrations): MOSI, MOSEI, SIMS and SIMSv2.

A file has a dict for each of ``train``, ``valid`` and ``test``, whose fields have one value for
each of the n clips of the split::

    id                             "<video>$_$<clip>"
    raw_text                       transcripts
    text, audio, vision            (n, steps, width), padded; or (n, width)
    audio_lengths, ...             steps before the padding, where not aligned
    text_bert                      (n, 3, steps): of its rows, the second is the mask of the text
    annotations                    names of classes: Negative, Neutral, Positive
    classification_labels          numbers of classes
    regression_labels              sentiment scores: -3..3, of SIMS -1..1

The clips of a video, in the order of their numbers, are a dialogue.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from spcl.data.emotions.classes import emotions
from spcl.data.feature_files.by_dialogue import UNKNOWN_SPEAKER
from spcl.data.feature_files.clips import BETWEEN, classes_of_scores, dialogues_of, in_dialogues
from spcl.data.feature_files.sequences import Pooled, joined, pooled, problems_of
from spcl.data.feature_files.values import class_of, identifier, rows, text
from spcl.data.problems import Problem
from spcl.data.records import Choices, Reading, Utterance
from spcl.errors import UserError
from spcl.tables.schemas import SPLITS

TITLE = "a pickled dict with train, valid, test and in each id, text, audio, vision, as MMSA uses"
REMEDY = "put the pickle there (see https://github.com/thuiar/MMSA for where it is)"

_SPLITS = {"train": "train", "valid": "dev", "val": "dev", "dev": "dev", "test": "test"}
_MODALITIES = {"t": "text", "a": "audio", "v": "vision"}
_PUBLISHED = {
    "CMU-MOSI": (1284, 229, 686),
    "CMU-MOSEI": (16326, 1871, 4659),
    "CH-SIMS": (1368, 456, 457),
}
"""Clips in train, dev and test: W. Yu et al., Learning modality-specific representations with
self-supervised multi-task learning, AAAI 2021, table of the datasets."""
_BY_MODALITY = tuple(f"regression_labels_{letter}" for letter in "TAV")


def fits(path: Path, content: object) -> bool:
    """Whether it is a dict of splits with these fields."""
    parts = _parts(content)
    return {"train", "test"} <= parts.keys() and all(
        "id" in part and not part.keys().isdisjoint(_MODALITIES.values()) for part in parts.values()
    )


def read(path: Path, content: object, choices: Choices) -> Reading:
    """Read the corpus. Dialogues have the order of their first clips in the file.

    Raises
    ------
    UserError
        It is not decided which labels are the classes; a field has not one value for each clip, or
        no numbers.
    """
    parts = _parts(content)
    problems: list[Problem] = []

    def note(kind: str, reason: str, modality: str | None = None) -> None:
        problems.append(Problem(path.name, None, modality, kind, reason))

    ids = {split: _ids(part["id"], split, path) for split, part in parts.items()}
    clips = [(clip, split) for split, found in ids.items() for clip in found]
    labels, of_clips = _labels(parts, ids, choices, path)
    texts = _column(parts, ids, "raw_text", path) or [""] * len(clips)
    if beside := _published(Counter(split for _, split in clips)):
        note("note", beside)
    names, splits = [clip for clip, _ in clips], [split for _, split in clips]
    dialogues, divided = dialogues_of(names, splits)
    if divided:
        note("note", divided)
    order = in_dialogues(names, dialogues)
    without = sum(BETWEEN not in clip for clip, _ in clips)
    if without:
        note("note", f"{without} ids are not <video>{BETWEEN}<clip>: each is a dialogue")
    if ignored := [name for name in _BY_MODALITY if any(name in part for part in parts.values())]:
        note("left_out", f"{', '.join(ignored)}: labels of single modalities are not used")
    note("speaker", f"the format has no speakers; each dialogue has one, '{UNKNOWN_SPEAKER}'")
    utterances = [
        Utterance(
            dialogue_id=dialogues[row],
            utterance_id=names[row],
            speaker=UNKNOWN_SPEAKER,
            text=text(texts[row]),
            emotion=of_clips[row],
            split=splits[row],
        )
        for row in order
    ]
    features, in_time = {}, set()
    for m, name in _MODALITIES.items():
        if not all(name in part for part in parts.values()):
            if any(name in part for part in parts.values()):
                note("left_out", f"{name} is not in every split; not used", m)
            continue
        found = joined(
            [
                _pooled(part, name, len(ids[split]), choices.pooling, path, f"{split}.{name}")
                for split, part in parts.items()
            ],
            path,
            name,
        )
        if m == "t":
            found.n_behind = 0  # BERT has vectors behind the mask too
        problems += problems_of(found, names, m, choices.pooling, path.name)
        features[m] = found.values[order]
        in_time |= {m} if found.rule else set()
    spelt = Counter(label for label in of_clips if label is not None and choices.classes is None)
    return Reading(
        utterances,
        labels,
        problems,
        features,
        names=spelt,
        classes=choices.classes,
        pooled=frozenset(in_time),
    )


def _published(sizes: Mapping[str, int]) -> str | None:
    """The numbers of clips beside those of the published corpus of about that size."""
    for corpus, published in _PUBLISHED.items():
        if abs(sum(sizes.values()) - sum(published)) <= sum(published) / 10:
            found = ", ".join(f"{sizes[split]:,}" for split in SPLITS)
            known = ", ".join(f"{n:,}" for n in published)
            return (
                f"{found} clips in {', '.join(SPLITS)}; published for {corpus} are {known}"
                " (Yu et al., AAAI 2021)"
            )
    return None


def _parts(content: object) -> dict[str, Mapping[str, Any]]:
    """The dicts of the splits in the order train, dev, test; empty if it has another form."""
    if not isinstance(content, Mapping):
        return {}
    parts = {
        split: content[name]
        for name, split in _SPLITS.items()
        if isinstance(content.get(name), Mapping)
    }
    return cast(dict[str, Mapping[str, Any]], parts)


def _ids(value: object, split: str, path: Path) -> list[str]:
    ids = [identifier(one) for one in rows(value)]
    if not ids or not all(ids):
        what = "is empty" if not ids else "has a value that is neither text nor a whole number"
        raise UserError(f"{path}: {split}.id {what}; write one '<video>{BETWEEN}<clip>' a clip")
    return cast(list[str], ids)


def _column(
    parts: Mapping[str, Mapping[str, Any]], ids: Mapping[str, Sequence[str]], name: str, path: Path
) -> list[Any] | None:
    """The values of a field for all clips; None if a split lacks it."""
    if not all(part.get(name) is not None for part in parts.values()):
        return None
    values: list[Any] = []
    for split, part in parts.items():
        found = rows(part[name])
        if len(found) != len(ids[split]):
            raise UserError(
                f"{path}: {split}.{name} has {len(found)} values for {len(ids[split])} clips; write"
                " one for each"
            )
        values += found
    return values


def _labels(
    parts: Mapping[str, Mapping[str, Any]],
    ids: Mapping[str, Sequence[str]],
    choices: Choices,
    path: Path,
) -> tuple[tuple[str, ...], list[str | None]]:
    """The labels in order, and the label of each clip."""
    if choices.classes is not None:
        scores = _scores(_column(parts, ids, "regression_labels", path), path)
        return classes_of_scores(scores, choices, path)
    for name in ("annotations", "classification_labels"):
        values = _column(parts, ids, name, path)
        if values is None:
            continue
        try:
            classes = [class_of(value) for value in values]
        except ValueError as error:
            raise UserError(
                f"{path}: {name} has a label {error}; labels are numbers or names of classes"
            ) from None
        found = {class_ for class_ in classes if class_ is not None}
        labels, meaning = emotions(found, None, choices.labels, path)
        return labels, [None if class_ is None else meaning[class_] for class_ in classes]
    return classes_of_scores(
        _scores(_column(parts, ids, "regression_labels", path), path), choices, path
    )


def _scores(values: Sequence[Any] | None, path: Path) -> list[float | None]:
    if values is None:
        raise UserError(
            f"{path}: has no regression_labels in every split; remove datasets.<name>.classes"
        )
    scores: list[float | None] = []
    for value in values:
        one = value.reshape(-1)[0] if isinstance(value, np.ndarray) and value.size == 1 else value
        if one is not None and not isinstance(one, int | float | np.number):
            kind = type(one).__name__
            raise UserError(f"{path}: regression_labels has a {kind}; write numbers")
        score = None if one is None else float(one)
        scores.append(score if score is not None and np.isfinite(score) else None)
    return scores


def _pooled(
    part: Mapping[str, Any], name: str, n: int, pooling: str, path: Path, what: str
) -> Pooled:
    """One modality of one split."""
    value = part[name]
    sized = isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim)
    if sized and len(value) != n:
        raise UserError(f"{path}: {what} has {len(value)} rows for {n} clips; write one a clip")
    return pooled(value, _lengths(part, name, n, path, what), pooling, path, what)


def _lengths(
    part: Mapping[str, Any], name: str, n: int, path: Path, what: str
) -> np.ndarray | None:
    """The steps before the padding; None if the file does not say."""
    value = part.get(f"{name}_lengths")
    if value is not None:
        lengths = _whole_numbers(value)
        if lengths is None or len(lengths) != n:
            raise UserError(
                f"{path}: {what}_lengths is not {n} whole numbers; correct or remove it"
            )
        return lengths
    mask = part.get("text_bert") if name == "text" else None
    if not isinstance(mask, np.ndarray) or mask.dtype.kind not in "fiub" or mask.ndim != 3:
        return None
    steps = getattr(part[name], "shape", ())[1:2]
    if mask.shape != (n, 3, *steps):
        return None
    return (mask[:, 1] > 0).sum(1)


def _whole_numbers(value: object) -> np.ndarray | None:
    """Lengths as an array; None if it is not a list of whole numbers."""
    found = rows(value)
    if not all(isinstance(one, int | float | np.number) for one in found):
        return None
    lengths = np.array(found, np.float64)
    whole = np.isfinite(lengths) & (lengths == np.floor(lengths)) & (lengths >= 0)
    return np.minimum(lengths, 2**31).astype(np.int64) if whole.all() else None
