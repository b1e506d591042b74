"""A copy of the project to run Snakemake in, and the words to ask it with."""

import atexit
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PARTS = (
    *("Snakefile", "workflow", "scripts", "spcl", "config", "envs", "profiles"),
    *("pyproject.toml", "CITATION.cff"),
)

GRID = {
    "name": "little",
    "datasets": {
        "meld-one": {
            "layout": "meld",
            "path": "data/meld-one",
            "protocol": "official",
            "simulate": {"seed": 1, "dialogues": 9},
        }
    },
    "features": {"t": {"extractor": "minilm"}, "a": {"extractor": "logmel"}},
    "grid": {
        "baselines": ["late_fusion", "mmgcn"],
        "modalities": ["at"],
        "curricula": ["none", "spcl"],
        "seeds": [1],
    },
    "training": {"epochs": 2},
    "baselines": {"late_fusion": {}, "mmgcn": {"model": {"hidden": 8}}},
    "curricula": {"none": {}, "spcl": {"settings": {"threshold": 0.4, "growth": 1.25}}},
}
"""A config of four cells, for tests that run nothing."""

BROUGHT = {letter: {"extractor": "corpus"} for letter in "at"}
CHATS = {"path": "data/chats", "protocol": "official", "modalities": "t"}
MIXED = GRID | {
    "datasets": {
        **GRID["datasets"],
        "chats": CHATS
        | {
            "download": {
                "url": "https://example.org/chats.zip",
                "sha256": 64 * "0",
                "licence": "CC BY 4.0",
            }
        },
        "chats-drawn": CHATS | {"protocol": "spcl", "features": BROUGHT},
        "acted": {
            "layout": "iemocap",
            "path": "data/acted",
            "protocol": "leave-one-session-out",
            "sessions": [2, 4],
            "simulate": {"seed": 1, "dialogues": 10},
        },
    },
    "grid": {
        "baselines": ["mmgcn"],
        "modalities": ["at", "t"],
        "curricula": ["none"],
        "seeds": [1],
    },
}
"""Two modalities or one, downloaded or simulated, as it comes or in two folds."""


PLANS = {"-n", "--detailed-summary", "--touch", "--lint"}
"""What makes Snakemake start no job."""


@cache
def forked(*what):
    """The process that runs Snakemake in forks, and ``jobs`` too, for all tests of this process."""
    command = [sys.executable, str(ROOT / "tests" / "workflow" / "forked.py"), *what]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
    atexit.register(process.communicate)
    return process


