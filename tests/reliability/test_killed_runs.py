"""A run that is killed twenty times ends with the numbers of one that is not.

Twenty moments are drawn with a seed: when a job starts, when a training ends an epoch, or some
tenths of a second after the former. At some of them SIGKILL goes to Snakemake and its jobs, at some
to Snakemake alone, whose jobs keep running, at the others to the jobs, which Snakemake restarts.
"""

import os
import random
import re
import signal
import time
from functools import partial

import pytest

from tests.reliability.conftest import (
    TARGETS,
    TINY,
    differences,
    wait_until,
    whole_tables,
)

pytestmark = [pytest.mark.workflow, pytest.mark.end_to_end]

MOMENTS = 20
RESTS = 6
VICTIMS = ["everything"] * 5 + ["snakemake"] * 2 + ["jobs"] * 13


def wait_for_job(run, seen):
    """Wait until the run has said that it starts more jobs than `seen`, and say how many."""

    def started():
        found = len(re.findall(r"^Job \d+: (?!All)", run.said, re.MULTILINE))
        return found if found > seen else run.ended and max(found, 1)

    return wait_until(started)


def wait_for_epoch(project, at_most_s):
    """Wait until a training has ended an epoch, or so many seconds."""

    def epochs():
        logs = project.folder.glob("logs/train_cell/**/*.log")
        return sum(log.read_text().count(" epoch ") for log in logs)

    before, end = epochs(), time.monotonic() + at_most_s
    wait_until(lambda: time.monotonic() > end or epochs() > before)


def strike(run, victim):
    if victim == "jobs":
        run.kill_jobs()
    elif victim == "snakemake":
        os.kill(run.pid, signal.SIGKILL)
    else:
        run.kill()
    if victim != "jobs":
        run.wait()


def test_twenty_kills_change_no_number_and_leave_nothing(fresh, undisturbed, start):
    dice = random.Random(6)
    victims = dice.sample(VICTIMS, MOMENTS)
    # Fewer rests than there are jobs: the run cannot end before the last kill.
    moments = dice.sample([*victims, *[None] * RESTS], MOMENTS + RESTS)
    config = fresh.configure(TINY)
    begin = partial(start, fresh, *TARGETS, "--retries", str(MOMENTS), config=config)
    run, seen = begin(), 0
    for victim in moments:
        seen = wait_for_job(run, seen)
        if victim is not None:
            wait_for_epoch(fresh, dice.uniform(0, 1.2))
            assert not run.ended, run.said
            strike(run, victim)
            assert whole_tables(fresh.folder / "results")
        if run.ended:
            run, seen = begin(), 0
    run.wait()

    fresh.snakemake(*TARGETS, "--cores", "2", config=config)
    assert differences(fresh, undisturbed) == []
    for pattern in ("*.partial*", "*.checkpoints", "*.shards", ".snakemake/incomplete/*"):
        assert list(fresh.folder.rglob(pattern)) == []
    assert "Nothing to be done" in fresh.says(*TARGETS, "--cores", "2", config=config)
