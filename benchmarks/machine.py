"""What the measurements ran on, and how fast it multiplies matrices."""

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from spcl.provenance.environment import device_name


@dataclass(frozen=True)
class Machine:
    """The facts that stand in every row of every table.

    Attributes
    ----------
    device
        ``cpu`` or ``cuda``.
    processor
        Its name.
    cores
        That this process may use.
    threads
        That torch uses on the CPU.
    peak_gflops
        The most 10^9 float32 operations a second that a square product reached here and now, with
        `threads`; a multiplication and an addition are two operations.
    torch, python
        Versions.
    """

    device: str
    processor: str
    cores: int
    threads: int
    peak_gflops: float
    torch: str
    python: str


def this_machine(device: str, threads: int) -> Machine:
    """Set torch to `threads`, and measure."""
    torch.set_num_threads(threads)
    return Machine(
        device=device,
        processor=device_name(device),
        cores=len(os.sched_getaffinity(0)),
        threads=threads,
        peak_gflops=peak_gflops(device),
        torch=torch.__version__,
        python=platform.python_version(),
    )


def peak_gflops(device: str, *, width: int | None = None, seconds: float = 1.5) -> float:
    """The best of as many products of two square matrices as fit into `seconds`."""
    width = width or (2048 if device == "cpu" else 8192)
    a, b = (torch.randn(width, width, device=device) for _ in range(2))
    best, end = float("inf"), time.perf_counter() + seconds
    while best == float("inf") or time.perf_counter() < end:
        best = min(best, seconds_of(lambda: a @ b, device))
    return 2 * width**3 / best / 1e9


def seconds_of(work: Callable[[], Any], device: str) -> float:
    """Wall seconds until `work` is done and the device has nothing left to do."""
    _finish(device)
    start = time.perf_counter()
    work()
    _finish(device)
    return time.perf_counter() - start


def _finish(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
