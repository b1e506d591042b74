"""Which GPU a job gets. No GPU is needed: only names are given out, to real processes."""

import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest

from spcl.errors import UserError
from spcl.jobs import device

JOB = """
import sys
from pathlib import Path
from spcl.jobs.device import reserved_gpu
with reserved_gpu("cuda", Path(sys.argv[1])) as gpu:
    print(gpu, flush=True)
    sys.stdin.read()
"""
"""A job that says which GPU it has and works until its input is closed."""


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")


@contextmanager
def jobs(locks, number):
    """So many processes that start at once, with the GPU that each got; ended afterwards."""
    command = [sys.executable, "-c", JOB, str(locks)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = [subprocess.Popen(command, **pipes) for _ in range(number)]
    try:
        yield [(job, job.stdout.readline().strip()) for job in started]
    finally:
        for job in started:
            job.communicate()


def test_eight_jobs_that_start_at_once_spread_over_two_gpus_evenly(two_gpus, tmp_path):
    with jobs(tmp_path, 8) as eight:
        assert Counter(gpu for _, gpu in eight) == {"3": 4, "5": 4}


def test_a_job_can_reserve_several_gpus(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5,7")
    with device.reserved_gpu("cuda", tmp_path, count=2) as two:
        assert two == os.environ["CUDA_VISIBLE_DEVICES"] == "3,5"
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5,7")
        with device.reserved_gpu("cuda", tmp_path, count=9) as all_of_them:
            assert sorted(all_of_them.split(",")) == ["3", "5", "7"]


def test_the_gpu_of_a_killed_job_goes_to_the_next(two_gpus, tmp_path):
    with jobs(tmp_path, 4) as four:
        killed, freed = four[-1]
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        with jobs(tmp_path, 1) as ((_, gpu),):
            assert gpu == freed
    with jobs(tmp_path, 2) as two:  # of all that ended nothing is left
        assert {gpu for _, gpu in two} == {"3", "5"}


def test_a_job_takes_the_gpu_with_the_fewest_jobs_though_another_was_left_later(two_gpus, tmp_path):
    with jobs(tmp_path, 6) as six:
        for job, gpu in six:
            if gpu == "5":
                job.communicate()
        with jobs(tmp_path, 3) as three:
            assert [gpu for _, gpu in three] == ["5", "5", "5"]


def test_a_job_on_the_cpu_takes_no_gpu(two_gpus, tmp_path):
    with device.reserved_gpu("cpu", tmp_path) as gpu:
        assert gpu is None
    assert list(tmp_path.iterdir()) == []


def test_a_job_sees_its_gpu_alone(two_gpus, tmp_path):
    with device.reserved_gpu("cuda", tmp_path) as gpu:
        assert device.gpus() == [gpu] == ["3"]


def test_what_fails_inside_is_not_mistaken_for_a_fault_of_the_locks(two_gpus, tmp_path):
    with pytest.raises(FileNotFoundError), device.reserved_gpu("cuda", tmp_path):
        (tmp_path / "absent").read_text()


def test_the_choice_of_a_cluster_counts(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    with (
        device.reserved_gpu("cuda", tmp_path) as first,
        device.reserved_gpu("cuda", tmp_path) as second,
    ):
        assert first == second == "2"


def test_a_part_of_a_gpu_may_have_slashes_in_its_name(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-GPU-1/0/0, MIG-GPU-1/1/0")
    with jobs(tmp_path, 2) as two:
        assert sorted(gpu for _, gpu in two) == ["MIG-GPU-1/0/0", "MIG-GPU-1/1/0"]


def test_without_a_choice_the_machines_gpus_are_numbered_as_cuda_does(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name in ("nvidia3", "nvidia10", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    monkeypatch.setattr(device, "Path", lambda _: tmp_path)
    assert device.gpus() == ["0", "1"]


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_hidden_gpus_are_none(monkeypatch, tmp_path, hidden):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert device.choose("auto") == "cpu"
    with device.reserved_gpu("cuda", tmp_path) as gpu:
        assert gpu is None


def test_auto_takes_what_there_is_and_a_name_is_kept(two_gpus):
    assert device.choose("auto") == "cuda"
    assert device.choose("cpu") == "cpu"


def refused(locks):
    """The refusal of a folder of locks."""
    with pytest.raises(UserError) as refusal, device.reserved_gpu("cuda", locks):
        pass
    return str(refusal.value)


def test_a_file_in_the_place_of_the_locks_is_one_line(two_gpus, tmp_path):
    (tmp_path / "locks").touch()
    message = refused(tmp_path / "locks")
    assert message.startswith(f"{tmp_path}/locks: no GPU can be reserved in this folder (")
    assert message.endswith("delete it, or set TMPDIR to a folder that you may write to")


@pytest.mark.parametrize("owner", ["another", "oneself"])
def test_a_folder_that_may_not_be_written_is_one_line(two_gpus, tmp_path, monkeypatch, owner):
    if os.getuid():
        pytest.skip("only root can leave files of another user")
    monkeypatch.chdir(tmp_path)  # the folders above are root's alone
    tmp_path.chmod(0o755)
    locks = Path("locks")
    with device.reserved_gpu("cuda", locks):
        pass
    if owner == "oneself":
        os.chown(locks, 65534, 65534)
        locks.chmod(0o500)
    os.seteuid(65534)
    try:
        assert "locks: no GPU can be reserved in this folder (Permission denied)" in refused(locks)
    finally:
        os.seteuid(0)
