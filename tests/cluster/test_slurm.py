"""The workflow on a real SLURM, as a user would run it: through profiles/slurm and in one job.

All tests share two runs of Snakemake, which ask for little and look often, and one allocation.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from spcl.tables import parquet
from spcl.tables.schemas import HISTORY, METRICS
from tests.workflow.conftest import ROOT, Project, copy_of_project

pytestmark = [pytest.mark.slurm, pytest.mark.workflow]

SMOKE = "config/smoke.yaml"
CELLS = "results/cells/meld-smoke"
PROFILE = [
    "--workflow-profile",
    "profiles/slurm",
    "--slurm-init-seconds-before-status-checks",
    "10",
]
SMALL = ["mem_mb=1000 * attempt", "disk_mb=1", "runtime=20"]
OPTIONS = [*PROFILE, "--default-resources", *SMALL, "--set-threads", "train_cell=1"]
EPOCHS = 80
PATIENCE_S = 300
BROKEN = """
raise OSError("this node has no licence")

class Broken:
    pass

MODEL = Broken
"""


def slurm(*command, check=True):
    """What one of SLURM's commands prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=check)
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def _cluster():
    """Skips where no job can be submitted, or where other nodes do not see the tests' folders."""
    try:
        nodes = set(slurm("sinfo", "--noheader", "--Node", "--format=%N").split())
    except (OSError, subprocess.SubprocessError):
        pytest.skip("no SLURM here: sinfo does not answer")
    if nodes != {socket.gethostname().partition(".")[0]}:
        pytest.skip("this SLURM has other nodes, which do not see the folders of these tests")


@pytest.fixture(scope="module", autouse=True)
def _environment():
    """No GPU where Snakemake starts, one thread, and this Python's Snakemake in the PATH."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        yield


def wait_for(condition, process=None):
    """Wait until `condition` is true, while `process` runs if there is one."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert process is None or process.poll() is None, "Snakemake has ended"
        assert time.monotonic() < end, "timed out"
        time.sleep(0.2)


@dataclass(frozen=True)
class Done:
    """A run that has ended, and what it said."""

    project: Project
    said: str


def jobs(said, rule, wildcards=""):
    """SLURM's numbers of a rule's jobs and the paths of their logs, in the order of tries."""
    pattern = rf"SLURM jobid (\d+) \(log: (\S+/rule_{rule}/{wildcards}\S*\.log)\)"
    return [(number, Path(log)) for number, log in re.findall(pattern, said)]


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """From raw media to a table; the first try of each cell has too little memory to import torch.

    The jobs see a GPU on their node, though the machine where Snakemake starts has none and no job
    asks for one: so it is on clusters that do not hide what was not asked for.
    """
    project = copy_of_project(tmp_path_factory.mktemp("slurm") / "project")
    said = project.says(
        "results/tables/smoke/main.md",
        *OPTIONS,
        "extract_features=1",
        "--set-resources",
        "train_cell:mem_mb=200 * attempt ** 3",
        "--precommand",
        "export CUDA_VISIBLE_DEVICES=0",
        config=SMOKE,
        fork=False,
    )
    return Done(project, said)


def test_the_smoke_grid_runs(smoke):
    assert "9 of 9 steps (100%) done" in smoke.said
    for rule, n in {"simulate_corpus": 1, "extract_features": 3, "tabulate": 1}.items():
        assert len(jobs(smoke.said, rule)) == n
    for curriculum in ("none", "spcl"):
        path = smoke.project.folder / CELLS / "mmgcn/atv" / curriculum / "metrics.parquet"
        assert parquet.read(path, METRICS).num_rows
    assert (smoke.project.folder / "results/tables/smoke/main.md").exists()


def test_it_is_said_what_auto_means_where_other_nodes_may_have_gpus(smoke):
    assert "device: auto means cpu, as on this machine" in smoke.said


def test_a_job_over_its_memory_is_tried_again_with_more(smoke):
    for curriculum in ("none", "spcl"):
        (first, log), (second, _) = jobs(
            smoke.said, "train_cell", f"meld-smoke_mmgcn_atv_{curriculum}"
        )
        assert re.search("exceeded memory limit|oom.kill", log.read_text())
        assert "MinMemoryNode=200M" in slurm("scontrol", "show", "job", first)
        job = slurm("scontrol", "show", "job", second)
        assert "MinMemoryNode=1600M" in job
        assert "JobState=COMPLETED" in job


def grid_of_long_cells():
    """A cell of many epochs, one without end, and one whose code breaks where it is imported."""
    config = yaml.safe_load((ROOT / SMOKE).read_text())
    mmgcn = config["baselines"]["mmgcn"] | {"source": "spcl.models.mmgcn"}
    config["baselines"] = {
        "long": mmgcn | {"training": {"epochs": EPOCHS}},
        "endless": mmgcn | {"training": {"epochs": 10**9}},
        "broken": {"source": "broken.py"},
    }
    config["grid"] |= {"baselines": [*config["baselines"]], "curricula": ["none"]}
    return config | {"name": "long"}


@dataclass(frozen=True)
class Cancelled(Done):
    """A run that was ended by Ctrl-C, and the one job that ran the same grid beside it."""

    code: int
    left: list[str]
    alone: Project
    allocation: str


def log_of(project, baseline):
    """What a long cell's log says so far."""
    log = project.folder / f"logs/train_cell/meld-smoke/{baseline}/atv/none.log"
    return log.read_text() if log.exists() else ""


