"""What the reader of a format hands over: utterances, features if there are any, and problems."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from spcl.errors import printable
from spcl.tables.schemas import PROBLEMS


@dataclass(frozen=True)
class Utterance:
    """One utterance of a raw corpus, as annotated.

    Attributes
    ----------
    dialogue_id, utterance_id
        Unique in the corpus.
    speaker
        As annotated.
    text
        The transcript, may be empty.
    emotion
        One of the corpus' labels, None where it has none.
    split
        ``train``, ``dev`` or ``test`` by the corpus' own division, None where it has none; see
        `spcl.data.splits`.
    start_s, end_s
        In the recording, seconds; None where unknown.
    audio_path, video_path
        Relative to the corpus folder, the video perhaps with a fragment
        (`spcl.data.media.MediaReference`); None where there is no usable file.
    """

    dialogue_id: str
    utterance_id: str
    speaker: str
    text: str
    emotion: str | None
    split: str | None
    start_s: float | None = None
    end_s: float | None = None
    audio_path: str | None = None
    video_path: str | None = None


@dataclass(frozen=True)
class Problem:
    """A defect of the corpus that cost a row or a part of one, not the run.

    Attributes
    ----------
    file
        The file at fault, relative to the corpus folder.
    utterance_id
        None where it belongs to no utterance.
    modality
        ``a``, ``t`` or ``v``; None where all are concerned.
    reason
        In words.
    """

    file: str
    utterance_id: str | None
    modality: str | None
    reason: str

    def __post_init__(self) -> None:
        for name in ("file", "reason"):  # both may hold what no table or terminal can show
            object.__setattr__(self, name, printable(getattr(self, name)))


@dataclass(frozen=True)
class Features:
    """What a corpus brings of one modality.

    Attributes
    ----------
    values
        (N, D) float32, finite, 0 where not observed.
    observed
        (N,) bool.
    """

    values: np.ndarray
    observed: np.ndarray


@dataclass(frozen=True)
class Reading:
    """A corpus as its files have it, before any protocol divides it.

    Attributes
    ----------
    utterances
        N of them, in dialogue order.
    labels
        The emotions in the corpus' order.
    problems
        What was found wanting, in the order it was found.
    features
        By modality (a, t, v), (N, D) float32 as it came, NaN and infinity included; a row of NaN
        where there is nothing. Empty for corpora of raw media.
    known_as
        ``iemocap`` or ``meld`` where it is that corpus, in whatever format; else None.
    sessions
        Dialogue id -> the session that it was recorded in, where the files say so.
    simulated
        Whether the files themselves say that a program made them up.
    names
        The emotions that are text, as the files spell it, and how many utterances have each.
    files
        The one file that has a modality's features, relative to the corpus folder, by modality; and
        the one that lists the utterances, by None. For the problems that are found later on.
    """

    utterances: list[Utterance]
    labels: tuple[str, ...]
    problems: list[Problem] = field(default_factory=list)
    features: Mapping[str, np.ndarray] = field(default_factory=dict)
    known_as: str | None = None
    sessions: Mapping[str, str] = field(default_factory=dict)
    simulated: bool = False
    names: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str | None, str] = field(default_factory=dict)


def problem_table(dataset: str, problems: Iterable[Problem]) -> pa.Table:
    """The problems of one dataset as a table of schema `spcl.tables.schemas.PROBLEMS`."""
    problems = list(problems)
    return PROBLEMS.table(
        {
            "dataset": [dataset] * len(problems),
            "file": [problem.file for problem in problems],
            "utterance_id": [problem.utterance_id for problem in problems],
            "modality": [problem.modality for problem in problems],
            "reason": [problem.reason for problem in problems],
        }
    )
