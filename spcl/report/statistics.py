"""The statistics behind the tables: paired bootstrap, paired tests, Holm's correction.

Pure functions of arrays. S seeds, D dialogues, C classes, B resamples. All scores 0..1.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

RESAMPLES = 1000
PERMUTATIONS = 9999
"""Enough for a p-value of 0.05 after Holm's correction over 400 cells."""

WILCOXON_SEEDS = 6
"""From so many seeds on, Wilcoxon's smallest two-sided p (2 / 2^S) is below 0.05."""


@dataclass(frozen=True)
class Tally:
    """What a cell predicted, counted so that the score of any resample is a sum away.

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


def bootstrap_scores(cell: Tally, resamples: int = RESAMPLES) -> np.ndarray:
    """Weighted F1 of every seed in resamples of the dialogues.

    Each resample draws D - 1 of D dialogues with replacement, which makes the variance unbiased
    (Rao and Wu, Resampling inference with complex survey data, 1988). Cells with the same D get
    the same draws, so differences of their scores are paired.

    Returns
    -------
    (B, S) float64, NaN with fewer than two dialogues
    """
    n_seeds, n_dialogues, _, n_classes = cell.counts.shape
    if n_dialogues < 2:
        return np.full((resamples, n_seeds), np.nan)
    drawn = _draws(n_dialogues, resamples, stream=0)
    flat = cell.counts.transpose(1, 0, 2, 3).reshape(n_dialogues, -1)
    return weighted_f1((drawn @ flat).reshape(resamples, n_seeds, 3, n_classes))


def bootstrap_interval(scores: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of the mean over seeds, with the seeds resampled too.

    Parameters
    ----------
    scores : (B, S)
        Scores or paired differences by resample of the dialogues and by seed.

    Returns
    -------
    (low, high); NaN where `scores` are. With one seed only the dialogues vary.
    """
    resamples, n_seeds = scores.shape
    if n_seeds == 0 or np.isnan(scores).any():
        return np.nan, np.nan
    if n_seeds == 1:
        means = scores[:, 0]
    else:
        means = (_draws(n_seeds, resamples, stream=1) * scores).sum(1) / (n_seeds - 1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


@lru_cache(maxsize=8)
def _draws(n: int, resamples: int, *, stream: int) -> np.ndarray:
    """(B, n): how often each of n units is drawn when n - 1 are, with replacement."""
    generator = np.random.default_rng([n, stream])
    return generator.multinomial(n - 1, np.full(n, 1 / n), size=resamples).astype(np.float64)


def permutation_p(first: np.ndarray, second: np.ndarray, permutations: int = PERMUTATIONS) -> float:
    """Two-sided p of the mean difference in weighted F1: each dialogue may swap its two systems.

    A dialogue swaps for all seeds at once. The null hypothesis is that, for these trained models,
    it does not matter which system read a dialogue; it says nothing about other seeds.

    Parameters
    ----------
    first, second : (S, D, 3, C)
        Counts of paired seeds over the same dialogues.

    Returns
    -------
    float
        (1 + permutations at least as extreme) / (1 + permutations), never 0.
    """
    n_seeds, n_dialogues, _, n_classes = first.shape
    flat = (second - first).transpose(1, 0, 2, 3).reshape(n_dialogues, -1)
    moved = _swaps(n_dialogues, permutations) @ flat
    moved = moved.reshape(permutations, n_seeds, 3, n_classes)
    mixed_first, mixed_second = first.sum(1) + moved, second.sum(1) - moved
    difference = (weighted_f1(mixed_second) - weighted_f1(mixed_first)).mean(1)
    observed = (weighted_f1(second.sum(1)) - weighted_f1(first.sum(1))).mean()
    extreme = np.abs(difference) >= abs(observed) - 1e-12
    return float((1 + extreme.sum()) / (1 + permutations))


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
