"""How often an interval of a gain is right if the settings of both sides were chosen on dev.

Simulated studies without a true difference between two strategies: the 95 % interval should contain
zero in 95 of 100. See docs/fair-comparison.md.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from benchmarks import results
from benchmarks.machine import this_machine
from spcl.report.analysis import statistics
from spcl.report.analysis.statistics import Tally, tally
from spcl.training.tuning import choose

N_DIALOGUES, LENGTH, N_CLASSES = 31, 20, 6
N_CANDIDATES, N_REPORTED_SEEDS = 12, 5
STUDIES = 500
SPREADS = (0.0, 0.1, 0.2, 0.5)
"""Standard deviations of the candidates, logits of a right answer."""


class Study:
    """Simulated answers of a baseline with several candidates, the same for two strategies.

    A training is good or bad as a whole and at some dialogues.

    Parameters
    ----------
    rng
        The source of all random numbers.
    spread
        See `SPREADS`.
    n_trial_seeds
        The tuning seeds.
    common
        The share of the variance of trainings that the two strategies have in common, because they
        are paired.
    """

    def __init__(
        self, rng: np.random.Generator, spread: float, n_trial_seeds: int, common: float = 0.7
    ) -> None:
        self.rng = rng
        self.common = common
        self.quality = rng.normal(0, spread, N_CANDIDATES)
        self.dev, self.test = self._split(n_trial_seeds), self._split(N_REPORTED_SEEDS)

    def _split(self, n_seeds: int) -> dict[str, np.ndarray]:
        n = N_DIALOGUES * LENGTH
        dialogue = np.repeat(np.arange(N_DIALOGUES), LENGTH)
        return {
            "true": self.rng.choice(N_CLASSES, n, p=[0.35, 0.2, 0.15, 0.12, 0.1, 0.08]),
            "dialogue": dialogue,
            "ease": 0.5 + self.rng.normal(0, 1, n) + self.rng.normal(0, 0.5, N_DIALOGUES)[dialogue],
            "luck": self.rng.normal(0, 0.15, (N_CANDIDATES, n_seeds)),
            "strength": self.rng.normal(0, 0.3, (N_CANDIDATES, N_DIALOGUES)),
        }

    def tuned(self) -> int:
        """The candidate that one strategy chooses on dev."""
        scores = [
            statistics.weighted_f1(self.answers(self.dev, candidate).counts.sum(1))
            for candidate in range(N_CANDIDATES)
        ]
        return choose(np.array(scores))

    def answers(self, split: dict[str, np.ndarray], candidate: int) -> Tally:
        """What one strategy answers with a candidate, all seeds."""
        luck = self._partly_common(split["luck"][candidate])
        strength = self._partly_common(split["strength"][candidate])
        skill = self.quality[candidate] + split["ease"] + strength[split["dialogue"]]
        true, n_seeds = split["true"], len(luck)
        shape = n_seeds, len(true)
        right = self.rng.logistic(size=shape) < skill + luck[:, None]
        wrong = (true + 1 + self.rng.integers(N_CLASSES - 1, size=shape)) % N_CLASSES
        return tally(
            np.repeat(np.arange(n_seeds), len(true)),
            np.tile(split["dialogue"], n_seeds),
            np.tile(true, n_seeds),
            np.where(right, true, wrong).ravel(),
            n_dialogues=N_DIALOGUES,
            n_classes=N_CLASSES,
        )

    def _partly_common(self, values: np.ndarray) -> np.ndarray:
        own = self.rng.normal(0, values.std(), len(values))
        return np.sqrt(self.common) * values + np.sqrt(1 - self.common) * own

    def gain(self, first: int, second: int) -> tuple[float, float, float]:
        """The gain on test of one candidate over another, in points, and its interval."""
        one, other = self.answers(self.test, first), self.answers(self.test, second)
        gain = statistics.weighted_f1(other.counts.sum(1)) - statistics.weighted_f1(
            one.counts.sum(1)
        )
        resampled = statistics.bootstrap_scores(other, 300) - statistics.bootstrap_scores(one, 300)
        low, high = statistics.bootstrap_interval(gain, resampled, N_DIALOGUES)
        return 100 * float(gain.mean()), 100 * low, 100 * high


def coverage(
    spread: float,
    n_trial_seeds: int,
    *,
    both_tuned: bool = True,
    common: float = 0.7,
    studies: int = STUDIES,
) -> dict[str, float]:
    """How often the interval contains 0, and the mean gain in points, over simulated studies.

    With `both_tuned` the settings of both strategies are chosen on dev, else those of the second
    alone, and the first has those of candidate 0.
    """
    rng = np.random.default_rng(0)
    gains = []
    for _ in range(studies):
        study = Study(rng, spread, n_trial_seeds, common)
        gains.append(study.gain(study.tuned() if both_tuned else 0, study.tuned()))
    gain, low, high = np.array(gains).T
    return {"covered": float(((low <= 0) & (high >= 0)).mean()), "gain": float(gain.mean())}


def run(device: str, threads: int) -> Iterator[str]:
    """Simulate all conditions, write ``tuning.parquet``, and yield lines."""
    rows: list[dict[str, Any]] = []
    yield f"{'tuned':8}{'common':>8}{'seeds':>7}{'spread':>8}{'covered %':>11}{'gain':>7}"
    conditions = [(True, 0.7, 3), (True, 0.7, 10), (True, 0.0, 3), (False, 0.7, 3)]
    for (both, common, n_seeds), spread in product(conditions, SPREADS):
        found = coverage(spread, n_seeds, both_tuned=both, common=common)
        rows.append(
            {
                "tuned": "both" if both else "one",
                "common": common,
                "n_trial_seeds": n_seeds,
                "spread": spread,
                "n_studies": STUDIES,
                **found,
            }
        )
        yield (
            f"{rows[-1]['tuned']:8}{common:8.1f}{n_seeds:7}{spread:8.1f}"
            f"{100 * found['covered']:11.1f}{found['gain']:+7.1f}"
        )
    results.save("tuning", rows, this_machine(device, threads))
