"""The scale of features: fitted on the training split, and part of a saved model."""

from dataclasses import dataclass
from typing import Self

import numpy as np

_BLOCK = 256
"""Utterances that are standardised at once; in float64 they fit into the cache of the CPU."""


@dataclass(frozen=True)
class Standardisation:
    """Scales the features of one modality to mean 0 and standard deviation 1.

    Attributes
    ----------
    mean, divisor
        (D,) float64.
    constant
        (D,) bool: columns without variation, which become 0. Otherwise rounding noise would be
        scaled to unit deviation.
    """

    mean: np.ndarray
    divisor: np.ndarray
    constant: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray) -> Self:
        """Fit to the observed rows of the training split, (N, D)."""
        fitted = values.astype(np.float64)
        mean, deviation = fitted.mean(0), fitted.std(0)
        constant = deviation <= 1e-6 * np.maximum(np.abs(mean), 1e-6)
        return cls(mean, np.where(constant, 1.0, deviation), constant)

    def __call__(self, values: np.ndarray, observed: np.ndarray) -> np.ndarray:
        """Scale (N, D) values; rows that are not `observed`, (N,) bool, become 0."""
        scaled = np.zeros_like(values)
        for first in range(0, len(values), _BLOCK):
            block = slice(first, first + _BLOCK)
            part = np.where(self.constant, 0.0, (values[block] - self.mean) / self.divisor)
            scaled[block] = np.where(observed[block, None], part, 0.0)
        return scaled
