"""The power that the table `plan` predicts is the power that simulated comparisons have."""

import math

import numpy as np
import pytest
from made_results import make_results

from spcl.report.analysis import power, statistics
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import TestScores
from spcl.report.analysis.statistics import MeanVariance, Tally
from spcl.report.tables import tabulate
from tests.report.test_calibration import made_runs

RUNS = 1500
TOLERANCE = 0.05
CELL = ["dataset", "baseline", "modalities", "curriculum"]


def expected(*, n_seeds, n_dialogues, of_dialogues, of_seeds, noise):
    """The true variance of the mean of `differences`; standard deviations of the whole split."""
    return MeanVariance(
        dialogues=of_dialogues**2 + noise**2 / n_seeds,
        seeds=(of_seeds**2 + noise**2) / n_seeds,
        noise=noise**2 / n_seeds,
        n_seeds=n_seeds,
        n_dialogues=n_dialogues,
    )


def differences(rng, effect, *, n_seeds, n_dialogues, of_dialogues, of_seeds, noise):
    """(S, D) paired differences by seed and dialogue, whose mean is `effect`."""
    root = math.sqrt(n_dialogues)
    return (
        effect
        + rng.normal(0, of_dialogues * root, n_dialogues)
        + rng.normal(0, of_seeds, (n_seeds, 1))
        + rng.normal(0, noise * root, (n_seeds, n_dialogues))
    )


def counts(by_dialogue):
    """Counts of one class whose weighted F1 is the mean of `by_dialogue` over the dialogues."""
    ones = np.ones_like(by_dialogue)
    return np.stack([by_dialogue, ones, ones], 2)[..., None]


def is_above_zero(by_dialogue):
    tallied = Tally(np.arange(len(by_dialogue)), counts(by_dialogue))
    resampled = statistics.bootstrap_scores(tallied, 300)
    low, _ = statistics.bootstrap_interval(
        by_dialogue.mean(1), resampled, by_dialogue.shape[1]
    )
    return low > 0


def has_star(by_dialogue, n_tests):
    """Whether the main table's test finds a gain in the first step of Holm's correction."""
    if len(by_dialogue) >= statistics.WILCOXON_SEEDS:
        p = statistics.wilcoxon_p(by_dialogue.mean(1))
    else:
        permuted = statistics.permuted(counts(0 * by_dialogue), counts(by_dialogue), 1999)
        p = statistics.share_as_extreme(permuted)
    return by_dialogue.mean() > 0 and p * n_tests < 0.05


SIZES = [
    {"n_seeds": 3, "n_dialogues": 31, "of_dialogues": 0.4, "of_seeds": 0.3, "noise": 0.6},
    {"n_seeds": 5, "n_dialogues": 31, "of_dialogues": 0.3, "of_seeds": 0.8, "noise": 0.5},
    {"n_seeds": 3, "n_dialogues": 280, "of_dialogues": 0.2, "of_seeds": 0.9, "noise": 0.2},
    {"n_seeds": 10, "n_dialogues": 20, "of_dialogues": 0.5, "of_seeds": 0.5, "noise": 0.9},
    {"n_seeds": 20, "n_dialogues": 80, "of_dialogues": 0.25, "of_seeds": 1.0, "noise": 0.5},
    {"n_seeds": 40, "n_dialogues": 31, "of_dialogues": 0.4, "of_seeds": 0.2, "noise": 0.2},
]


@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: f"{sizes['n_seeds']} seeds")
@pytest.mark.parametrize("effect", [0.5, 1.0, 1.6])
def test_the_interval_has_the_predicted_power(sizes, effect):
    rng = np.random.default_rng(0)
    found = [is_above_zero(differences(rng, effect, **sizes)) for _ in range(RUNS)]
    predicted = power.interval_power(expected(**sizes), effect)
    assert np.mean(found) == pytest.approx(predicted, abs=TOLERANCE)


@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: f"{sizes['n_seeds']} seeds")
@pytest.mark.parametrize(("effect", "n_tests"), [(1.0, 1), (1.0, 8), (1.6, 8)])
def test_the_p_value_has_the_predicted_power(sizes, effect, n_tests):
    """A permutation test varies only the dialogues, Wilcoxon's only the seeds."""
    held = "of_seeds" if sizes["n_seeds"] < statistics.WILCOXON_SEEDS else "of_dialogues"
    sizes = sizes | {held: 0.0}
    rng = np.random.default_rng(1)
    runs = RUNS // 2
    found = [has_star(differences(rng, effect, **sizes), n_tests) for _ in range(runs)]
    predicted = power.p_power(expected(**sizes), effect, n_tests)
    assert np.mean(found) == pytest.approx(predicted, abs=TOLERANCE)
