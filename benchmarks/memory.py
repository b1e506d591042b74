"""The peak memory of a training step, by the number of dialogues in its batch.

It counts the bytes of tensors beyond the weights, their gradients and the batch: what the forward
pass stores for the backward pass, and temporary tensors.
"""

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks import results
from benchmarks.machine import ChildError, in_child, this_machine
from benchmarks.shapes import SHAPES
from benchmarks.training import batch_of
from benchmarks.training_step import TrainingStep

BATCH_SIZES = (8, 32, 128, 512)
AGAINST = ("batch_size", "utterances", "squared_lengths")


def measure(baseline: str, shape: str, batch_size: int, device: str) -> dict[str, int]:
    """Peak bytes of a step beyond weights, their gradients and the batch.

    The dialogues are drawn with replacement, so a batch may be larger than the corpus.
    """
    size = SHAPES[shape]
    step = TrainingStep(baseline, size, "atv", "spcl", device)
    dialogues = size.corpus("atv", device=device)
    chosen = np.random.default_rng(batch_size).choice(len(dialogues), batch_size)
    step.backward(batch_of(dialogues, chosen[:8]))  # allocates the gradients
    batch = batch_of(dialogues, chosen)
    lengths = dialogues.lengths[chosen]
    return {
        "bytes": peak_bytes(lambda: step.backward(batch), device),
        "utterances": int(lengths.sum()),
        "squared_lengths": int((lengths**2).sum()),
    }


def peak_bytes(work: Callable[[], Any], device: str) -> int:
    """The peak size of the tensors that exist during `work` beyond those that existed before.

    On a CPU, the profiler of torch writes to stderr.
    """
    if device == "cuda":
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        work()
        return torch.cuda.max_memory_allocated() - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        work()
    return _largest_sum(profiler)


def _largest_sum(profiler: profile) -> int:
    """The largest running sum of the bytes that were allocated and freed."""
    kineto = profiler.profiler.kineto_results
    events = [event for event in kineto.events() if event.name() == "[memory]"]
    events.sort(key=lambda event: event.start_ns())
    return int(np.cumsum([event.nbytes() for event in events]).max())


def slopes(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """How the bytes of one baseline and shape grow with each of `AGAINST`.

    A slope is the exponent p of the best fit bytes = c x^p: 1 is proportional, 2 quadratic. It is
    NaN if there is a single batch size.
    """
    if len(rows) < 2:
        return dict.fromkeys(AGAINST, math.nan)
    measured = np.log([row["bytes"] for row in rows])
    return {
        against: float(np.polyfit(np.log([row[against] for row in rows]), measured, 1)[0])
        for against in AGAINST
    }


def run(
    device: str, threads: int, *, baselines: Sequence[str], shapes: Sequence[str]
) -> Iterator[str]:
    """Measure, write ``memory.parquet``, and yield a line for each step, then the slopes."""
    machine = this_machine(device, threads)
    yield f"{'baseline':14}{'shape':9}{'dialogues':>10}{'utterances':>11}{'MiB':>8}{'KiB/utt.':>10}"
    rows: list[dict[str, Any]] = []
    for shape, baseline, size in product(shapes, baselines, BATCH_SIZES):
        start = f"{baseline:14}{shape:9}{size:10}"
        try:
            row = in_child("benchmarks.memory", baseline, shape, size, device, threads)
        except ChildError as error:
            if not error.out_of_memory:
                raise
            yield f"{start}  more than the memory of this machine"
            continue
        rows.append({"baseline": baseline, "shape": shape, "batch_size": size, **row})
        results.save("memory", rows, machine)
        n, peak = row["utterances"], row["bytes"]
        yield f"{start}{n:11}{peak / 2**20:8.0f}{peak / 2**10 / n:10.0f}"
    for (shape, baseline), found in by_case(rows).items():
        p = slopes(found)
        yield (
            f"{baseline:14}{shape:9} bytes ~ dialogues^{p['batch_size']:.2f},"
            f" utterances^{p['utterances']:.2f}, squared lengths^{p['squared_lengths']:.2f}"
        )


def by_case(rows: Sequence[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The rows of each shape and baseline, by batch size."""
    cases: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: row["batch_size"]):
        cases.setdefault((row["shape"], row["baseline"]), []).append(row)
    return cases


if __name__ == "__main__":
    name, corpus, dialogues_a_step, where, n_threads = sys.argv[1:]
    torch.set_num_threads(int(n_threads))
    print(json.dumps(measure(name, corpus, int(dialogues_a_step), where)))
