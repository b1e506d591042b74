"""Clips of videos: the dialogue of each clip, and classes of scores."""

import math
from collections.abc import Sequence
from pathlib import Path

from spcl.data.emotions.labels import label_order
from spcl.data.emotions.sentiment import asked_classes, sentiment_classes
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


def dialogues_of(
    clips: Sequence[str], splits: Sequence[str | None]
) -> tuple[list[str], str | None]:
    """The dialogue of each clip: its video, or the part of its video that is in its split.

    Returns
    -------
    list of str
        A dialogue for each clip.
    str or None
        A note if videos have clips in several splits and are therefore divided.
    """
    of_video: dict[str, set[str | None]] = {}
    for clip, split in zip(clips, splits, strict=True):
        of_video.setdefault(video_of(clip), set()).add(split)
    divided = {video for video, found in of_video.items() if len(found) > 1}
    names = [
        f"{video}_{split}" if (video := video_of(clip)) in divided else video
        for clip, split in zip(clips, splits, strict=True)
    ]
    n = len(divided)
    note = f"{n} videos have clips in several splits: each part is a dialogue" if n else None
    return names, note


def in_dialogues(clips: Sequence[str], dialogues: Sequence[str]) -> list[int]:
    """The rows with the clips of a dialogue together, in the order of their numbers.

    The dialogues have the order of their first clips.
    """
    first: dict[str, int] = {}
    for row, dialogue in enumerate(dialogues):
        first.setdefault(dialogue, row)
    numbers = [_divided(clip)[1] for clip in clips]
    rank = {number: place for place, number in enumerate(naturally_sorted(set(numbers)))}
    return sorted(range(len(clips)), key=lambda row: (first[dialogues[row]], rank[numbers[row]]))


def classes_of_scores(
    scores: Sequence[float | None], choices: Choices, path: Path
) -> tuple[tuple[str, ...], list[str | None]]:
    """The labels in order, and the label of each sentiment score.

    Raises
    ------
    UserError
        The config does not say how many classes; there are no scores; seven classes of scores that
        lie within -1..1; the config has other labels.
    """
    n_classes = asked_classes(choices.classes, path)
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
