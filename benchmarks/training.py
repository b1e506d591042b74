"""The time of an epoch of each baseline at the size of each corpus, with and without SPCL.

An epoch here is all its training steps (forward pass, loss, backward pass, clipping, Adam) and
nothing else: batches are made, and dev and test are scored, outside the measured time. The sides
take turns at every batch, so their ratios are valid on a busy machine, too.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import results
from benchmarks.machine import Machine, this_machine
from benchmarks.reference import Reference, check_clone
from benchmarks.shapes import SHAPES, Shape
from benchmarks.training_step import CURRICULA, TrainingStep
from spcl.errors import UserError
from spcl.models import Batch
from spcl.training.dialogues import Dialogues


@dataclass(frozen=True)
class Options:
    """What to measure.

    Attributes
    ----------
    batch_size
        Dialogues a step.
    epochs
        Measured epochs, over the same batches; the median of each batch is used.
    every
        Measure only every n-th batch of an epoch, on all sides.
    against, python
        A clone of the authors' code (None = without it), and the Python to run it with.
    """

    device: str
    threads: int
    batch_size: int = 32
    epochs: int = 1
    every: int = 1
    against: Path | None = None
    python: str = sys.executable


def measure(
    baseline: str, shape: Shape, modalities: str, machine: Machine, options: Options
) -> dict[str, Any]:
    """A row: seconds an epoch of each side, and the share of the machine's peak."""
    dialogues = shape.corpus(modalities, device=options.device)
    batches = epoch_batches(dialogues, options)
    with ExitStack() as stack:
        ours = {
            name: TrainingStep(baseline, shape, modalities, name, options.device)
            for name in CURRICULA
        }
        sides: dict[str, Callable[[np.ndarray], float]] = {
            name: lambda chosen, step=step: step.seconds(batch_of(dialogues, chosen))
            for name, step in ours.items()
        }
        if options.against is not None:
            reference = Reference(
                options.against,
                options.python,
                baseline,
                shape,
                dialogues,
                Path(stack.enter_context(tempfile.TemporaryDirectory())),
                device=options.device,
                threads=options.threads,
            )
            stack.callback(reference.close)
            sides["reference"] = reference.seconds
        warm_up(sides, ours, batches)
        seconds = alternate(sides, batches, options.epochs)
    measured = int(sum(dialogues.lengths[chosen].sum() for chosen in batches))
    scale = len(dialogues.labels) / measured
    whole = {name: float(np.median(spent, 0).sum()) * scale for name, spent in seconds.items()}
    operations = sum(ours["spcl"].operations(batch_of(dialogues, one)) for one in batches) * scale
    return {
        "seconds_per_epoch": whole["spcl"],
        "seconds_per_epoch_none": whole["none"],
        "reference_seconds_per_epoch": whole.get("reference"),
        "peak_share": operations / whole["spcl"] / (machine.peak_gflops * 1e9),
        "product_gflop_per_epoch": operations / 1e9,
        "batch_size": options.batch_size,
        "epochs": options.epochs,
        "measured_share": 1 / scale,
    }


def epoch_batches(dialogues: Dialogues, options: Options) -> list[np.ndarray]:
    """The dialogues of each batch that is measured, in one random order."""
    order = np.random.default_rng(0).permutation(len(dialogues))
    starts = range(0, len(order), options.batch_size)
    return [order[start : start + options.batch_size] for start in starts][:: options.every]


def batch_of(dialogues: Dialogues, chosen: np.ndarray) -> Batch:
    """A new batch: what depends on its lengths alone is computed in the measured step."""
    ((_, batch),) = dialogues.batches(chosen, len(chosen))
    return batch


def warm_up(
    sides: dict[str, Callable[[np.ndarray], float]],
    ours: dict[str, TrainingStep],
    batches: list[np.ndarray],
) -> None:
    """Allocate memory and Adam's state before measuring; the reference does a small step only."""
    for name, seconds in sides.items():
        for chosen in batches[:2] if name in ours else [batches[0][:3]]:
            seconds(chosen)


def alternate(
    sides: dict[str, Callable[[np.ndarray], float]], batches: list[np.ndarray], epochs: int
) -> dict[str, np.ndarray]:
    """Seconds of every step, (epochs, batches) by side; the first side changes at every batch."""
    spent = {name: np.zeros((epochs, len(batches))) for name in sides}
    for epoch in range(epochs):
        for index, chosen in enumerate(batches):
            for name in list(sides) if (epoch + index) % 2 else list(sides)[::-1]:
                spent[name][epoch, index] = sides[name](chosen)
    return spent


def run(
    baselines: list[str], shapes: list[str], modalities: list[str], options: Options
) -> Iterator[str]:
    """Measure, write ``training.parquet``, and yield a line for each case."""
    machine = this_machine(options.device, options.threads)
    yield (
        f"{machine.processor}, {machine.threads} threads, torch {machine.torch},"
        f" peak {machine.peak_gflops:.0f} GFLOP/s"
    )
    yield (
        f"{'baseline':14}{'shape':9}{'modalities':12}{'none s':>9}{'spcl s':>9}{'SPCL':>8}"
        f"{'of peak':>9}{'reference s':>13}{'ratio':>8}"
    )
    if options.against is not None:
        check_clone(options.against)
    rows: list[dict[str, Any]] = []
    for shape, baseline, letters in product(shapes, baselines, modalities):
        case = baseline, SHAPES[shape], letters, machine
        try:
            row = measure(*case, options)
        except UserError as error:
            yield f"{baseline}, without the reference: {error}"
            row = measure(*case, replace(options, against=None))
        rows.append({"baseline": baseline, "shape": shape, "modalities": letters, **row})
        results.save("training", rows, machine)
        yield line(rows[-1])


def line(row: dict[str, Any]) -> str:
    """A row for the terminal."""
    ours, none = row["seconds_per_epoch"], row["seconds_per_epoch_none"]
    theirs = row["reference_seconds_per_epoch"]
    return (
        f"{row['baseline']:14}{row['shape']:9}{row['modalities']:12}{none:9.2f}{ours:9.2f}"
        f"{ours / none - 1:+8.1%}{row['peak_share']:9.0%}"
        + (f"{theirs:13.1f}{theirs / ours:8.1f}" if theirs else "")
    )
