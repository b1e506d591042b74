"""A grid of two small cells, runs of it that can be disturbed, and what they leave."""

import fcntl
import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from spcl.provenance.footer import read_footer
from tests.workflow.conftest import Fork, Project, copy_of_project

TINY = {
    "name": "tiny",
    "datasets": {
        "meld-tiny": {
            "layout": "meld",
            "path": "data/meld-tiny",
            "protocol": "official",
            "simulate": {"seed": 1, "dialogues": 9},
        }
    },
    "features": {"t": {"extractor": "minilm"}, "a": {"extractor": "logmel"}},
    "difficulty": {"folds": 2},
    "grid": {
        "baselines": ["mmgcn"],
        "modalities": ["at"],
        "curricula": ["none", "spcl"],
        "seeds": [1, 2],
    },
    "training": {"epochs": 10, "batch_size": 4},
    "baselines": {"mmgcn": {"model": {"hidden": 8}}},
    "curricula": {"none": {}, "spcl": {"settings": {"threshold": 0.4, "growth": 1.25}}},
}
CELLS = "results/cells/meld-tiny/mmgcn/at"
TARGETS = ["cells", "difficulty", "results/tables/tiny/main.md", "results/figures/tiny/main.svg"]
"""A job of every rule but those that measure, fetch and pool."""

_MEASURED = ["train_seconds", "utterances_per_second", "peak_memory_mb"]
_PATIENCE_S = 300  # far beyond what anything here takes, on a busy machine too


def wait_until(condition):
    """The first value of `condition` that is true."""
    end = time.monotonic() + _PATIENCE_S
    while not (value := condition()):
        assert time.monotonic() < end, "timed out"
        time.sleep(0.01)
    return value


class Run(Fork):
    """Snakemake at work in a project, in a process group of its own."""

    def __init__(self, project, *arguments, config):
        super().__init__(project, [*arguments, "--cores", "2", "--configfile", config], "jobs")

    @property
    def said(self):
        return self.stdout + self.stderr

    def jobs(self):
        """The processes of its jobs."""
        try:
            return psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def kill_jobs(self):
        for one in self.jobs():
            with suppress(psutil.NoSuchProcess):
                one.kill()


@pytest.fixture
def start():
    """Start runs; whatever goes wrong, none outlives its test."""
    runs = []

    def started(*arguments, **options):
        runs.append(Run(*arguments, **options))
        return runs[-1]

    yield started
    for run in runs:
        run.kill()


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, worker_id):
    """A project in which TARGETS were made without a disturbance. Not to be changed."""
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent  # one for all processes of a run of the tests
    with (shared / "undisturbed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = shared / "undisturbed" / "project"
        if not (shared / "undisturbed" / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            project = copy_of_project(folder)
            project.snakemake("--cores", "2", *TARGETS, config=project.configure(TINY))
            (shared / "undisturbed" / "done").touch()
    return Project(folder)


@pytest.fixture
def fresh(undisturbed, tmp_path):
    """The same sources with nothing made."""
    folder = tmp_path / "project"
    made = shutil.ignore_patterns("data", "results", "logs", "benchmarks", ".snakemake")
    shutil.copytree(
        undisturbed.folder,
        folder,
        ignore=lambda at, names: made(at, names) if at == str(undisturbed.folder) else set(),
    )
    return Project(folder)


@pytest.fixture
def finished(undisturbed, tmp_path):
    """A copy of `undisturbed`, to be changed."""
    return undisturbed.copy(tmp_path / "project")


class Disk:
    """A small file system in memory."""

    def __init__(self, folder):
        self.folder = folder
        self.filler = folder / "filler"

    def take(self, folder):
        """Stand in for a folder, with what lies in it."""
        shutil.copytree(folder, self.folder, dirs_exist_ok=True)
        shutil.rmtree(folder)
        folder.symlink_to(self.folder)

    def fill(self, leaving):
        """Leave so many bytes free."""
        free = os.statvfs(self.folder)
        self.filler.write_bytes(bytes(free.f_bavail * free.f_frsize - leaving))

    def make_room(self):
        self.filler.unlink()

    def files(self):
        """What lies there, temporary files included."""
        return {path.name for path in self.folder.rglob("*") if path.is_file()} - {"filler"}


def mount(*arguments):
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"only root may mount a file system ({done.stderr.strip()})")


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=4m", "spcl-test", folder)
    yield Disk(folder)
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def read_only(tmp_path):
    """Turn folders read-only; root may write wherever permissions forbid it, but not there."""
    folders = []

    def turn(folder):
        mount("--bind", folder, folder)
        folders.append(folder)
        mount("-o", "remount,bind,ro", folder)

    yield turn
    for folder in folders:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))


def content(project):
    """By path: every file of data and results, without what is measured, and what quotes it."""
    found = {}
    for part in ("data", "results"):
        for path in sorted((project.folder / part).rglob("*")):
            if path.name == "metrics.parquet":
                table = pq.read_table(path).drop(_MEASURED)
                found[str(path.relative_to(project.folder))] = table.to_pydict()
            elif path.suffix == ".parquet":
                found[str(path.relative_to(project.folder))] = read_footer(path).content
            elif path.is_file():
                found[str(path.relative_to(project.folder))] = path.read_bytes()
    return found


def differences(project, other):
    """The files in which two projects differ, or that one of them lacks."""
    ours, theirs = content(project), content(other)
    return sorted(path for path in ours | theirs if ours.get(path) != theirs.get(path))


def whole_tables(folder):
    """Whether every Parquet file that a later stage could read is whole."""
    for path in Path(folder).rglob("*.parquet"):
        if not path.name.startswith("."):
            pq.read_metadata(path)
    return True
