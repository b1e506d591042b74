"""A tuning that is killed at a random moment ends with the choice and tables of one that is not."""

import copy
import random
from functools import partial

import pytest

from tests.reliability.conftest import TINY, differences, wait_until, whole_tables

pytestmark = [pytest.mark.workflow, pytest.mark.end_to_end]

TUNED = copy.deepcopy(TINY) | {
    "tuning": {
        "trials": 3,
        "seeds": [101, 102],
        "baselines": {"mmgcn": {"learning_rate": [0.001, 0.01, 0.03]}},
        "curricula": {"spcl": {"threshold": [0.2, 0.4]}},
    }
}
TARGETS = ["cells", "results/tables/tiny/tuning.md"]
CHOICES = "results/tuning/meld-tiny/mmgcn/at"


def trials(project):
    """The trained seeds of all candidates, and when each was written."""
    found = (project.folder / "results" / "trials").rglob("metrics.parquet")
    return {path: path.stat().st_mtime_ns for path in found}


def test_a_killed_tuning_ends_with_the_same_choice_and_tables(finished, start, tmp_path):
    config = finished.configure(TUNED)
    reference = finished.copy(tmp_path / "reference")
    reference.snakemake(*TARGETS, "--cores", "2", config=config)

    dice = random.Random(4)
    begin = partial(start, finished, *TARGETS, config=config)
    for n_trials in sorted(dice.sample(range(1, 10), 3)):
        run = begin()
        wait_until(lambda run=run, n=n_trials: len(trials(finished)) >= n or run.ended)
        assert not run.ended, run.said
        run.kill()
        run.wait()
        assert whole_tables(finished.folder / "results")
    before = trials(finished)
    finished.snakemake(*TARGETS, "--cores", "2", config=config)

    after = trials(finished)
    assert len(after) == 2 * 3 * 2
    assert before.items() <= after.items()  # no trial was trained twice
    assert differences(finished, reference) == []
    for curriculum in ("none", "spcl"):
        for table in ("settings", "pace"):
            path = f"{CHOICES}/{curriculum}/{table}.parquet"
            assert (finished.folder / path).read_bytes() == (reference.folder / path).read_bytes()

    config = copy.deepcopy(TUNED)
    config["tuning"]["trials"] += 1
    finished.snakemake(*TARGETS, "--cores", "2", config=finished.configure(config))
    assert after.items() <= trials(finished).items()
    assert len(trials(finished)) == len(after) + 2 * 2
