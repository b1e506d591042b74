"""The machine that measures: its facts, its speed at matrix products, clocks, child processes."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from spcl.provenance.environment import device_name


@dataclass(frozen=True)
class Machine:
    """The columns about the machine in every table of measurements.

    Attributes
    ----------
    device
        ``cpu`` or ``cuda``.
    processor
        Its name.
    cores
        The number that this process may use.
    threads
        The number that torch uses on the CPU.
    peak_gflops
        The most 10^9 float32 operations a second that a product of square matrices reached, with
        `threads`, when the part began; a multiplication and an addition are two operations.
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
    """Let torch use `threads`, and measure the machine."""
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


def peak_gflops(device: str, *, seconds: float = 1.5) -> float:
    """The best of as many products of two square matrices as fit into `seconds`."""
    width = 2048 if device == "cpu" else 8192
    a, b = (torch.randn(width, width, device=device) for _ in range(2))
    best, end = float("inf"), time.perf_counter() + seconds
    while best == float("inf") or time.perf_counter() < end:
        best = min(best, seconds_of(lambda: a @ b, device))
    return 2 * width**3 / best / 1e9


def seconds_of(work: Callable[[], Any], device: str) -> float:
    """Wall seconds until `work` has returned and the device has finished."""
    _finish(device)
    start = time.perf_counter()
    work()
    _finish(device)
    return time.perf_counter() - start


def _finish(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


class ChildError(RuntimeError):
    """A child process failed; the message is its stderr."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        super().__init__(done.stderr)
        self.out_of_memory = done.returncode < 0 or "memory" in done.stderr


def in_child(module: str, *arguments: object) -> Any:
    """Run ``python -m module arguments`` and return the JSON that it prints.

    Raises
    ------
    ChildError
        It failed.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ChildError(done)
    return json.loads(done.stdout)