class Fork:
    """Snakemake at work in a project, in a process group of its own."""

    numbers = count()

    def __init__(self, project, arguments, *what):
        self.files = project.folder.with_name(f"{project.folder.name}-run{next(self.numbers)}.")
        names = ("stdout", "stderr", "status")
        said = {name: str(self.files.with_suffix(f".{name}")) for name in names}
        asked = {"arguments": arguments, "folder": str(project.folder), **said}
        process = forked(*what)
        process.stdin.write(json.dumps(asked | {"environment": dict(os.environ)}) + "\n")
        process.stdin.flush()
        self.pid = int(process.stdout.readline())

    def _said(self, name):
        path = self.files.with_suffix(f".{name}")
        return path.read_text() if path.exists() else ""

    @property
    def stdout(self):
        return self._said("stdout")

    @property
    def stderr(self):
        return self._said("stderr")

    @property
    def ended(self):
        return self.files.with_suffix(".status").exists()

    def kill(self):
        """SIGKILL to Snakemake and all its jobs."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def wait(self, at_most_s=600):
        """Wait for its end; its exit status."""
        end = time.monotonic() + at_most_s
        while not self.ended:
            assert time.monotonic() < end, "timed out"
            time.sleep(0.01)
        return int(self._said("status"))


@dataclass(frozen=True)
class Project:
    """A copy of the project."""

    folder: Path

    def snakemake(self, *arguments, config=None, check=True, fork=True):
        """Run Snakemake here; `config` is a file's path, the default one if None.

        With `fork` neither it nor its jobs need a start-up: both are forks of a process that has
        imported what they need. Without it they start as a user starts them.
        """
        arguments = [*arguments, *(["--configfile", str(config)] if config else [])]
        if not fork:
            done = self._run(arguments)
        elif PLANS & {*arguments}:
            done = self._fork(arguments)
        else:
            done = self._fork(arguments, "jobs")
        if check and done.returncode:
            raise AssertionError(f"{done.args} failed:\n{done.stdout}\n{done.stderr}")
        return done

    def _run(self, arguments):
        command = [sys.executable, "-m", "snakemake", *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True)

    def _fork(self, arguments, *what):
        """The same without Snakemake's start-up, and with ``jobs`` without that of its jobs."""
        run = Fork(self, arguments, *what)
        try:
            return subprocess.CompletedProcess(arguments, run.wait(), run.stdout, run.stderr)
        finally:
            if not run.ended:
                run.kill()

    def says(self, *arguments, **options):
        """All that Snakemake prints."""
        done = self.snakemake(*arguments, **options)
        return done.stdout + done.stderr

    def plan(self, *targets, config=None):
        """By rule, how many jobs a dry run announces."""
        return announced(self.says("-n", *targets, config=config))

    def refusal(self, *targets, config=None):
        """The error that a dry run ends with; it is one line."""
        done = self.snakemake("-n", *targets, config=config, check=False)
        assert done.returncode == 1
        said = done.stdout + done.stderr
        assert "Traceback" not in said
        assert "rule" not in said
        (line,) = (line for line in said.splitlines() if "rror" in line)
        return line

    def configure(self, config, name="grid.yaml"):
        """Write a config and return its path."""
        (self.folder / name).write_text(yaml.safe_dump(config, sort_keys=False))
        return name

    def append(self, name, text):
        """Add lines to a file."""
        path = self.folder / name
        path.write_text(f"{path.read_text()}{text}\n")

    def summary(self, config, *arguments):
        """By file that the workflow would make: rule, inputs, and whether it is outdated."""
        said = self.snakemake("--detailed-summary", *arguments, config=config).stdout
        rows = [line.split("\t") for line in said.splitlines()[1:]]
        return {row[0]: (row[2], row[4], row[-1] == "update pending") for row in rows}

    def pending(self, config, *arguments):
        """The files that would be recreated."""
        found = self.summary(config, *arguments)
        return {path for path, (_, _, pending) in found.items() if pending}

    def take_for_made(self, config):
        """Leave a placeholder, with the record that it should have, of each file to be made."""
        program = str(ROOT / "tests" / "workflow" / "placeholders.py")
        command = [sys.executable, program, "-n", "--configfile", str(config)]
        environment = os.environ | {"PYTHONPATH": str(self.folder)}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def copy(self, folder):
        shutil.copytree(self.folder, folder)
        return Project(folder)


def announced(said):
    """By rule, how many jobs Snakemake says it has."""
    stats = re.findall(r"^(\w+) +(\d+)$", said, re.MULTILINE)
    return Counter({rule: int(n) for rule, n in stats})


def copy_of_project(folder):
    """The sources alone, compiled or not: nothing that was installed or made."""
    folder.mkdir(parents=True)
    for part in PARTS:
        if (ROOT / part).is_dir():
            ignored = shutil.ignore_patterns(".*")
            shutil.copytree(ROOT / part, folder / part, ignore=ignored)
        else:
            shutil.copy2(ROOT / part, folder / part)
    return Project(folder)


@pytest.fixture
def project(tmp_path):
    return copy_of_project(tmp_path / "project")


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """A project where Snakemake takes the files of GRID for made; they are placeholders."""
    project = copy_of_project(tmp_path_factory.mktemp("made") / "project")
    project.take_for_made(project.configure(GRID))
    return project


@pytest.fixture
def made(made_once, tmp_path):
    """A copy of `made_once`, to be changed."""
    return made_once.copy(tmp_path / "project")


@pytest.fixture(scope="session")
def mixed_once(tmp_path_factory):
    """A project where Snakemake takes the files of MIXED for made; they are placeholders."""
    project = copy_of_project(tmp_path_factory.mktemp("mixed") / "project")
    project.take_for_made(project.configure(MIXED))
    return project


@pytest.fixture
def mixed(mixed_once, tmp_path):
    """A copy of `mixed_once`, to be changed."""
    return mixed_once.copy(tmp_path / "project")


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))
