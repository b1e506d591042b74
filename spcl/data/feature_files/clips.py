"""Clips of videos: the dialogue of each clip, and classes of scores."""

import math
from collections.abc import Sequence
from pathlib import Path

from spcl.data.emotions.labels import label_order
from spcl.data.emotions.sentiment import sentiment_classes
from spcl.data.feature_files.values import naturally_sorted
from spcl.data.records import Choices
from spcl.errors import UserError

BETWEEN = "$_$"
"""Between the video and the number of a clip in its id."""

_SMALLEST_OF_SEVEN = 1.0
"""Scores that are nowhere larger have the range of SIMS, where seven classes are not integers."""


def video_of(clip: str) -> str:
    """The video of a clip, which is its dialogue: the clip itself if its id has no video."""
    return _divided(clip)[0]


def in_dialogues(clips: Sequence[str]) -> list[int]:
    """The rows with the clips of a video together, in the order of their numbers.

    The videos have the order of their first clips.
    """
    divided = [_divided(clip) for clip in clips]
    first: dict[str, int] = {}
    for row, (video, _) in enumerate(divided):
        first.setdefault(video, row)
    numbers = naturally_sorted({number for _, number in divided})
    rank = {number: place for place, number in enumerate(numbers)}
    return sorted(
        range(len(clips)), key=lambda row: (first[divided[row][0]], rank[divided[row][1]])
    )


def classes_of_scores(
    scores: Sequence[float | None], n_classes: int, choices: Choices, path: Path
) -> tuple[tuple[str, ...], list[str | None]]:
    """The labels in order, and the label of each sentiment score.

    Raises
    ------
    UserError
        There are no scores; seven classes of scores that lie within -1..1; the config has other
        labels.
    """
    known = [abs(score) for score in scores if score is not None and math.isfinite(score)]
    if not known:
        raise UserError(f"{path}: has no sentiment scores; remove datasets.<name>.classes")
    if n_classes == 7 and max(known) <= _SMALLEST_OF_SEVEN:
        raise UserError(
            f"{path}: its scores lie within -1..1, as those of SIMS do, and seven classes are"
            " the integers of -3..3; write datasets.<name>.classes: 3, or 2"
        )
    labels, of_clips = sentiment_classes(scores, n_classes)
    return label_order(labels, choices.labels), of_clips


def _divided(clip: str) -> tuple[str, str]:
    """The video and the number of a clip."""
    video, between, number = clip.partition(BETWEEN)
    return (video, number) if between and video else (clip, "")
