"""What the time of a training step goes to: torch's operations, by their own time."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks import results
from benchmarks.machine import this_machine
from benchmarks.shapes import SHAPES, Shape
from benchmarks.sides import Side
from benchmarks.training import Options, batch_of, epoch_batches

PRODUCTS = ("mm", "bmm", "addmm", "baddbmm", "linear")
SHOWN = 6


def measure(baseline: str, shape: Shape, device: str, steps: int = 3) -> list[dict[str, Any]]:
    """A row an operation of SPCL's step with all modalities, the longest first.

    `share` is of the time of all operations; what Python does between them is in none.
    """
    side = Side(baseline, shape, "atv", "spcl", device)
    dialogues = shape.corpus("atv", device=device)
    batches = epoch_batches(dialogues, Options(device, 1))[:steps]
    side.step(batch_of(dialogues, batches[0]))
    on_gpu = device == "cuda"
    activity = ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU
    with profile(activities=[activity]) as profiler:
        for chosen in batches:
            side.step(batch_of(dialogues, chosen))
    found = [
        (event.key, event.self_device_time_total if on_gpu else event.self_cpu_time_total, event)
        for event in profiler.key_averages()
    ]
    whole = sum(spent for _, spent, _ in found)
    rows = [
        {"operation": key.removeprefix("aten::"), "share": spent / whole, "calls": event.count}
        for key, spent, event in found
        if spent
    ]
    return sorted(rows, key=lambda row: -row["share"])


def run(
    device: str, threads: int, *, baselines: Sequence[str], shapes: Sequence[str]
) -> Iterator[str]:
    """Measure, leave ``operations.parquet``, and yield a line a case."""
    machine = this_machine(device, threads)
    rows = []
    for shape, baseline in product(shapes, baselines):
        # In a process of its own: torch's profiler talks on stderr.
        arguments = (baseline, shape, device, str(threads))
        command = [sys.executable, "-m", "benchmarks.operations", *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        found = json.loads(done.stdout)
        rows += [{"baseline": baseline, "shape": shape, **row} for row in found]
        results.save("operations", rows, machine)
        yield f"{baseline:14}{shape:9}{in_words(found)}"


def in_words(rows: Sequence[dict[str, Any]]) -> str:
    """Matrix products together, then what takes most beside them."""
    products = sum(row["share"] for row in rows if row["operation"] in PRODUCTS)
    others = [row for row in rows if row["operation"] not in PRODUCTS][:SHOWN]
    named = [f"{row['operation']} {row['share']:.0%}" for row in others]
    return ", ".join([f"products {products:.0%}", *named])


if __name__ == "__main__":
    name, corpus, where, n_threads = sys.argv[1:]
    torch.set_num_threads(int(n_threads))
    print(json.dumps(measure(name, SHAPES[corpus], where)))
