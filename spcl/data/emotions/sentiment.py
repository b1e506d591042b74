"""Classes of sentiment scores from -3 (highly negative) to 3 (highly positive).

CMU-MOSI and CMU-MOSEI annotate such scores. The config chooses their classes:

=======  ===========================================================================
classes  rule
=======  ===========================================================================
7        rounded to the nearest of -3..3; a half to the even neighbour, as NumPy does
         and with it the published evaluations of seven classes; scores beyond 3 count
         as 3, scores below -3 as -3
3        the sign: negative, neutral (zero), positive
2        the sign; zero is unlabelled
=======  ===========================================================================
"""

import math
from collections.abc import Sequence
from pathlib import Path

from spcl.errors import UserError

# The words are those of the annotation of CMU-MOSEI (Zadeh et al., ACL 2018). Numbers would not do:
# in a table, -1 means unlabelled.
LABELS = {
    7: (
        "highly negative",
        "negative",
        "weakly negative",
        "neutral",
        "weakly positive",
        "positive",
        "highly positive",
    ),
    3: ("negative", "neutral", "positive"),
    2: ("negative", "positive"),
}
"""By number of classes, from the lowest score to the highest."""


def sentiment_classes(
    scores: Sequence[float | None], classes: int
) -> tuple[tuple[str, ...], list[str | None]]:
    """The classes of sentiment scores.

    Parameters
    ----------
    scores
        N of them; None and NaN are unlabelled.
    classes
        7, 3 or 2.

    Returns
    -------
    tuple of str
        The labels in order.
    list of str or None
        The label of each score, N of them; None = unlabelled.
    """
    labels = LABELS[classes]
    return labels, [_label(score, labels) for score in scores]


def asked_classes(classes: int | None, path: Path) -> int:
    """The number of classes in the config.

    Raises
    ------
    UserError
        The config has none.
    """
    if classes is None:
        raise UserError(
            f"{path}: its labels are sentiment scores; write datasets.<name>.classes: 7 (rounded to"
            " -3..3), 3 (negative, neutral, positive) or 2 (without zero), or inspect it with"
            " --classes 7"
        )
    return classes


def _label(score: float | None, labels: Sequence[str]) -> str | None:
    if score is None or math.isnan(score):
        return None
    if len(labels) == 7:
        return labels[round(min(max(score, -3.0), 3.0)) + 3]
    if score == 0:
        return labels[1] if len(labels) == 3 else None
    return labels[0] if score < 0 else labels[-1]
