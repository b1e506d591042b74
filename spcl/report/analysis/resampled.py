"""A score with its resamples: its interval, and those of differences and weighted sums."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spcl.report.analysis import statistics
from spcl.report.analysis.scores import Gain, over_seeds


@dataclass(frozen=True)
class ResampledScore:
    """A score of one cell: of a class, of a modality's head; or a weighted sum of such scores.

    Attributes
    ----------
    points
        By seed, in points.
    resampled
        (B, S) the same in resamples of the test dialogues, a column a seed; None without
        predictions.
    n_dialogues
        Test dialogues that it is taken over.
    within
        The smallest and the largest possible value.
    """

    points: pd.Series
    resampled: pd.DataFrame | None
    n_dialogues: int
    within: tuple[float, float] = statistics.SCORES

    def interval(self) -> tuple[float, float]:
        """95 % interval of the mean over seeds, kept inside `within`; NaN if unknown."""
        return self._interval_of(self.points, self.resampled, self.within)

    def columns(self, name: str) -> dict[str, float]:
        """The columns of `spcl.report.columns.estimate`."""
        return Gain(0, *over_seeds(self.points), *self.interval()).columns(name)

    def gain(self, base: "ResampledScore | None") -> Gain:
        """This score minus `base`, paired by seed, without a test."""
        if base is None:
            return Gain()
        # Rounding errors of equal scores are no difference.
        differences = (self.points - base.points).dropna().round(9)
        if not len(differences):
            return Gain()
        resampled = None
        if self.resampled is not None and base.resampled is not None:
            resampled = self.resampled - base.resampled
        sd = float(differences.std()) if len(differences) > 1 else math.nan
        within = self.within[0] - base.within[1], self.within[1] - base.within[0]
        low, high = self._interval_of(differences, resampled, within)
        return Gain(len(differences), float(differences.mean()), sd, low, high)

    def _interval_of(
        self, by_seed: pd.Series, resampled: pd.DataFrame | None, within: tuple[float, float]
    ) -> tuple[float, float]:
        if resampled is None or not by_seed.index.isin(resampled.columns).all():
            return math.nan, math.nan
        return statistics.bootstrap_interval(
            by_seed.to_numpy(),
            resampled[by_seed.index].to_numpy(),
            self.n_dialogues,
            within=within,
        )


Pairs = list[tuple[ResampledScore, ResampledScore]]
"""Of each cell: a score, and what it is compared with."""


def weighted_sum(terms: Iterable[tuple[float, ResampledScore]]) -> ResampledScore:
    """The sum of scores of one corpus times their weights, by seed and by resample.

    Only seeds that all scores have count.
    """
    factors, scores = zip(*terms, strict=True)
    weights = np.array(factors)
    points = pd.concat([one.points for one in scores], axis=1).dropna() @ weights
    known = [one.resampled for one in scores if one.resampled is not None]
    resampled = None
    if len(known) == len(scores):
        resampled = sum(
            (weight * one for weight, one in zip(weights[1:], known[1:], strict=True)),
            weights[0] * known[0],
        )
    ends = weights[:, None] * np.array([one.within for one in scores])
    n_dialogues = max(one.n_dialogues for one in scores)
    within = float(ends.min(1).sum()), float(ends.max(1).sum())
    return ResampledScore(points, resampled, n_dialogues, within)


def mean_gain(pairs: Pairs) -> Gain:
    """The first minus the second score, mean over cells of one corpus; empty without cells."""
    if not pairs:
        return Gain()
    first, second = (
        weighted_sum((1 / len(pairs), one) for one in side) for side in zip(*pairs, strict=True)
    )
    return first.gain(second)


def resample_counted(tally: statistics.Tally) -> ResampledScore:
    """Weighted F1 of a tally's answers in points by seed, with its resamples."""
    points = 100 * statistics.weighted_f1(tally.counts.sum(1))
    return resample_weighted_f1(pd.Series(points, tally.seeds), tally)


def resample_weighted_f1(points: pd.Series, tally: statistics.Tally | None) -> ResampledScore:
    """Weighted F1 in points by seed, with the resamples of its counts."""
    if tally is None:
        return ResampledScore(points, None, 0)
    resampled = 100 * statistics.bootstrap_scores(tally)
    n_dialogues = int((tally.counts[0, :, 2].sum(-1) > 0).sum())
    return ResampledScore(points, pd.DataFrame(resampled, columns=tally.seeds), n_dialogues)


def resample_f1_by_class(
    points: pd.DataFrame, tally: statistics.Tally | None
) -> dict[str, ResampledScore]:
    """F1 by class in points, a row a seed, with the resamples of its counts.

    The columns of `points` are the classes of `tally`, in its order.
    """
    if tally is None:
        return {str(name): ResampledScore(points[name], None, 0) for name in points}
    resampled = 100 * statistics.bootstrap_scores(tally, score=statistics.f1_by_class)
    n_dialogues = (tally.counts[0, :, 2] > 0).sum(0)
    return {
        str(name): ResampledScore(
            points[name],
            pd.DataFrame(resampled[:, :, index], columns=tally.seeds),
            int(n_dialogues[index]),
        )
        for index, name in enumerate(points)
    }


def support(tally: statistics.Tally) -> np.ndarray:
    """(C,) labelled test utterances by class."""
    return tally.counts[0, :, 2].sum(0).astype(int)
