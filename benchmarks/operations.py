"""The operations of torch that take the time of a training step."""

import json
import sys
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks import results
from benchmarks.machine import in_child, this_machine
from benchmarks.shapes import SHAPES, Shape
from benchmarks.training import Options, batch_of, epoch_batches
from benchmarks.training_step import TrainingStep

PRODUCTS = ("mm", "bmm", "addmm", "baddbmm", "linear")
SHOWN = 6


def measure(baseline: str, shape: Shape, device: str, steps: int = 3) -> list[dict[str, Any]]:
    """A row for each operation of a step with SPCL and all modalities, the longest first.

    `share` is the share of the time of all operations, without the time of Python between them.
    """
    step = TrainingStep(baseline, shape, "atv", "spcl", device)
    dialogues = shape.corpus("atv", device=device)
    batches = epoch_batches(dialogues, Options(device, 1))[:steps]
    step.run(batch_of(dialogues, batches[0]))
    on_gpu = device == "cuda"
    activity = ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU
    with profile(activities=[activity]) as profiler:
        for chosen in batches:
            step.run(batch_of(dialogues, chosen))
    found = [
        (event.key, event.self_device_time_total if on_gpu else event.self_cpu_time_total, event)
        for event in profiler.key_averages()
    ]
    total = sum(spent for _, spent, _ in found)
    rows = [
        {"operation": key.removeprefix("aten::"), "share": spent / total, "calls": event.count}
        for key, spent, event in found
        if spent
    ]
    return sorted(rows, key=lambda row: -row["share"])


def run(
    device: str, threads: int, *, baselines: Sequence[str], shapes: Sequence[str]
) -> Iterator[str]:
    """Measure, write ``operations.parquet``, and yield a line for each case."""
    machine = this_machine(device, threads)
    rows = []
    for shape, baseline in product(shapes, baselines):
        # In a child process because the profiler of torch writes to stderr.
        found = in_child("benchmarks.operations", baseline, shape, device, threads)
        rows += [{"baseline": baseline, "shape": shape, **row} for row in found]
        results.save("operations", rows, machine)
        yield f"{baseline:14}{shape:9}{in_words(found)}"


def in_words(rows: Sequence[dict[str, Any]]) -> str:
    """The share of all matrix products, then those of the longest other operations."""
    products = sum(row["share"] for row in rows if row["operation"] in PRODUCTS)
    others = [row for row in rows if row["operation"] not in PRODUCTS][:SHOWN]
    named = [f"{row['operation']} {row['share']:.0%}" for row in others]
    return ", ".join([f"products {products:.0%}", *named])


if __name__ == "__main__":
    name, corpus, where, n_threads = sys.argv[1:]
    torch.set_num_threads(int(n_threads))
    print(json.dumps(measure(name, SHAPES[corpus], where)))
