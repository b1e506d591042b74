"""Jobs that are still running after Snakemake was killed are ended before the next run."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import spcl
from spcl.errors import UserError
from spcl.jobs.leftovers import end_leftover_jobs

WORK = """
import signal, sys
from spcl.jobs.job import job
if sys.argv[2:]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with job(sys.argv[1]):
    print("works", flush=True)
    sys.stdin.read()
"""
LOG = Path("logs/train_cell/a/b.log")


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def work():
    """Start jobs that run until they are ended; the test ends all of them."""
    started = []

    def begin(*words):
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", WORK, LOG, *words],
                env=os.environ | {"PYTHONPATH": str(Path(spcl.__file__).parents[1])},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        assert started[-1].stdout.readline() == "works\n"
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def test_a_leftover_job_is_ended(work):
    process = work()
    assert end_leftover_jobs() == [LOG]
    assert process.wait() == -signal.SIGTERM
    assert end_leftover_jobs() == []


def test_a_job_that_does_not_end_is_named(work):
    process = work("deaf")
    with pytest.raises(UserError, match=rf"^{LOG}: .* does not end; .*: kill -9 {process.pid}$"):
        end_leftover_jobs(patience=0)


def test_a_job_on_another_machine_is_left_alone_and_named(work, monkeypatch):
    process = work()
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    with pytest.raises(UserError, match=rf"^{LOG}: .* running on .*; cancel it or wait"):
        end_leftover_jobs()
    assert process.poll() is None


def test_finished_jobs_and_other_files_are_ignored(work):
    process = work()
    process.communicate("")
    LOG.with_name("foreign.log").write_text("started as process 1 on vm\n")
    assert end_leftover_jobs() == []


def test_without_logs_no_job_is_ended():
    assert end_leftover_jobs() == []
