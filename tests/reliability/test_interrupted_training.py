"""A terminated training saves a checkpoint at once, and its next run resumes from it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from spcl.training.cell_tables import KINDS, CellTables
from tests.reliability.conftest import wait_until

ROOT = Path(__file__).parents[2]
JOB = """
import sys
from pathlib import Path
from spcl.study.grid import Cell
from spcl.jobs.job import job
from spcl.provenance.environment import Provenance
from spcl.training.cell import train_cell
from spcl.training.cell_tables import KINDS
from spcl.training.checkpoints import Checkpoints
from spcl.training.settings import CellSettings
from tests.conftest import make_corpus

folder = Path(sys.argv[1])
with job(folder / "job.log"):
    checkpoints = Checkpoints(folder / "working", folder / "kept")
    config = {
        "seeds": [1, 2],
        "training": {"epochs": 30, "batch_size": 4},
        "model": {},
        "curriculum": {"threshold": 0.4, "growth": 1.25},
    }
    tables = train_cell(
        Cell("made", "late_fusion", "at", "spcl"),
        *make_corpus([9] * 20),
        CellSettings.from_config(config),
        provenance=Provenance("0", {}, "here", "0", training_digest="same"),
        checkpoints=checkpoints,
    )
    paths = {kind: folder / f"{kind}.parquet" for kind in KINDS}
    tables.write(paths)
    checkpoints.keep(paths)
"""
"""What the workflow's script does, with a corpus made up on the way."""


class Training:
    """Such a job in a process of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.state = folder / "working" / "seed-1.pt"
        folder.mkdir(exist_ok=True)

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-c", JOB, str(self.folder)],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
            text=True,
        )
        return self.process

    @property
    def log(self):
        path = self.folder / "job.log"
        return path.read_text() if path.exists() else ""

    def stop_within_an_epoch(self):
        """Let it hang while the first seed trains, so that no signal comes too late."""
        wait_until(lambda: "seed 1 epoch 3/" in self.log)
        self.process.send_signal(signal.SIGSTOP)

    def tables(self):
        """The bytes of those that hold no times."""
        kinds = [kind for kind in KINDS if kind != "metrics"]
        return [(self.folder / f"{kind}.parquet").read_bytes() for kind in kinds]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    training = Training(tmp_path_factory.mktemp("undisturbed"))
    _, said = training.start().communicate()
    assert training.process.returncode == 0, said
    return training.tables()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"]
)
def test_a_terminated_training_loses_no_step(tmp_path, undisturbed, number, status):
    training = Training(tmp_path / "cell")
    process = training.start()
    training.stop_within_an_epoch()
    training.state.unlink(missing_ok=True)  # what an epoch's end may have left
    process.send_signal(number)
    process.send_signal(signal.SIGCONT)
    _, said = process.communicate()
    assert process.returncode == status
    assert training.state.exists()
    (line,) = said.splitlines()
    assert line.startswith(f"interrupted by {number.name} in epoch ")
    assert line.endswith(" of seed 1; run again to resume")
    epoch = line.split()[5]

    _, said = training.start().communicate()
    assert training.process.returncode == 0
    assert f"seed 1 resumes in epoch {epoch}" in said
    assert "seed 1 epoch 1/" not in training.log
    assert training.tables() == undisturbed
    assert not training.state.parent.exists()


def test_a_killed_training_resumes_from_its_last_checkpoint(tmp_path, undisturbed):
    training = Training(tmp_path / "cell")
    process = training.start()
    wait_until(training.state.exists)
    process.kill()
    process.communicate()
    _, said = training.start().communicate()
    assert "seed 1 resumes in epoch " in said
    assert training.tables() == undisturbed
    metrics = CellTables.read({kind: training.folder / f"{kind}.parquet" for kind in KINDS}).metrics
    assert metrics["train_seconds"].to_numpy().min() > 0
