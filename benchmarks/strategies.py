"""What each strategy of ``config/strategies.yaml`` adds to a training step over ``none``.

The strategies take turns on one network, step by step, so that the noise of the machine meets all
of them. Two measurements show the overhead:

- the time of a **step** (`TrainingStep.run`) over that of the step with ``none`` in the same turn;
- the time of the strategy's **own work**, without the network: prepare the batch, compute the loss
  and its gradient from given logits, adjust the gradients. It has little noise, but leaves a second
  backward pass out.

Evaluations of the training split, which some strategies ask for between epochs, are measured apart.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks import results
from benchmarks.machine import in_child, seconds_of, this_machine
from benchmarks.memory import peak_bytes
from benchmarks.shapes import SHAPES, Shape
from benchmarks.training import Options, epoch_batches
from benchmarks.training_step import TrainingStep
from spcl import curriculum
from spcl.curriculum import Curriculum, TrainingSet
from spcl.curriculum.combined import Combined
from spcl.study.config_files import read_config
from spcl.study.extensions import CURRICULUM, find, load
from spcl.study.grid import cell_settings, cells, strategies
from spcl.training.dialogues import Dialogues
from spcl.training.evaluation import evaluate

CONFIG = Path("config/strategies.yaml")
DIALOGUES = {"iemocap": 8}
"""Dialogues a step; 32 for other shapes. 8 of IEMOCAP have as many utterances as 32 of MELD."""
SECONDS = 25.0
"""How long the turns of one network and shape last, if they are not fewer than `FEWEST_TURNS`."""
FEWEST_TURNS = 3
REPEATS = 3
"""How often a strategy's own work is done in a turn; the fastest counts."""


def measure(
    baseline: str,
    shape: Shape,
    device: str,
    *,
    batch_size: int = 32,
    seconds: float = SECONDS,
) -> list[dict[str, Any]]:
    """A row for each strategy, on ``atv``.

    Parameters
    ----------
    baseline, shape, device
        See `TrainingStep`.
    batch_size
        Dialogues a step.
    seconds
        See `SECONDS`.
    """
    config = read_config([CONFIG])
    dialogues = shape.corpus("atv", device=device)
    step = TrainingStep(baseline, shape, "atv", "none", device)
    evaluated: list[Tensor] = []
    evaluating = seconds_of(lambda: evaluated.append(evaluate(step.model, dialogues)), device)
    (logits,) = evaluated
    step.model.train()

    def show(strategy: Curriculum) -> None:
        """Give the strategy the evaluation that it asks for. A tenth of train stands for dev."""
        every = {"train": 1, "dev": 10}
        strategy.evaluated(
            {name: logits[:, :: every[name]] for name in strategy.evaluates},
            {name: dialogues.labels[:: every[name]] for name in strategy.evaluates},
            step.parameters.weights(),
        )

    epochs = config["training"]["epochs"]
    evaluations = {
        name: _evaluations(strategy, show, epochs, evaluating, device)
        for name, strategy in build_all(config, dialogues, shape.classes).items()
    }
    built = build_all(config, dialogues, shape.classes)
    for strategy in built.values():
        if strategy.evaluates:
            show(strategy)
    batches = epoch_batches(dialogues, Options(device, 1, batch_size=batch_size))

    def turn(name: str, chosen: np.ndarray) -> tuple[float, float]:
        """Seconds of a step, and of the strategy's own work on its gradients."""
        step.curriculum = built[name]
        rows, batch = dialogues.batch(chosen)
        whole = seconds_of(lambda: step.run(batch, rows), device)
        given = logits[:, rows].requires_grad_()
        own = [
            seconds_of(lambda: step.backward(batch, rows, given), device) for _ in range(REPEATS)
        ]
        return whole, min(own)

    def memory(name: str) -> int:
        """The peak of a step, with its gradients."""
        step.curriculum = built[name]
        rows, batch = dialogues.batch(batches[0])
        step.optimizer.zero_grad()
        return peak_bytes(lambda: step.run(batch, rows), device)

    turn("none", batches[0])  # allocates Adam's state
    peaks = {name: memory(name) for name in built}  # warms every strategy up
    spent = _by_turns(list(built), batches[: max(len(batches) - 1, 1)], turn, seconds)
    none, own_none = spent["none"].T
    rows = []
    for name, (whole, own) in ((name, found.T) for name, found in spent.items()):
        low, middle, high = np.quantile(whole / none - 1, [0.25, 0.5, 0.75]).tolist()
        rows.append(
            {
                "strategy": name,
                "batch_size": batch_size,
                "turns": len(whole),
                "seconds": float(np.median(whole)),
                "overhead": middle,
                "overhead_q1": low,
                "overhead_q3": high,
                "own_share": float((np.median(own) - np.median(own_none)) / np.median(none)),
                "second_backward": _second_backward(built[name], logits, dialogues),
                "bytes": peaks[name],
                **evaluations[name],
            }
        )
    return rows


