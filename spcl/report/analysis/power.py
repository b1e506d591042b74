"""Power of the interval and the test of a paired gain, from the variance of a pilot.

An effect counts as shown only with its own sign: power is the chance of a positive finding where
the true gain is positive.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from scipy.special import nctdtr, ndtr, stdtrit

from spcl.report.analysis.statistics import WILCOXON_SEEDS, MeanVariance

LEVEL = 0.05
"""Two-sided."""

TARGET = 0.8
"""The power that the smallest effect has."""

_EXPERIMENTS, _TESTS = 1000, 4000
"""Simulated intervals and Wilcoxon tests; a power has a standard error below 0.8 points."""

_MOST = 100.0
"""No gain is larger, in points."""


def interval_power(variance: MeanVariance, effect: float) -> float:
    """Chance that the 95 % interval of a gain lies above zero.

    Parameters
    ----------
    variance
        Of the mean gain over the seeds that are planned, in points squared.
    effect
        True gain over other dialogues and other seeds, in points.
    """
    if variance.total <= 0:
        return float(effect > 0)
    above = (effect - _reaches(variance)) / math.sqrt(variance.total)
    return float(ndtr(above).mean())


def p_power(variance: MeanVariance, effect: float, n_tests: int) -> float:
    """Chance that a gain is positive with a p below 0.05 after Holm's correction.

    This is the first step of Holm's correction, p < 0.05 / `n_tests`, so it is a lower bound. Each
    test is taken for what it is about. The permutation test, below `WILCOXON_SEEDS` seeds, varies
    the dialogues: these trained models gain `effect` on other dialogues. Wilcoxon's test varies the
    seeds: other seeds gain `effect` on these dialogues.
    """
    level = LEVEL / n_tests
    if variance.n_seeds < WILCOXON_SEEDS:
        # A test that swaps signs is asymptotically the t test (Hoeffding, The large-sample power of
        # tests based on permutations of observations, 1952).
        return _t_power(variance.dialogues, variance.n_dialogues - 1, effect, level)
    sd = math.sqrt(variance.seeds * variance.n_seeds)
    return _wilcoxon_power(variance.n_seeds, effect / sd if sd > 0 else math.inf, level)


def smallest_effect(power: Callable[[float], float]) -> float:
    """The effect in points at which `power`, which grows with it, is 0.8; NaN if it never is."""
    low, high = 0.0, _MOST
    if power(high) < TARGET:
        return math.nan
    while high - low > 0.001:
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle) >= TARGET else (middle, high)
    return high


def pool(variances: Sequence[MeanVariance]) -> MeanVariance:
    """Mean of the variances of several gains, for their median number of seeds and dialogues."""
    n_seeds = int(np.median([one.n_seeds for one in variances]))
    dialogues, seeds, noise = np.mean(
        [
            (one.dialogues - one.noise, one.seeds * one.n_seeds, one.noise * one.n_seeds)
            for one in variances
        ],
        axis=0,
    )
    return MeanVariance(
        dialogues=max(float(dialogues), 0.0) + float(noise) / n_seeds,
        seeds=float(seeds) / n_seeds,
        noise=float(noise) / n_seeds,
        n_seeds=n_seeds,
        n_dialogues=float(np.median([one.n_dialogues for one in variances])),
    )


@lru_cache(maxsize=64)
def _reaches(variance: MeanVariance) -> np.ndarray:
    """(repeats,) half widths of the interval in repeated experiments.

    The estimates of d, s and e are mean squares of a two-way layout of dialogues and seeds, so for
    normal differences they are independent multiples of chi-square. At few seeds they vary so much
    that a noncentral t distribution does not describe the interval.
    """
    n_seeds, n_dialogues = variance.n_seeds, variance.n_dialogues
    generator = np.random.default_rng([n_seeds, 4])

    def estimates(true: float, freedom: float) -> np.ndarray:
        return true * generator.chisquare(max(freedom, 1), _EXPERIMENTS) / max(freedom, 1)

    drawn = zip(
        estimates(variance.dialogues, n_dialogues - 1),
        estimates(variance.seeds, n_seeds - 1),
        estimates(variance.noise, (n_seeds - 1) * (n_dialogues - 1)),
        strict=True,
    )
    found = [MeanVariance(d, s, e, n_seeds, n_dialogues) for d, s, e in drawn]
    freedom = np.array([one.freedom for one in found])
    return stdtrit(freedom, 1 - LEVEL / 2) * np.sqrt([one.total for one in found])


def _t_power(variance: float, freedom: float, effect: float, level: float) -> float:
    """Of a two-sided t test, in the direction of the effect: noncentral t distribution."""
    if variance <= 0:
        return float(effect > 0)
    shift = effect / math.sqrt(variance)
    critical = stdtrit(freedom, 1 - level / 2)
    below = float(nctdtr(freedom, shift, critical))
    return float(shift > critical) if math.isnan(below) else 1 - below  # NaN far out in a tail


def _wilcoxon_power(n_seeds: int, shift: float, level: float) -> float:
    """Of Wilcoxon's signed-rank test on normal differences of mean `shift`, variance 1."""
    critical = _critical(n_seeds, level)
    if math.isinf(shift):
        return float(critical <= n_seeds * (n_seeds + 1) // 2)
    differences = _normal(n_seeds) + shift
    ranks = np.abs(differences).argsort(1).argsort(1) + 1
    return float(np.mean((ranks * (differences > 0)).sum(1) >= critical))


@lru_cache(maxsize=8)
def _normal(n_seeds: int) -> np.ndarray:
    """(repeats, S), the same for every effect, so that power grows with the effect."""
    return np.random.default_rng([n_seeds, 3]).normal(size=(_TESTS, n_seeds))


@lru_cache(maxsize=64)
def _critical(n_seeds: int, level: float) -> int:
    """The smallest rank sum whose exact two-sided p is below `level`; out of reach if none is."""
    chances = np.ones(1)  # of each rank sum
    for rank in range(1, n_seeds + 1):
        step = np.zeros(rank + 1)
        step[[0, rank]] = 0.5
        chances = np.convolve(chances, step)
    tail = np.cumsum(chances[::-1])[::-1]  # chance of this sum or more
    return int((2 * tail >= level).sum())
