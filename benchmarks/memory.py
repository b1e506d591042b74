"""What a training step holds at its fullest, by the dialogues in its batch.

Counted are the bytes of tensors beyond the weights, their gradients and the batch itself: what the
forward pass keeps for the backward pass, and what comes and goes on the way.
"""

import json
import math
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from benchmarks import results
from benchmarks.machine import this_machine

BATCH_SIZES = (8, 32, 128, 512)


def measure(
    baseline: str, shape: str, batch_size: int, device: str, threads: int
) -> dict[str, Any] | None:
    """A row; None where the machine has not enough memory."""
    arguments = (baseline, shape, str(batch_size), device, str(threads))
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory_child", *arguments],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        if done.returncode < 0 or "memory" in done.stderr:
            return None
        raise RuntimeError(done.stderr)
    row: dict[str, Any] = json.loads(done.stdout)
    return row


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """The exponent p of the best y = c x^p: 1 grows in proportion, 2 with the square."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def slopes(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """How one baseline's bytes grow at one shape, by what they are set against.

    NaN where there is one size alone.
    """
    if len(rows) < 2:
        return dict.fromkeys(("batch_size", "utterances", "squared_lengths"), math.nan)
    measured = [row["bytes"] for row in rows]
    return {
        against: slope([row[against] for row in rows], measured)
        for against in ("batch_size", "utterances", "squared_lengths")
    }


def run(
    device: str, threads: int, *, baselines: Sequence[str], shapes: Sequence[str]
) -> Iterator[str]:
    """Measure, leave ``memory.parquet``, and yield a line a step, then the slopes."""
    machine = this_machine(device, threads)
    yield f"{'baseline':14}{'shape':9}{'dialogues':>10}{'utterances':>11}{'MiB':>8}{'KiB/utt.':>10}"
    rows: list[dict[str, Any]] = []
    for shape, baseline, size in product(shapes, baselines, BATCH_SIZES):
        row = measure(baseline, shape, size, device, threads)
        start = f"{baseline:14}{shape:9}{size:10}"
        if row is None:
            yield f"{start}  more than this machine has"
            continue
        rows.append({"baseline": baseline, "shape": shape, "batch_size": size, **row})
        results.save("memory", rows, machine)
        n, held = row["utterances"], row["bytes"]
        yield f"{start}{n:11}{held / 2**20:8.0f}{held / 2**10 / n:10.0f}"
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
