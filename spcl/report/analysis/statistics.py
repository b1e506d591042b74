"""The statistics behind the tables: paired bootstrap, paired tests, Holm's correction.

Pure functions of arrays. S seeds, D dialogues, C classes, B resamples. All scores 0..1.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import stdtrit

RESAMPLES = 1000
PERMUTATIONS = 9999
"""Enough for a p-value of 0.05 after Holm's correction over 400 cells."""

FEWEST_DIALOGUES = 3
"""With two, an interval has one degree of freedom and spans the whole range."""

SCORES, DIFFERENCES = (0.0, 100.0), (-100.0, 100.0)
"""Ranges of a score and of a difference of two, in points."""

WILCOXON_SEEDS = 6
"""With this many seeds or more, Wilcoxon's smallest two-sided p (2 / 2^S) is below 0.05."""


@dataclass(frozen=True)
class Tally:
    """Counts of the predictions of a cell, from which the score of any resample is computed.

    Attributes
    ----------
    seeds : (S,) int64, ascending
    counts : (S, D, 3, C) float64
        By seed, dialogue and class: hits, predictions, labels.
    """

    seeds: np.ndarray
    counts: np.ndarray


def tally(
    seed: np.ndarray,
    dialogue: np.ndarray,
    true: np.ndarray,
    predicted: np.ndarray,
    *,
    n_dialogues: int,
    n_classes: int,
) -> Tally:
    """Count one cell's predictions.

    Parameters
    ----------
    seed, dialogue, true, predicted : (N,) int
        One entry a seed and utterance; ``true`` -1 = unlabelled, not counted.
    n_dialogues, n_classes
        D and C; all indices are below them.
    """
    labelled = true >= 0
    seeds, s = np.unique(seed[labelled], return_inverse=True)
    d, y, z = dialogue[labelled], true[labelled], predicted[labelled]
    shape = (len(seeds), n_dialogues, n_classes)

    def count(classes: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        cell = np.ravel_multi_index((s[chosen], d[chosen], classes[chosen]), shape)
        return np.bincount(cell, minlength=int(np.prod(shape))).reshape(shape)

    every = np.ones(len(y), bool)
    return Tally(seeds, np.stack([count(y, y == z), count(z, every), count(y, every)], 2) * 1.0)


def f1_by_class(counts: np.ndarray) -> np.ndarray:
    """F1 from (..., 3, C) counts of hits, predictions, labels: (..., C), 0 for an absent class."""
    hits, predicted, support = np.moveaxis(counts, -2, 0)
    return 2 * hits / np.maximum(predicted + support, 1)


def weighted_f1(counts: np.ndarray) -> np.ndarray:
    """F1 averaged over classes by their support, from (..., 3, C) counts: (...)."""
    support = counts[..., 2, :]
    return (f1_by_class(counts) * support).sum(-1) / np.maximum(support.sum(-1), 1)


def bootstrap_scores(
    cell: Tally,
    resamples: int = RESAMPLES,
    *,
    score: Callable[[np.ndarray], np.ndarray] = weighted_f1,
) -> np.ndarray:
    """Weighted F1 of every seed in resamples of the dialogues, or another `score` of the counts.

    Each resample draws D - 1 of D dialogues with replacement, which makes the variance unbiased
    (Rao and Wu, Resampling inference with complex survey data, 1988). Cells with the same D get
    the same draws, so differences of their scores are paired.

    Returns
    -------
    (B, S) float64, NaN with fewer than two dialogues; (B, S, C) for `f1_by_class`
    """
    n_seeds, n_dialogues, _, n_classes = cell.counts.shape
    if n_dialogues < 2:
        return score(np.full((resamples, n_seeds, 3, n_classes), np.nan))
    drawn = _draws(n_dialogues, resamples)
    flat = cell.counts.transpose(1, 0, 2, 3).reshape(n_dialogues, -1)
    return score((drawn @ flat).reshape(resamples, n_seeds, 3, n_classes))


def bootstrap_interval(
    observed: np.ndarray,
    resampled: np.ndarray,
    n_dialogues: int,
    *,
    within: tuple[float, float] = (-math.inf, math.inf),
    level: float = 0.95,
) -> tuple[float, float]:
    """Interval of the mean over seeds, for other dialogues and other seeds.

    A score varies with the dialogues, with the seeds, and with both together (the noise of single
    answers). The resamples show the first and the last, the spread over seeds the second and the
    last; so the variance of the mean is their sum less the last, which would count twice::

        d = Var_b(mean_s r)          dialogues + noise    (r: B x S resampled scores)
        s = Var_s(observed) / S      seeds + noise
        e = mean_b Var_s(r - r̄) / S  noise alone           (r̄: over resamples)
        variance = d + max(s - e, 0)

    with the t distribution at Satterthwaite's degrees of freedom (An approximate distribution of
    estimates of variance components, 1946). The interval always contains the mean.

    Parameters
    ----------
    observed : (S,)
        Scores or paired differences by seed.
    resampled : (B, S)
        The same in every resample of the dialogues; see `bootstrap_scores`.
    n_dialogues
        D, those with a label.
    within
        Limits of the mean, such as `SCORES`; the interval ends there. With two seeds the t
        distribution is wide.

    Returns
    -------
    (low, high); NaN below `FEWEST_DIALOGUES`. With one seed only the dialogues vary.
    """
    if len(observed) == 0 or n_dialogues < FEWEST_DIALOGUES:
        return np.nan, np.nan
    variance = mean_variance(observed, resampled, n_dialogues)
    reach = stdtrit(variance.freedom, (1 + level) / 2) * math.sqrt(variance.total)
    mean = float(observed.mean())
    return max(mean - reach, within[0]), min(mean + reach, within[1])


@dataclass(frozen=True)
class MeanVariance:
    """Variance of a mean over seeds by source; see `bootstrap_interval` for the symbols.

    Attributes
    ----------
    dialogues, seeds, noise
        d, s and e; each of the first two includes the third.
    n_seeds, n_dialogues
        S and D.
    """

    dialogues: float
    seeds: float
    noise: float
    n_seeds: int
    n_dialogues: float

    @property
    def total(self) -> float:
        """For other dialogues and other seeds."""
        return self.dialogues + max(self.seeds - self.noise, 0.0)

    @property
    def freedom(self) -> float:
        """Satterthwaite's degrees of freedom of `total`."""
        if self.n_seeds == 1:
            return self.n_dialogues - 1.0
        least = min(self.n_seeds, self.n_dialogues) - 1.0
        spread = self.dialogues**2 / (self.n_dialogues - 1) + self.seeds**2 / (self.n_seeds - 1)
        return max(self.total**2 / spread, least) if spread > 0 else least

    def with_seeds(self, n_seeds: int) -> "MeanVariance":
        """The expected variance of the mean over a number of seeds.

        It is never below the noise, which estimates of the other two may be with few seeds.
        """
        share = self.n_seeds / n_seeds
        return MeanVariance(
            dialogues=max(self.dialogues - self.noise, 0.0) + share * self.noise,
            seeds=share * max(self.seeds, self.noise),
            noise=share * self.noise,
            n_seeds=n_seeds,
            n_dialogues=self.n_dialogues,
        )


def mean_variance(observed: np.ndarray, resampled: np.ndarray, n_dialogues: int) -> MeanVariance:
    """Estimate the variance of the mean over seeds; parameters as in `bootstrap_interval`."""
    n_seeds = len(observed)
    of_seeds = noise = 0.0
    if n_seeds > 1:
        of_seeds = observed.var(ddof=1) / n_seeds
        noise = (resampled - resampled.mean(0)).var(1, ddof=1).mean() / n_seeds
    return MeanVariance(resampled.mean(1).var(ddof=1), of_seeds, noise, n_seeds, n_dialogues)


@lru_cache(maxsize=8)
def _draws(n_dialogues: int, resamples: int) -> np.ndarray:
    """(B, D): how often each of D dialogues is drawn when D - 1 are, with replacement."""
    generator = np.random.default_rng([n_dialogues, 0])
    chances = np.full(n_dialogues, 1 / n_dialogues)
    return generator.multinomial(n_dialogues - 1, chances, size=resamples).astype(np.float64)


def permuted(first: np.ndarray, second: np.ndarray, permutations: int = PERMUTATIONS) -> np.ndarray:
    """Mean difference in weighted F1, as it is and with the systems swapped at random by dialogue.

    A dialogue swaps for all seeds at once. Arrays of the same D get the same swaps, so sums of
    their differences are permuted alike.

    Parameters
    ----------
    first, second : (S, D, 3, C)
        Counts of paired seeds over the same dialogues.

    Returns
    -------
    (1 + permutations,) float64, the difference as it is first
    """
    n_seeds, n_dialogues, _, n_classes = first.shape
    flat = (second - first).transpose(1, 0, 2, 3).reshape(n_dialogues, -1)
    moved = _swaps(n_dialogues, permutations) @ flat
    moved = moved.reshape(permutations, n_seeds, 3, n_classes)
    mixed_first, mixed_second = first.sum(1) + moved, second.sum(1) - moved
    difference = (weighted_f1(mixed_second) - weighted_f1(mixed_first)).mean(1)
    observed = (weighted_f1(second.sum(1)) - weighted_f1(first.sum(1))).mean()
    return np.concatenate([[observed], difference])


def permutation_p(first: np.ndarray, second: np.ndarray) -> float:
    """Two-sided p of the mean difference in weighted F1; see `permuted` and `share_as_extreme`."""
    return share_as_extreme(permuted(first, second))


def share_as_extreme(differences: np.ndarray) -> float:
    """Two-sided p of the first of `differences`, which `permuted` gives; never 0.

    The null hypothesis is that, for these trained models, it does not matter which system read a
    dialogue; it says nothing about other seeds.
    """
    return float(np.mean(np.abs(differences) >= abs(differences[0]) - 1e-12))


@lru_cache(maxsize=8)
def _swaps(n_dialogues: int, permutations: int) -> np.ndarray:
    """(permutations, D) of 0 and 1: whether the dialogue swaps."""
    generator = np.random.default_rng([n_dialogues, 2])
    return generator.integers(2, size=(permutations, n_dialogues)).astype(np.float64)


def wilcoxon_p(differences: np.ndarray) -> float:
    """Two-sided p of Wilcoxon's signed-rank test on (S,) paired differences; 1 if all are 0."""
    differences = differences[differences != 0]
    if len(differences) == 0:
        return 1.0
    from scipy import stats  # takes seconds to import, and few tables need it

    return float(stats.wilcoxon(differences).pvalue)


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's step-down correction of (n,) p-values; NaN = no test, not counted."""
    corrected = np.full(len(p_values), np.nan)
    tested = np.flatnonzero(~np.isnan(p_values))
    ascending = tested[np.argsort(p_values[tested], kind="stable")]
    factors = np.arange(len(tested), 0, -1)
    corrected[ascending] = np.minimum(np.maximum.accumulate(factors * p_values[ascending]), 1)
    return corrected