@pytest.fixture(scope="module")
def cancelled(smoke, tmp_path_factory):
    """The long cell is pre-empted in its first try; when it is done, Ctrl-C ends the run."""
    project = smoke.project.copy(tmp_path_factory.mktemp("long") / "project")
    (project.folder / "broken.py").write_text(BROKEN)
    config = project.configure(grid_of_long_cells())
    alone = project.copy(tmp_path_factory.mktemp("alone") / "project")

    command = [sys.executable, "-m", "snakemake", "cells", *OPTIONS, "--retries", "1"]
    command += ["--set-resources", "train_cell:gpu=int(wildcards.baseline == 'broken')"]
    printed = project.folder / "printed"
    with printed.open("w") as file:
        run = subprocess.Popen(
            [*command, "--configfile", config], cwd=project.folder, stdout=file, stderr=file
        )
    asks = ["--cpus-per-task=1", "--mem=1500", "--time=20", f"--chdir={alone.folder}"]
    script = str(alone.folder / "profiles/slurm/allocation.sh")
    target = f"{CELLS}/endless/atv/none/metrics.parquet"
    allocation = slurm(
        *["sbatch", "--parsable", *asks, "--output=allocation.log"],
        *[script, target, "--configfile", config],
    ).strip()
    try:
        wait_for(lambda: " epoch 5/" in log_of(project, "long"), run)
        ((number, _),) = jobs(printed.read_text(), "train_cell", "meld-smoke_long")
        slurm("scancel", "--signal=TERM", number)
        wait_for(lambda: " epoch 1/" in log_of(alone, "endless"))
        slurm("scancel", "--signal=TERM", allocation)
        wait_for(lambda: "1 of 4 steps" in printed.read_text(), run)
        wait_for(lambda: len(failures(printed.read_text(), "broken")) == 2, run)
        wait_for(lambda: " epoch 1/" in log_of(project, "endless"), run)
        (name,) = re.findall(r"SLURM run ID: (\S+)", printed.read_text())
        run.send_signal(signal.SIGINT)
        code = run.wait(PATIENCE_S)
        left = slurm("squeue", "--noheader", "--name", name, "--format=%i %T").splitlines()
        wait_for(lambda: not slurm("squeue", "--noheader", "--name", name))
        wait_for(lambda: not slurm("squeue", "--noheader", "--jobs", allocation))
    finally:
        run.kill()
        ours = [allocation, *re.findall(r"SLURM jobid (\d+)", printed.read_text())]
        slurm("scancel", *ours, check=False)
    return Cancelled(project, printed.read_text(), code, left, alone, allocation)


def failures(said, baseline):
    """What is said of each try of a cell that failed."""
    blocks = re.findall(r"^Error in rule train_cell:\n(?:    .*\n)+", said, re.MULTILINE)
    return [block for block in blocks if f"/{baseline}/" in block]


def test_a_cancelled_cell_resumes_from_its_checkpoint(cancelled):
    assert len(jobs(cancelled.said, "train_cell", "meld-smoke_long")) == 2
    cell = cancelled.project.folder / CELLS / "long/atv/none"
    log = log_of(cancelled.project, "long")
    (epoch,) = map(int, re.findall(r"seed 1 resumes in epoch (\d+)", log))
    assert epoch >= 5
    trained = re.findall(r"seed 1 epoch (\d+)/", log)
    assert [int(number) for number in trained] == list(range(epoch, EPOCHS + 1))
    history = parquet.read(cell / "history.parquet", HISTORY)
    assert history["epoch"].to_pylist() == list(range(1, EPOCHS + 1))
    assert not cell.with_name("none.checkpoints").exists()


def test_a_failure_on_a_node_is_reported_with_the_path_of_its_log(cancelled):
    for said, (number, log) in zip(
        failures(cancelled.said, "broken"),
        jobs(cancelled.said, "train_cell", "meld-smoke_broken"),
        strict=True,
    ):
        assert f"SLURM-job '{number}' failed, SLURM status is: 'FAILED'" in said
        assert str(log) in said
        assert "error: device: cuda: torch finds no GPU here" in log.read_text()


def test_gpus_are_granted_to_the_cells_that_ask_for_them(cancelled):
    asks = {
        baseline: "gres:gpu:1" in slurm("scontrol", "show", "job", number)
        for baseline in ("broken", "long", "endless")
        for number, _ in jobs(cancelled.said, "train_cell", f"meld-smoke_{baseline}")
    }
    assert asks == {"broken": True, "long": False, "endless": False}


def test_a_cancelled_run_leaves_no_job_behind(cancelled):
    assert cancelled.code != 0
    assert all(line.endswith("COMPLETING") for line in cancelled.left)
    (job,) = jobs(cancelled.said, "train_cell", "meld-smoke_endless")
    assert "JobState=CANCELLED" in slurm("scontrol", "show", "job", job[0])


def test_cells_of_one_allocation_hear_that_it_ends(cancelled):
    said = (cancelled.alone.folder / "allocation.log").read_text()
    assert "interrupted by SIGTERM" in said
    assert "run again to resume" in log_of(cancelled.alone, "endless")
    working = cancelled.alone.folder / CELLS / "endless/atv/none.checkpoints"
    assert (working / "seed-1.pt").exists()
    assert "JobState=FAILED" in slurm("scontrol", "show", "job", cancelled.allocation)