def build_all(
    config: Mapping[str, Any], dialogues: Dialogues, n_classes: int
) -> dict[str, Curriculum]:
    """The strategies of the config by name, started; what they need of earlier stages is random."""
    n, epochs = len(dialogues.labels), config["training"]["epochs"]
    device = dialogues.labels.device
    answers = {
        m: torch.randn(n, n_classes, device=device).double().log_softmax(-1)
        for m in dialogues.features
    }
    known = TrainingSet(
        labels=dialogues.labels,
        lengths=torch.from_numpy(dialogues.lengths).to(device),
        epochs=epochs,
        seed=0,
        probes=answers,
        shift_rate=torch.rand(len(dialogues), device=device).double(),
        pace=torch.full((epochs,), n // 2, device=device),
        teachers=answers,
    )
    built: dict[str, Curriculum] = {}
    for cell in cells(config):
        parts = [
            curriculum.build(load(find(CURRICULUM, name, one["source"])), **one["settings"])
            for name, one in strategies(cell, cell_settings(config, cell)).items()
        ]
        strategy = Combined(*parts) if len(parts) > 1 else parts[0]
        built[cell.curriculum] = strategy.to(device)
        strategy.start(known)
    return built


def _evaluations(
    strategy: Curriculum,
    show: Callable[[Curriculum], None],
    epochs: int,
    evaluating: float,
    device: str,
) -> dict[str, float | int | None]:
    """How often the strategy asks for an evaluation in a training, and its seconds.

    Parameters
    ----------
    evaluating
        Seconds of the evaluation of train. That of dev belongs to every training.
    """
    spent = []
    for _ in range(epochs):  # as the training loop: before the first epoch, not after the last
        if strategy.evaluates:
            spent.append(evaluating + seconds_of(lambda: show(strategy), device))
        strategy.step()
    return {
        "evaluations": len(spent),
        "seconds_per_evaluation": float(np.median(spent)) if spent else None,
        "evaluation_seconds_per_epoch": sum(spent) / epochs,
    }


def _by_turns(
    names: Sequence[str],
    batches: Sequence[np.ndarray],
    turn: Callable[[str, np.ndarray], tuple[float, float]],
    seconds: float,
) -> dict[str, np.ndarray]:
    """What `turn` returns, (turns, 2) by name; a turn has every name, each time another first."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    turns, end = 0, time.perf_counter() + seconds
    while turns < FEWEST_TURNS or time.perf_counter() < end:
        first = turns % len(names)
        for name in (*names[first:], *names[:first]):
            spent[name].append(turn(name, batches[turns % len(batches)]))
        turns += 1
    return {name: np.array(found) for name, found in spent.items()}


def _second_backward(strategy: Curriculum, logits: Tensor, dialogues: Dialogues) -> bool:
    """Whether the strategy's loss has a part whose gradient is computed apart."""
    rows, batch = dialogues.batch(np.arange(1))
    step = strategy(logits[:, rows], batch.labels, batch.lengths, rows)
    return step.separate is not None


def run(
    device: str, threads: int, *, baselines: Sequence[str], shapes: Sequence[str]
) -> Iterator[str]:
    """Measure, write ``strategies.parquet``, and yield a line for each case."""
    machine = this_machine(device, threads)
    rows: list[dict[str, Any]] = []
    for shape, baseline in product(shapes, baselines):
        # In a child process because the profiler of torch writes to stderr.
        found = in_child("benchmarks.strategies", baseline, shape, device, threads)
        rows += [{"baseline": baseline, "shape": shape, **row} for row in found]
        results.save("strategies", rows, machine)
        none = found[0]
        yield (
            f"{baseline}, {shape}, {none['batch_size']} dialogues, {none['turns']} turns;"
            f" none: {none['seconds']:.3f} s, {none['bytes'] / 2**20:.0f} MiB"
        )
        yield f"{'strategy':20}{'step':>8}{'quartiles':>18}{'own work':>10}{'MiB':>8}{'eval. s':>9}"
        for row in found:
            quartiles = f"{row['overhead_q1']:+.1%} to {row['overhead_q3']:+.1%}"
            more = (row["bytes"] - none["bytes"]) / 2**20
            evaluation = row["seconds_per_evaluation"]
            yield (
                f"{row['strategy']:20}{row['overhead']:+8.1%}{quartiles:>18}"
                f"{row['own_share']:+10.2%}{more:+8.0f}"
                + (f"{evaluation:9.1f}" if evaluation else "")
            )


if __name__ == "__main__":
    name, corpus, where, n_threads = sys.argv[1:]
    torch.set_num_threads(int(n_threads))
    print(json.dumps(measure(name, SHAPES[corpus], where, batch_size=DIALOGUES.get(corpus, 32))))
