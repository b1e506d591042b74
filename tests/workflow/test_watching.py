"""The progress of a run, during it and afterwards."""

import os
import subprocess
import sys

import pytest

from spcl.status.jobs import jobs
from spcl.study.datasets import with_folds
from tests.workflow.conftest import GRID

pytestmark = pytest.mark.workflow

TRAIN = '''
"""In place of the training of a cell: no input, and no work except to wait until two have begun."""
import time
from pathlib import Path
from spcl.jobs.device import reserved_gpu
from spcl.errors import UserError
from spcl.jobs.job import job

with job(snakemake.log[0]), reserved_gpu(snakemake.params.device, Path("locks")) as gpu:
    cell = dict(snakemake.wildcards.items())
    Path("begun").mkdir(exist_ok=True)
    Path("begun", f"{cell['baseline']}-{cell['curriculum']}").write_text(gpu)
    end = time.monotonic() + 120
    while len(list(Path("begun").iterdir())) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    if cell["baseline"] == "mmgcn" and cell["curriculum"] == "spcl":
        raise UserError("data/meld-one: out of luck; try again")
    for path in snakemake.output:
        Path(path).touch()
'''


@pytest.fixture
def watched(project):
    """A project whose cells alone are to be made."""
    for job in jobs(GRID | {"datasets": with_folds(GRID["datasets"])}):
        if job.stage in ("corpora", "features"):
            for path in job.outputs:
                file = project.folder / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch() if file.suffix else file.mkdir()
    (project.folder / "scripts" / "train_cell.py").write_text(TRAIN)
    project.configure(GRID)
    return project


def status(project):
    """The lines of `spcl status`."""
    command = [sys.executable, "-m", "spcl", "status", "--configfile", "grid.yaml"]
    surroundings = {"cwd": project.folder, "env": os.environ | {"COLUMNS": "80"}}
    done = subprocess.run(command, **surroundings, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_status_reports_a_run_on_two_gpus_during_and_after_it(watched, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    on_both = ("--cores", "2", "--resources", "gpu=2")
    done = watched.snakemake("cells", *on_both, config="grid.yaml", check=False)
    assert done.returncode == 1
    begun = [path.read_text() for path in (watched.folder / "begun").iterdir()]
    assert len(begun) == 4
    assert set(begun) == {"0", "1"}
    said = [line for line in done.stderr.splitlines() if "of 4 cells done" in line]
    assert len(said) <= 4
    assert said[-1] == "3 of 4 cells done, 1 failed"
    lines = status(watched)
    assert lines[0].split() == ["little", "done", "failed", "to", "do"]
    assert lines[4].split() == ["cells", "3", "1", "0"]
    assert "  meld-one/mmgcn/at/spcl: data/meld-one: out of luck; try again" in lines
    assert "    logs/train_cell/meld-one/mmgcn/at/spcl.log" in lines


def test_who_wants_no_progress_gets_none(watched, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    (watched.folder / "begun").mkdir()
    for name in ("one", "another"):
        (watched.folder / "begun" / name).touch()
    target = "results/cells/meld-one/mmgcn/at/none/metrics.parquet"
    said = watched.says(target, "--cores", "1", "--quiet", "progress", config="grid.yaml")
    assert "cells done" not in said
