"""Sentiment scores as classes."""

import math
from collections.abc import Sequence

_LABELS = {
    7: ("-3", "-2", "-1", "0", "1", "2", "3"),
    3: ("negative", "neutral", "positive"),
    2: ("negative", "positive"),
}


def sentiment_classes(
    scores: Sequence[float | None], classes: int
) -> tuple[tuple[str, ...], list[str | None]]:
    """The labels in order, and the label of each score; None = unlabelled."""
    return _LABELS[classes], [_label(score, classes) for score in scores]


def _label(score: float | None, classes: int) -> str | None:
    if score is None or math.isnan(score) or (classes == 2 and score == 0):
        return None
    if classes == 7:
        return str(round(max(-3.0, min(3.0, score))))
    return "negative" if score < 0 else "neutral" if score == 0 else "positive"
