"""Terminated runs, two runs in one folder, and damaged tables: messages of Snakemake, and recovery.

Each begins where TARGETS are made, takes something away and lets Snakemake make it again.
"""

import os
import shutil
import signal
import time

import pyarrow.parquet as pq
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


def forget(project, curriculum):
    """Delete a cell, and what was kept of its seeds."""
    shutil.rmtree(project.folder / CELLS / curriculum)
    shutil.rmtree(project.folder / CELLS.replace("cells", "kept") / curriculum)


def test_a_terminated_run_resumes_from_its_checkpoints(finished, undisturbed, start):
    """SIGTERM to Snakemake and its jobs, as a cluster sends it to all of an allocation."""
    forget(finished, "spcl")
    log = finished.folder / "logs/train_cell/meld-tiny/mmgcn/at/spcl.log"
    log.unlink()
    run = start(finished, SPCL, config=CONFIG)
    wait_until(lambda: log.exists() and "seed 1 epoch 3/" in log.read_text())
    (training,) = run.jobs()
    training.suspend()  # so that no signal comes too late
    os.killpg(run.pid, signal.SIGTERM)
    training.resume()
    assert run.wait() == 1
    assert "interrupted by SIGTERM in epoch " in run.said
    assert "run again to resume" in run.said
    assert (finished.folder / CELLS / "spcl.checkpoints" / "seed-1.pt").exists()
    assert "seed 1 resumes in epoch " in make(finished, SPCL).stderr
    assert differences(finished, undisturbed) == []


def test_a_second_run_in_one_folder_is_refused_and_the_first_undisturbed(
    finished, undisturbed, start
):
    forget(finished, "spcl")
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


@pytest.mark.parametrize("damage", ["cut off", "a bit flipped", "another program's"])
def test_a_damaged_table_is_recreated(finished, undisturbed, damage):
    """Under the time stamp that it had; what was made of it before stays."""
    path = finished.folder / FEATURES
    before, times = path.read_bytes(), path.stat()
    if damage == "cut off":
        path.write_bytes(before[:1000])
    elif damage == "a bit flipped":
        path.write_bytes(before[:1000] + bytes([before[1000] ^ 1]) + before[1001:])
    else:
        pq.write_table(pq.read_table(path), path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    said = make(finished).stderr
    assert f"{FEATURES} was changed after it was written, or by another program" in said
    assert path.read_bytes() == before
    assert differences(finished, undisturbed) == []


def test_a_full_disk_is_reported_and_the_run_resumes_later(finished, undisturbed, disk):
    """The results, and they alone, are on a disk that fills up when the trainings are done."""
    forget(finished, "spcl")
    for gone in ("results/difficulty", "results/tables", "results/gathered"):
        shutil.rmtree(finished.folder / gone)
    disk.take(finished.folder / "results")
    disk.fill(0)
    lines = errors(make(finished, check=False))
    assert lines
    for line in lines:
        assert line.startswith("error: results/")
        assert line.endswith(
            ": cannot be written (No space left on device); free disk space and run again"
        )
    assert not list((finished.folder / "results").rglob("*.partial*"))
    disk.make_room()
    make(finished)
    assert differences(finished, undisturbed) == []


def test_a_read_only_results_folder_is_one_line(finished, read_only):
    read_only(finished.folder / "results")
    (line,) = errors(make(finished, "-f", SPCL, check=False))
    assert line.startswith("error: results: cannot be written to; make it writable, or work in")


@pytest.mark.parametrize("years", [-1, 1], ids=["past", "future"])
def test_time_stamps_of_the_past_and_of_the_future_are_no_reason(finished, undisturbed, years):
    """Made, or copied, while a clock was wrong."""
    wrong = time.time() + years * 365 * 24 * 3600
    for part in ("data", "results"):
        for path in (finished.folder / part).rglob("*"):
            os.utime(path, (wrong, wrong))
    assert "Nothing to be done" in finished.says("-n", *TARGETS, config=CONFIG)
    shutil.rmtree(finished.folder / "results/difficulty")
    make(finished)
    assert differences(finished, undisturbed) == []
