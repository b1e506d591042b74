"""A run that is told to end, doubled, or finds damage: what Snakemake then says and does."""

import signal
import time

import psutil
import pytest

from tests.reliability.conftest import CELLS, TINY, wait_until

pytestmark = [pytest.mark.workflow, pytest.mark.end_to_end]

LONG = TINY | {"training": {"epochs": 4000, "batch_size": 4}}
SPCL = f"{CELLS}/spcl/metrics.parquet"


def errors(said):
    """The lines that say what is wrong; nothing else may."""
    assert "Traceback" not in said
    return [line for line in said.splitlines() if line.startswith("error: ")]


def test_sigterm_saves_the_training_and_the_next_run_goes_on(finished, start):
    """The state is that of the step at which the signal came, not of some epoch before."""
    config = finished.configure(LONG)
    states = finished.folder / f"{CELLS}/spcl.checkpoints"
    run = start(finished, SPCL, config=config)
    wait_until(lambda: list(states.glob("seed-1.pt")))
    (training,) = run.jobs()
    training.send_signal(signal.SIGTERM)
    saved = time.time()
    psutil.wait_procs([training])
    assert (states / "seed-1.pt").stat().st_mtime >= saved - 1
    assert run.wait() == 1
    assert "interrupted by SIGTERM in epoch" in run.said
    assert "run again to go on from there" in run.said
    assert "Traceback" not in run.said
