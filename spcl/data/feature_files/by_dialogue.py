"""Feature files that store each field by dialogue, as nearly all publicly circulated ones do.

The reader of a format says which part of its file is which field. Names, order, speakers, classes
and missing values are the same for all formats and are handled here.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from spcl.data.emotions.classes import Class, emotions, known_corpus
from spcl.data.emotions.labels import IEMOCAP_4, label_order
from spcl.data.emotions.sentiment import LABELS, asked_classes, sentiment_classes
from spcl.data.feature_files.fields import Fields
from spcl.data.feature_files.values import (
    NoVectorError,
    class_of,
    is_score,
    lists_ids,
    naturally_sorted,
    score,
    size,
    speaker,
    text,
    vector,
)
from spcl.data.problems import Defect
from spcl.data.records import Choices, Reading, Utterance
from spcl.errors import UserError
from spcl.tables.schemas import MODALITIES, SPLITS

UNKNOWN_SPEAKER = "unknown"


def read_by_dialogue(
    path: Path,
    fields: Mapping[str, Any],
    choices: Choices,
    *,
    corpora: Collection[str] = ("iemocap", "meld"),
    four_of_iemocap: bool = False,
) -> Reading:
    """Read a corpus from its fields.

    An utterance is named ``<dialogue>_utt<position>`` where the file has no utterance ids that are
    unique in it; a dialogue whose id is a number n is named ``dia<n>``.

    Parameters
    ----------
    path
        The file, or the folder of the files.
    fields
        By name; each is a dict by dialogue with one value for each of the N_i utterances of a
        dialogue, except for the splits. Other names are ignored.

        ``train``, ``dev``, ``test``
            The ids of the split's dialogues. A set has no order and is sorted; the order of a list
            is the order of the corpus. A split may be absent.
        ``speakers``, ``classes``
            Required. The classes may be sentiment scores, if some are negative and not -1.
        ``texts``
            Transcripts; may be absent.
        ``utterance_ids``
            May be absent. A value that is itself a dict by utterance is ordered by these ids, or
            else by the order of the classes.
        ``t``, ``a``, ``v``
            Vectors of a modality. Where there are several fields (``t1``, ``t2``, ...), the layer
            of `choices` is taken, or their mean.
    choices
        What the config chooses.
    corpora
        The known corpora that this format can contain.
    four_of_iemocap
        Whether the numbers 0 to 3 are four classes of IEMOCAP if the dialogues have its names.

    Raises
    ------
    UserError
        A dialogue is in two splits; no dialogue can be used; the vectors of a modality differ in
        width; it is unknown what the numbers of the classes mean; there are sentiment scores, and
        the config does not choose their classes.
    """
    file = Fields(path, fields)
    ids = {split: fields[split] for split in SPLITS if lists_ids(fields.get(split))}
    division = _division(file, ids)
    speakers: dict[str, list[str | None]] = {}
    classes: dict[str, list[Class | None]] = {}
    scores = any(is_score(one) for name in division for one in file.values(file.classes, name))
    n_classes = asked_classes(choices.classes, path) if scores else None
    for dialogue in division:
        spoken = [speaker(value) for value in file.values(file.speakers, dialogue)]
        labelled = _classes(file, dialogue, n_classes)
        if fault := _fault(file, dialogue, labelled, spoken):
            kind, reason = fault
            file.note(kind, f"dialogue {dialogue}: {reason}; left out")
        else:
            speakers[dialogue], classes[dialogue] = spoken, labelled
    if not classes:
        first = f" ({file.problems[0].reason})" if file.problems else ""
        raise UserError(f"{path}: no dialogue can be used{first}; get the file again")
    found = Counter(c for labelled in classes.values() for c in labelled if c is not None)
    voices = {s for spoken in speakers.values() for s in spoken if s is not None}
    known = None if n_classes else known_corpus(classes, voices, found)
    known = known if known in corpora else None
    asked = choices.labels
    if n_classes:
        asked = label_order(LABELS[n_classes], asked)
    elif four_of_iemocap and known == "iemocap" and _are_four(found):
        asked = asked or IEMOCAP_4
    order, meaning = emotions(found, known, asked, path)
    names = _utterance_ids(
        file, {dialogue: len(labelled) for dialogue, labelled in classes.items()}
    )
    utterances = []
    for dialogue, ids_ in names.items():
        texts = _texts(file, dialogue, ids_)
        rows = zip(ids_, speakers[dialogue], texts, classes[dialogue], strict=True)
        for name, voice, words, class_ in rows:
            if voice is None:
                file.note("speaker", f"no speaker; taken as '{UNKNOWN_SPEAKER}'", [name])
            utterances.append(
                Utterance(
                    dialogue_id=_dialogue_id(dialogue),
                    utterance_id=name,
                    speaker=voice or UNKNOWN_SPEAKER,
                    text=words,
                    emotion=None if class_ is None else meaning[class_],
                    split=division[dialogue],
                )
            )
    spelt = {name: count for name, count in found.items() if isinstance(name, str)}
    features = _features(file, names, choices.layer)
    return Reading(
        utterances,
        order,
        file.problems,
        features,
        known,
        names={} if n_classes else spelt,
        classes=n_classes,
        layers={m: len(layers) for m, layers in file.vectors.items() if len(layers) > 1},
    )


def _division(file: Fields, ids: Mapping[str, Collection]) -> dict[str, str]:
    """Dialogue -> split, in the order of the corpus."""
    listed: dict[str, dict[str, None]] = {}
    for split, values in ids.items():
        named = [file.dialogue_id(value) for value in values]
        listed[split] = dict.fromkeys(naturally_sorted(named) if isinstance(values, Set) else named)
    for one, other in combinations(listed, 2):
        both = [dialogue for dialogue in listed[one] if dialogue in listed[other]]
        if both:
            raise UserError(
                f"{file.path}: {len(both)} dialogues are listed for {one} and for {other},"
                f" first {both[0]}; remove them from one of the lists"
            )
    division = {dialogue: split for split, named in listed.items() for dialogue in named}
    for dialogue in naturally_sorted(file.classes.keys() - division.keys()):
        file.note("left_out", f"dialogue {dialogue}: listed for no split; left out")
    return division


def _fault(file: Fields, dialogue: str, labelled: Sequence, spoken: Sequence) -> Defect | None:
    """Why a dialogue cannot be used at all; None if it can."""
    ids = file.utterance_ids(dialogue)
    if dialogue not in file.classes:
        return "missing", "listed, but not in the file"
    if len(labelled) != len(spoken):
        return "malformed", f"{len(spoken)} speakers for {len(labelled)} labels"
    if ids and len(ids) != len(labelled):
        return "malformed", f"{len(ids)} utterance ids for {len(labelled)} labels"
    if len(set(ids)) < len(ids):
        return "duplicate", "two utterances with the same id"
    return None if labelled else ("empty", "no utterances")


def _classes(file: Fields, dialogue: str, n_classes: int | None) -> list[Class | None]:
    """The classes of a dialogue; of `n_classes` if the file has sentiment scores."""
    values = file.values(file.classes, dialogue)
    try:
        if n_classes is None:
            return [class_of(value) for value in values]
        return list(sentiment_classes([score(value) for value in values], n_classes)[1])
    except ValueError as error:
        what = "the numbers or names of classes" if n_classes is None else "sentiment scores"
        raise UserError(
            f"{file.path}: dialogue {dialogue} has a label {error}; labels are {what}"
        ) from None


def _are_four(classes: Collection[Class]) -> bool:
    """Whether they are numbers from 0 to 3, and the highest occurs."""
    numbers = [c for c in classes if isinstance(c, int)]
    return len(numbers) == len(classes) > 0 and min(numbers) >= 0 and max(numbers) == 3


def _utterance_ids(file: Fields, lengths: Mapping[str, int]) -> dict[str, list[str]]:
    """By dialogue: the ids of the file if they are complete and unique, else generated ones."""
    own = {dialogue: file.utterance_ids(dialogue) for dialogue in lengths}
    flat = [name for ids in own.values() for name in ids]
    complete = all(len(own[dialogue]) == n for dialogue, n in lengths.items())
    if complete and len(set(flat)) == len(flat) and None not in flat:
        return {dialogue: [str(name) for name in ids] for dialogue, ids in own.items()}
    return {
        dialogue: [f"{_dialogue_id(dialogue)}_utt{place}" for place in range(n)]
        for dialogue, n in lengths.items()
    }


def _texts(file: Fields, dialogue: str, names: Sequence[str]) -> list[str]:
    found = file.values(file.texts, dialogue)
    if len(found) != len(names):
        if file.texts:
            reason = f"{len(found)} sentences for {len(names)} utterances"
            file.note("malformed", reason, names, "t")
        return [""] * len(names)
    texts = []
    for value in found:
        texts.append(text(value))
        file.count(len(texts[-1]))
    return texts


def _features(
    file: Fields, names: Mapping[str, Sequence[str]], layer: int | None
) -> dict[str, np.ndarray]:
    """By modality (N, D) float32, a row of NaN where there is no vector.

    A modality that lacks the `layer` is left out, except if it has a single field.
    """
    features = {}
    for m, layers in file.vectors.items():
        fields = layers if layer is None or len(layers) == 1 else layers[layer - 1 : layer]
        matrices = (_matrix(file, m, field, names) for field in fields)
        if (mean := _mean(file, m, matrices, len(fields))) is not None:
            features[m] = mean
    return features


def _mean(file: Fields, m: str, matrices: Iterable[np.ndarray | None], n: int) -> np.ndarray | None:
    """The mean of `n` matrices, of which two are in memory at a time; None if any is absent."""
    total: np.ndarray | None = None
    for matrix in matrices:
        if matrix is None:
            return None
        if total is not None and total.shape != matrix.shape:
            raise UserError(
                f"{file.path}: the layers of the {MODALITIES[m]} vectors have the widths"
                f" {total.shape[1]} and {matrix.shape[1]}; extract them all in one way"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            total = matrix if total is None else np.add(total, matrix, out=total)
    return total if total is None or n == 1 else total / np.float32(n)


def _matrix(
    file: Fields, m: str, field: Mapping[str, Any], names: Mapping[str, Sequence[str]]
) -> np.ndarray | None:
    """One field of vectors as (N, D); None if it has no vector."""
    found: list[np.ndarray | None] = []
    first: dict[int, str] = {}
    for dialogue, ids in names.items():
        values = file.values(field, dialogue)
        if len(values) != len(ids):
            n = len(ids)
            reason = f"{len(values)} {MODALITIES[m]} vectors for {n} utterances of {dialogue}"
            file.note("malformed", reason, ids, m)
            found += [None] * n
            continue
        for name, value in zip(ids, values, strict=True):
            file.count(size(value))
            try:
                row = vector(value)
            except ValueError as error:
                kind = "missing" if isinstance(error, NoVectorError) else "malformed"
                file.note(kind, str(error), [name], m)
                found.append(None)
                continue
            first.setdefault(len(row), dialogue)
            file.count(len(row))
            found.append(row)
    if len(first) > 1:
        widths = ", ".join(f"{width} (dialogue {first[width]})" for width in sorted(first))
        raise UserError(
            f"{file.path}: {MODALITIES[m]} vectors of different widths: {widths};"
            " extract them all in one way"
        )
    if not first:
        return None
    gap = np.full(next(iter(first)), np.nan, np.float32)
    return np.stack([gap if row is None else row for row in found])


def _dialogue_id(name: str) -> str:
    return f"dia{name}" if name.isdecimal() else name
