"""What a reader of a raw tree hands over: utterances, and what was wrong with some of them."""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from spcl.schemas import PROBLEMS


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
        ``train``, ``dev`` or ``test`` by the corpus' own division; see `spcl.data.splits`.
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
    split: str
    start_s: float | None
    end_s: float | None
    audio_path: str | None
    video_path: str | None


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


def problem_table(dataset: str, problems: Iterable[Problem]) -> pa.Table:
    """The problems of one dataset as a table of schema `spcl.schemas.PROBLEMS`."""
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
