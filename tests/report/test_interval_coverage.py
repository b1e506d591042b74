"""The 95 % interval of a gain covers 0 about 95 times in 100 where there is no gain."""

import numpy as np
import pytest

from spcl.provenance.environment import Provenance
from spcl.report.analysis import statistics
from spcl.report.analysis.statistics import Tally, tally
from spcl.study.grid import Cell
from spcl.training.cell import train_cell
from spcl.training.settings import CellSettings
from tests.conftest import make_corpus

BAND = (0.92, 0.98)
RUNS = 500


def interval(first, second):
    """The interval of the mean gain of `second` over `first`, seeds paired in their order."""
    observed = statistics.weighted_f1(second.counts.sum(1)) - statistics.weighted_f1(
        first.counts.sum(1)
    )
    resampled = statistics.bootstrap_scores(second, 500) - statistics.bootstrap_scores(first, 500)
    return statistics.bootstrap_interval(observed, resampled, first.counts.shape[1])


def covers(low, high):
    return low <= 0 <= high


def made_runs(rng, *, n_dialogues, length, n_seeds, of_dialogues, of_seeds):
    """Two cells alike: each seed is good or bad as a whole, and better at some dialogues."""
    n_classes, n = 6, n_dialogues * length
    dialogue = np.repeat(np.arange(n_dialogues), length)
    true = rng.choice(n_classes, n, p=[0.35, 0.2, 0.15, 0.12, 0.1, 0.08])
    ease = 0.5 + rng.normal(0, 1, n) + rng.normal(0, 0.5, n_dialogues)[dialogue]
    for _ in range(2):
        of_cell = rng.normal(0, of_dialogues, n_dialogues)
        answers = []
        for luck in rng.normal(0, of_seeds, n_seeds):
            right = rng.logistic(size=n) < ease + luck + of_cell[dialogue]
            wrong = (true + 1 + rng.integers(n_classes - 1, size=n)) % n_classes
            answers.append(np.where(right, true, wrong))
        yield tally(
            np.repeat(np.arange(n_seeds), n),
            np.tile(dialogue, n_seeds),
            np.tile(true, n_seeds),
            np.concatenate(answers),
            n_dialogues=n_dialogues,
            n_classes=n_classes,
        )


@pytest.mark.parametrize(
    "sizes",
    [
        {"n_dialogues": 31, "length": 20, "n_seeds": 5, "of_dialogues": 0.3, "of_seeds": 0.15},
        {"n_dialogues": 31, "length": 20, "n_seeds": 5, "of_dialogues": 0.2, "of_seeds": 0.4},
        {"n_dialogues": 80, "length": 9, "n_seeds": 3, "of_dialogues": 0.4, "of_seeds": 0.2},
        {"n_dialogues": 12, "length": 12, "n_seeds": 10, "of_dialogues": 0.3, "of_seeds": 0.2},
        {"n_dialogues": 31, "length": 20, "n_seeds": 1, "of_dialogues": 0.3, "of_seeds": 0.0},
    ],
    ids=["as IEMOCAP", "seeds matter most", "three seeds", "few dialogues", "one seed"],
)
def test_two_made_cells_that_differ_in_their_seeds_alone(sizes):
    rng = np.random.default_rng(0)
    found = [covers(*interval(*made_runs(rng, **sizes))) for _ in range(RUNS)]
    assert BAND[0] <= np.mean(found) <= BAND[1]


def test_two_trained_cells_of_the_curriculum_none():
    """Ten seeds in two cells; each time with another split of the seeds and other dialogues."""
    corpus = make_corpus([4, 9, 6, 8, 5, 7, 6, 3] * 12, signal=0.4)
    first, second = (trained_none(corpus, seeds) for seeds in (range(1, 6), range(6, 11)))
    counts = np.concatenate([first.counts, second.counts])
    assert statistics.weighted_f1(counts.sum(1)).std() > 0.01  # seeds do differ
    rng = np.random.default_rng(0)
    n_dialogues = counts.shape[1]
    found = []
    for _ in range(RUNS):
        drawn = counts[:, rng.integers(n_dialogues, size=n_dialogues)]
        dealt = rng.permutation(10)
        cells = [Tally(np.arange(5), drawn[of_cell]) for of_cell in (dealt[:5], dealt[5:])]
        found.append(covers(*interval(*cells)))
    assert BAND[0] <= np.mean(found) <= BAND[1]


def trained_none(corpus, seeds):
    """What late fusion, trained without a curriculum, predicts on the test split."""
    settings = CellSettings.from_config(
        {
            "seeds": list(seeds),
            "training": {"epochs": 4, "batch_size": 16, "learning_rate": 0.01},
            "model": {"hidden": 4, "dropout": 0.2},
            "curriculum": {},
        }
    )
    provenance = Provenance(commit="0", versions={}, device="here", config_digest="0")
    cell = Cell("made", "late_fusion", "at", "none")
    rows = train_cell(cell, *corpus, settings, provenance=provenance).predictions.to_pandas()
    rows = rows[rows["split"] == "test"]
    emotions = sorted(rows["emotion"].unique())
    dialogues = np.unique(rows["dialogue_id"], return_inverse=True)
    return tally(
        rows["seed"].to_numpy(),
        dialogues[1],
        np.searchsorted(emotions, rows["emotion"]),
        np.searchsorted(emotions, rows["predicted"]),
        n_dialogues=len(dialogues[0]),
        n_classes=len(emotions),
    )
