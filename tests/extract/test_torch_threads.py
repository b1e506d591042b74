"""The number of threads of torch."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from spcl.extract.torch_threads import torch_threads


@pytest.fixture(autouse=True)
def _three():
    """The previous number is 3."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def inside(_):
    with torch_threads(1):
        time.sleep(0.001)
        return torch.get_num_threads()


def elsewhere():
    """The number in a new Python thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(torch.get_num_threads).result()


def test_the_number_is_used_inside_and_restored():
    assert inside(0) == 1
    assert torch.get_num_threads() == elsewhere() == 3


def test_many_python_threads_use_it_and_the_last_restores_it():
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(inside, range(50))) == {1}
        assert pool.submit(inside, 0).result() == 1  # in a thread that was inside before
        assert set(pool.map(inside, range(50))) == {1}
    assert torch.get_num_threads() == elsewhere() == 3


def test_it_is_restored_after_an_error():
    with pytest.raises(ZeroDivisionError), torch_threads(1):
        raise ZeroDivisionError
    assert torch.get_num_threads() == 3
