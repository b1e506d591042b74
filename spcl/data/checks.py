"""Checks of a corpus in any format.

A defect of single rows costs those rows and is recorded as a problem; a defect that would make the
results wrong, such as a dialogue in two splits, is an error.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from spcl.data.emotions.class_names import check_class_names, spellings_taken
from spcl.data.emotions.labels import IEMOCAP_4, KNOWN
from spcl.data.legible import check_names, legible
from spcl.data.problems import Problem
from spcl.data.records import Features, Reading, Utterance
from spcl.data.speakers import named_by_session
from spcl.data.splits import CUTTING_DEV, sessions
from spcl.errors import UserError
from spcl.tables.schemas import MODALITIES, SPLITS


def checked(reading: Reading, path: Path, *, asked: Sequence[str] | None = None) -> Reading:
    """Return the reading with each utterance once and the rows of each dialogue together.

    Parameters
    ----------
    reading
        From the reader of a format.
    path
        The corpus, for the messages.
    asked
        The label order of the config, None if it has none.

    Returns
    -------
    Reading
        With a problem for each row that was left out and each dialogue whose rows were moved.
        Speakers are named as `spcl.data.speakers.named_by_session` does.

    Raises
    ------
    UserError
        There are no utterances or fewer than two labels; it is undecided to which class a name
        belongs; the labels of a known corpus have another order than the published one, and the
        config has none; a name or path has unprintable characters; a dialogue is in two splits; a
        feature matrix has not one row for each utterance.
    """
    if not reading.utterances:
        first = f" ({reading.problems[0].reason})" if reading.problems else ""
        raise UserError(f"{path}: no utterance could be read{first}; fix the corpus")
    file = _file(reading, path)
    check_class_names(reading, asked, path / file if path.is_dir() else path)
    _check_labels(reading, path, asked)
    check_names(reading, path)
    _check_features(reading, path)
    problems = [Problem(file, None, None, "label", note) for note in spellings_taken(reading)]
    rows = _together(reading.utterances, _once(reading.utterances, problems, file), problems, file)
    utterances = [reading.utterances[row] for row in rows]
    utterances = [_labelled(utterance, reading, problems, file) for utterance in utterances]
    utterances = [legible(utterance, problems, file) for utterance in utterances]
    utterances = [_with_own_name(utterance) for utterance in utterances]
    _note_missing_speakers(utterances, problems, file)
    _check_one_split(utterances, path)
    return replace(
        reading,
        utterances=utterances,
        problems=[*reading.problems, *problems],
        features={m: matrix[rows] for m, matrix in reading.features.items()},
    )


def usable(reading: Reading, path: Path) -> tuple[dict[str, Features], list[Problem]]:
    """The finite features of a corpus, and a problem for each row that has none.

    Rows for which the reader has recorded a problem get no second one. An utterance without any
    modality stays in its dialogue, unobserved, and is recorded as a problem too.
    """
    noted = {(problem.utterance_id, problem.modality) for problem in reading.problems}
    problems: list[Problem] = []
    features: dict[str, Features] = {}
    for m, matrix in reading.features.items():
        with np.errstate(over="ignore"):  # too large for float32 becomes infinite, checked below
            values = np.asarray(matrix, np.float32)
        finite = np.isfinite(values)
        observed: np.ndarray = np.asarray(finite.all(1))
        features[m] = Features(np.where(observed[:, None], values, np.float32(0)), observed)
        for row in np.flatnonzero(~observed):
            name = reading.utterances[row].utterance_id
            if (name, m) not in noted:
                defect = ("not_finite", "the features are NaN or infinite")
                if np.isnan(values[row]).all():
                    defect = ("missing", "no features")
                problems.append(Problem(_file(reading, path, m), name, m, *defect))
    file = _file(reading, path)
    brought = [part.observed for part in features.values()]
    seen = np.any(brought, axis=0) if brought else np.zeros(len(reading.utterances), bool)
    for utterance, has_features in zip(reading.utterances, seen, strict=True):
        if not (has_features or utterance.text or utterance.audio_path or utterance.video_path):
            reason = "no text, audio, video or features: kept in its dialogue, unobserved"
            problems.append(Problem(file, utterance.utterance_id, None, "missing", reason))
    return features, problems


def constant_columns(features: Features) -> int:
    """How many of the D columns have the same value in all observed rows."""
    values = features.values[features.observed]
    return int((values == values[:1]).all(0).sum()) if len(values) else 0


def check_splits(
    utterances: Sequence[Utterance],
    splits: Mapping[str, str],
    *,
    protocol: str,
    by_session: Mapping[str, str],
    dataset: str,
) -> None:
    """Refuse splits on which nothing can be learned or measured.

    Raises
    ------
    UserError
        A split has no dialogue or no labelled utterance; all labelled training utterances have one
        class. The message names protocols that can be used instead.
    """
    key = f"datasets.{dataset}.protocol"
    labels = {split: Counter[str]() for split in SPLITS}
    for utterance in utterances:
        if utterance.emotion is not None:
            labels[splits[utterance.dialogue_id]][utterance.emotion] += 1
    size = Counter(splits.values())
    sizes = ", ".join(f"{split} {size[split]}" for split in SPLITS)
    for split in SPLITS:
        if labels[split] or (split == "dev" and protocol == "best-test-epoch"):
            continue
        what = "labelled utterances" if size[split] else "dialogues"
        raise UserError(
            f"{key}: '{protocol}' leaves no {what} for {split} (dialogues: {sizes});"
            f" {_remedy(split, size, by_session)}"
        )
    if len(labels["train"]) == 1:
        raise UserError(
            f"{key}: every labelled training utterance is '{next(iter(labels['train']))}', there is"
            " nothing to distinguish; complete the corpus or its labels"
        )


def _remedy(split: str, size: Mapping[str, int], by_session: Mapping[str, str]) -> str:
    if split == "dev" and not size["dev"]:
        return f"choose one that takes dev from train: {', '.join(CUTTING_DEV)}"
    if split == "test" and by_session:
        have = ", ".join(sessions(by_session))
        return (
            f"the corpus has session {have}: complete it, or write protocol: leave-one-session-out"
            " with some of these as sessions"
        )
    return f"complete the corpus, or mark some dialogues as {split} in its files"


def _check_labels(reading: Reading, path: Path, asked: Sequence[str] | None) -> None:
    labels = reading.labels
    if not labels:
        raise UserError(
            f"{path}: no utterance has an emotion, and training and scores need two or more; fill"
            " in the emotions of the utterances"
        )
    if len(labels) == 1:
        raise UserError(
            f"{path}: '{labels[0]}' is the only emotion, and training and scores need two or more;"
            " complete the emotions of the utterances, or name all of them under datasets with"
            " labels: [...]"
        )
    if len(set(labels)) < len(labels):
        raise UserError(
            f"{path}: an emotion is twice among [{', '.join(labels)}]; name each once under"
            " datasets with labels: [...]"
        )
    known = KNOWN.get(reading.known_as or "", tuple(labels))
    of_four = reading.known_as == "iemocap" and tuple(labels) == IEMOCAP_4
    if tuple(labels) != known and not of_four and asked is None:
        raise UserError(
            f"{path}: its label order [{', '.join(labels)}] is not that of {reading.known_as};"
            f" write the correct order, for example labels: [{', '.join(known)}]"
        )


def _check_features(reading: Reading, path: Path) -> None:
    n = len(reading.utterances)
    for m, matrix in reading.features.items():
        if matrix.ndim != 2 or matrix.shape[0] != n or matrix.shape[1] == 0:
            raise UserError(
                f"{path}: the {MODALITIES[m]} features have shape {matrix.shape}, not"
                f" ({n}, D): a row for each utterance; fix or remove them"
            )


def _with_own_name(utterance: Utterance) -> Utterance:
    name = named_by_session(utterance.speaker, utterance.dialogue_id)
    return replace(utterance, speaker=name)


def _check_one_split(utterances: Sequence[Utterance], path: Path) -> None:
    splits: dict[str, set[str]] = {}
    for utterance in utterances:
        if utterance.split is not None:
            splits.setdefault(utterance.dialogue_id, set()).add(utterance.split)
    divided = {name: found for name, found in splits.items() if len(found) > 1}
    for name, found in divided.items():
        raise UserError(
            f"{path}: {len(divided)} dialogues are in more than one split, first {name}"
            f" ({', '.join(sorted(found))}); if their numbers restart in every split, put its name"
            f" before them: {min(found)}_{name}"
        )


def _once(utterances: Sequence[Utterance], problems: list[Problem], file: str) -> list[int]:
    """The first row of each utterance."""
    rows: dict[str, int] = {}
    for row, utterance in enumerate(utterances):
        name = utterance.utterance_id
        if rows.setdefault(name, row) != row:
            reason = "the utterance occurs twice; the first is kept"
            problems.append(Problem(file, name, None, "duplicate", reason))
    return list(rows.values())


def _together(
    utterances: Sequence[Utterance], rows: list[int], problems: list[Problem], file: str
) -> list[int]:
    """The `rows` with those of each dialogue together, at the position of its first row."""
    place: dict[str, int] = {}
    divided: dict[str, None] = {}
    before = None
    for row in rows:
        name = utterances[row].dialogue_id
        if name in place and name != before:
            divided[name] = None
        place.setdefault(name, len(place))
        before = name
    for name in divided:
        reason = f"the rows of dialogue {name} were not contiguous; moved together"
        problems.append(Problem(file, None, None, "order", reason))
    return sorted(rows, key=lambda row: place[utterances[row].dialogue_id])


def _labelled(
    utterance: Utterance, reading: Reading, problems: list[Problem], file: str
) -> Utterance:
    """The utterance, unlabelled if its emotion is not one of the labels."""
    if utterance.emotion is None or utterance.emotion in reading.labels:
        return utterance
    reason = f"unknown emotion '{utterance.emotion}'; kept as unlabelled"
    problems.append(Problem(file, utterance.utterance_id, None, "label", reason))
    return replace(utterance, emotion=None)


def _note_missing_speakers(
    utterances: Sequence[Utterance], problems: list[Problem], file: str
) -> None:
    missing = [utterance.utterance_id for utterance in utterances if not utterance.speaker]
    if missing:
        reason = (
            f"{len(missing)} utterances have no speaker, first {missing[0]}; treated as one speaker"
        )
        problems.append(Problem(file, None, None, "speaker", reason))


def _file(reading: Reading, path: Path, modality: str | None = None) -> str:
    """The file that a problem of single rows belongs to, empty if that is unknown."""
    return reading.files.get(modality) or (path.name if path.is_file() else "")
