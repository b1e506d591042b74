"""A score with its resamples: its interval, and that of a paired difference."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spcl.report.analysis import statistics
from spcl.report.analysis.scores import Gain


@dataclass(frozen=True)
class ResampledScore:
    """A score of one cell: of a class, of a modality's head.

    Attributes
    ----------
    points
        By seed, 0 to 100.
    resampled
        (B, S) the same in resamples of the test dialogues, a column a seed; None without
        predictions.
    n_dialogues
        Test dialogues that it is taken over.
    """

    points: pd.Series
    resampled: pd.DataFrame | None
    n_dialogues: int

    def interval(self) -> tuple[float, float]:
        """95 % interval of the mean over seeds, kept inside 0 to 100; NaN if unknown."""
        return self._interval_of(self.points, self.resampled, statistics.SCORES)

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
        low, high = self._interval_of(differences, resampled, statistics.DIFFERENCES)
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


def weighted_sum(weights: Sequence[float], scores: Sequence[ResampledScore]) -> ResampledScore:
    """A linear combination of scores of one corpus, over the seeds that all of them have."""
    by_seed = pd.concat([w * one.points for w, one in zip(weights, scores, strict=True)], axis=1)
    known = [one.resampled for one in scores if one.resampled is not None]
    resampled = None
    if len(known) == len(scores):
        parts = [w * one for w, one in zip(weights, known, strict=True)]
        resampled = sum(parts[1:], parts[0])
    n_dialogues = max(one.n_dialogues for one in scores)
    return ResampledScore(by_seed.sum(axis=1, skipna=False).dropna(), resampled, n_dialogues)


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
