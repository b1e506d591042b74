"""Which GPU a job gets. No GPU is needed: only names are given out."""

from contextlib import ExitStack

import pytest

from spcl import device


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")


def test_jobs_spread_evenly_and_share_when_there_are_more_than_gpus(
    two_gpus, monkeypatch, tmp_path
):
    with ExitStack() as stack:
        given = []
        for _ in range(5):
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")  # as every new process has it
            given.append(stack.enter_context(device.reserved_gpu(tmp_path)))
    assert given == ["3", "5", "3", "5", "3"]


def test_a_job_sees_its_gpu_alone(two_gpus, tmp_path):
    with device.reserved_gpu(tmp_path) as gpu:
        assert device.gpus() == [gpu]


def test_a_gpu_is_free_again_when_its_job_ends(two_gpus, monkeypatch, tmp_path):
    for _ in range(2):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
        with device.reserved_gpu(tmp_path) as gpu:
            assert gpu == "3"


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_hidden_gpus_are_none(monkeypatch, tmp_path, hidden):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert device.choose("auto") == "cpu"
    with device.reserved_gpu(tmp_path) as gpu:
        assert gpu is None


def test_auto_takes_what_there_is_and_a_name_is_kept(two_gpus):
    assert device.choose("auto") == "cuda"
    assert device.choose("cpu") == "cpu"
