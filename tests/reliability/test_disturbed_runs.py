"""A run that is told to end, is doubled, or finds damage: what Snakemake says, and what it heals.

Each begins where TARGETS are made, takes something away and lets Snakemake make it again.
"""

import os
import shutil
import signal
import subprocess
import time

import pytest

from tests.reliability.conftest import CELLS, TARGETS, differences, wait_until

pytestmark = [pytest.mark.workflow, pytest.mark.end_to_end]

CONFIG = "grid.yaml"
SPCL = f"{CELLS}/spcl/metrics.parquet"
FEATURES = "results/features/meld-tiny/a.parquet"


def errors(done):
    """The lines that say what is wrong; nothing but them may."""
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "Traceback" not in said
    return [line for line in said.splitlines() if line.startswith("error: ")]


def make(project, *arguments, check=True):
    command = [*(arguments or TARGETS), "--cores", "2"]
    return project.snakemake(*command, config=CONFIG, check=check)


def test_a_whole_run_that_is_told_to_end_goes_on_where_it_was(finished, undisturbed, start):
    """SIGTERM to Snakemake and its jobs, as a cluster sends it to all of an allocation."""
    shutil.rmtree(finished.folder / CELLS / "spcl")
    log = finished.folder / "logs/train_cell/meld-tiny/mmgcn/at/spcl.log"
    log.unlink()
    run = start(finished, SPCL, config=CONFIG)
    wait_until(lambda: log.exists() and "seed 1 epoch 3/" in log.read_text())
    (training,) = run.jobs()
    training.suspend()  # so that no signal comes too late
    os.killpg(run.process.pid, signal.SIGTERM)
    training.resume()
    assert run.wait() == 1
    assert "interrupted by SIGTERM in epoch " in run.said
    assert "run again to go on from there" in run.said
    assert (finished.folder / CELLS / "spcl.checkpoints" / "seed-1.pt").exists()
    assert "seed 1 goes on in epoch " in make(finished, SPCL).stderr
    assert differences(finished, undisturbed) == []


def test_a_second_run_in_one_folder_is_refused_and_the_first_undisturbed(
    finished, undisturbed, start
):
    shutil.rmtree(finished.folder / CELLS / "spcl")
    first = start(finished, SPCL, config=CONFIG)
    wait_until(lambda: "Training" in first.said)
    (training,) = wait_until(first.jobs)
    training.suspend()  # so that the first is not done before the second begins
    (line,) = errors(make(finished, SPCL, check=False))
    assert line == (
        "error: .snakemake/running: another snakemake works in this folder; wait until it is done"
    )
    training.resume()
    assert first.wait() == 0
    assert differences(finished, undisturbed) == []


def test_a_damaged_table_is_named_and_heals_once_it_is_deleted(finished, undisturbed):
    """Those who read it fail with one line, all others go on."""
    damaged = finished.folder / FEATURES
    times = damaged.stat()
    damaged.write_bytes(damaged.read_bytes()[:1000])
    os.utime(damaged, ns=(times.st_atime_ns, times.st_mtime_ns))
    for gone in (f"{CELLS}/spcl", "results/difficulty", "results/tables"):
        shutil.rmtree(finished.folder / gone)
    lines = errors(make(finished, check=False))
    assert lines
    for line in lines:
        assert line.startswith(f"error: {FEATURES}: not a readable Parquet file (")
        assert line.endswith(
            f"delete it and run again: snakemake --cores 1 {FEATURES}"
            " (with the --configfile of your run, if it had one)"
        )
    assert (finished.folder / "results/difficulty/meld-tiny/t.parquet").exists()
    assert (finished.folder / CELLS / "none" / "metrics.parquet").exists()
    damaged.unlink()
    make(finished)
    assert differences(finished, undisturbed) == []


def test_a_full_disk_is_named_and_the_run_goes_on_once_there_is_room(finished, undisturbed, disk):
    """The results, and they alone, are on a disk that fills up when the trainings are done."""
    for gone in (f"{CELLS}/spcl", "results/difficulty", "results/tables", "results/gathered"):
        shutil.rmtree(finished.folder / gone)
    disk.take(finished.folder / "results")
    disk.fill(0)
    lines = errors(make(finished, check=False))
    assert lines
    for line in lines:
        assert line.startswith("error: results/")
        assert line.endswith(
            ": cannot be written (No space left on device); make room there and run again"
        )
    assert not list((finished.folder / "results").rglob("*.partial*"))
    disk.make_room()
    make(finished)
    assert differences(finished, undisturbed) == []


def test_a_read_only_results_folder_is_one_line(finished, read_only):
    read_only(finished.folder / "results")
    (line,) = errors(make(finished, "-f", SPCL, check=False))
    assert line.startswith("error: results: cannot be written to; make it writable, or work in")


def test_results_of_the_past_are_left_alone(finished):
    """Made while the clock was a year behind."""
    then = time.time() - 365 * 24 * 3600
    for part in ("data", "results"):
        for path in (finished.folder / part).rglob("*"):
            os.utime(path, (then, then))
    assert "Nothing to be done" in finished.says("-n", *TARGETS, config=CONFIG)


@pytest.mark.parametrize("path", [FEATURES, "data/meld-tiny", "data/meld-tiny/dev_sent_emo.csv"])
def test_what_is_of_the_future_is_refused_and_the_remedy_heals_it(finished, path):
    """Snakemake would throw away what was made of it, after hours of training."""
    future = finished.folder / path
    if path.startswith("data"):  # as a corpus that no rule made
        (finished.folder / "data/meld-tiny/.snakemake_timestamp").unlink()
    later = time.time() + 3600
    os.utime(future, (later, later))
    said = finished.refusal(*TARGETS, config=CONFIG)
    assert said.startswith(f"error: {path}: its time stamp lies in the future, so what is made")
    subprocess.run(said.rpartition(": ")[2], shell=True, cwd=finished.folder, check=True)
    planned = finished.says("-n", *TARGETS, config=CONFIG)
    assert path != FEATURES or "Nothing to be done" in planned
    assert future.stat().st_mtime < later
