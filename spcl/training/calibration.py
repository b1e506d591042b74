"""Calibration of the joint answer: whether its probability is the share of right answers."""

import math
from dataclasses import dataclass

import numpy as np

N_BINS = 15
"""Bins of the confidence, of equal width, as in Guo et al. (ICML 2017)."""

SMALLEST = float(np.finfo(np.float32).tiny)
"""The smallest normal float32, 1.2e-38. Smaller probabilities count as this one."""


@dataclass(frozen=True)
class Calibration:
    """Calibration of one split. NaN without labelled utterances, or if a probability is NaN.

    Attributes
    ----------
    ece
        Expected calibration error (Guo et al., 2017), 0..1: the mean over bins of the confidence
        of the absolute difference between accuracy and mean confidence, weighted by utterances.
    brier
        Brier score (Brier, 1950), 0..2: the sum over the classes of the squared difference between
        the probability and 1 for the true class, 0 for the others; mean over utterances.
    nll
        Negative log-likelihood of the true class, nats, mean over utterances. It is finite, at
        most 87.3, because no probability counts as smaller than `SMALLEST`.
    """

    ece: float
    brier: float
    nll: float


def calibration(
    probabilities: np.ndarray, predicted: np.ndarray, labels: np.ndarray
) -> Calibration:
    """Measure the calibration of answers.

    Parameters
    ----------
    probabilities : (N, C) float
    predicted, labels : (N,) int
        Class indices; label -1 = unlabelled, left out.
    """
    known = labels >= 0
    true, p = labels[known], probabilities[known].astype(float)
    if not len(true) or np.isnan(p).any():
        return Calibration(math.nan, math.nan, math.nan)
    confidence = p.max(1)
    # n_b / N x |accuracy - confidence| of a bin is the absolute sum of its differences / N.
    difference = (predicted[known] == true) - confidence
    by_bin = np.bincount(confidence_bins(confidence), difference, N_BINS)
    p_true = p[np.arange(len(p)), true]
    return Calibration(
        ece=float(np.abs(by_bin).sum() / len(p)),
        brier=float(((p - np.eye(p.shape[1])[true]) ** 2).sum(1).mean()),
        nll=float(-np.log(np.maximum(p_true, SMALLEST)).mean()),
    )


def confidence_bins(confidence: np.ndarray) -> np.ndarray:
    """(N,) int: the bin of each confidence, 0..14. Bin b is above b/15 and up to (b + 1)/15."""
    return np.clip(np.ceil(confidence * N_BINS).astype(int) - 1, 0, N_BINS - 1)
