"""An answer to one of the questions: a sentence and the number behind it."""

import math
from dataclasses import dataclass

from spcl.report.analysis.scores import Gain


@dataclass(frozen=True)
class Finding:
    """A statement about a corpus, and the number behind it.

    Attributes
    ----------
    dataset
        The corpus.
    measure
        What `value` is, and its unit.
    statement
        In words.
    value, low, high
        The number and its 95 % interval; NaN where there is none.
    n
        Seeds behind it.
    """

    dataset: str
    measure: str
    statement: str
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n: int = 0


def of_gain(dataset: str, measure: str, gain: Gain, statement: str) -> Finding:
    """The finding whose number is the paired difference `gain`."""
    return Finding(dataset, measure, statement, gain.mean, gain.low, gain.high, gain.n_seeds)
