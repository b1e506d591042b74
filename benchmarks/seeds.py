"""The speedup of training all seeds of a BiDDIN cell at once instead of one after another."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks import results
from benchmarks.machine import seconds_of, this_machine
from benchmarks.shapes import SHAPES, Shape
from benchmarks.training_step import CURRICULA
from spcl import curriculum, models
from spcl.training.dialogues import Corpus
from spcl.training.loop import Training
from spcl.training.settings import TrainingSettings
from spcl.training.stacked import Stacked


@dataclass(frozen=True)
class Case:
    """The shape of a corpus, dialogues a step, and settings that replace the published ones."""

    shape: Shape
    batch_size: int = 32
    model: dict[str, Any] = field(default_factory=dict)


CASES = {
    "demo": Case(
        Shape(20, 300, 20, {"a": 88, "t": 384, "v": 300}, 6, 2),
        batch_size=4,
        model=dict.fromkeys(
            ("global_hidden", "party_hidden", "emotion_hidden", "classifier_hidden"), 64
        ),
    ),
    "meld": Case(SHAPES["meld"]),
    "iemocap": Case(SHAPES["iemocap"]),
}


class Operations(TorchDispatchMode):
    """Counts the operations of torch, each at least one kernel on a GPU.

    Attributes
    ----------
    count
        The number of operations that are neither views nor allocations.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        shown = [one.alias_info for one in function._schema.returns if one.alias_info]
        is_view = any(not alias.is_write for alias in shown)
        self.count += not (is_view or "empty" in function.__name__)
        return function(*args, **(kwargs or {}))


def group(case: Case, n_seeds: int, device: str) -> Stacked:
    """The trainings of all seeds before their first step."""
    shape = case.shape
    train = shape.corpus("atv", device=device)
    few = Shape(3, 12, 6, shape.widths, shape.classes, shape.speakers).corpus("atv", device=device)
    corpus = Corpus(
        splits={"train": train, "dev": few, "test": few},
        labels=tuple(map(str, range(shape.classes))),
        widths=shape.widths,
        n_speakers=shape.speakers,
        protocol="official",
        simulated=True,
    )
    made = Stacked()
    for seed in range(n_seeds):
        torch.manual_seed(seed)
        model = models.build(
            "biddin",
            widths=shape.widths,
            n_classes=shape.classes,
            n_speakers=shape.speakers,
            **case.model,
        ).to(device)
        settings = TrainingSettings(epochs=10_000, batch_size=case.batch_size)
        chosen = curriculum.build("spcl", **CURRICULA["spcl"]).to(device)
        made.add(Training(model, chosen, corpus, settings, seed=seed))
    return made


def measure(case: Case, n_seeds: int, steps: int, device: str) -> dict[str, Any]:
    """Median seconds and operations of a step of all seeds, apart and together."""
    apart, together = (group(case, n_seeds, device) for _ in range(2))
    sides: dict[str, Callable[[], Any]] = {
        "apart": lambda: [training.step() for training in apart.unfinished],
        "together": together.step,
    }
    row: dict[str, Any] = {"seeds": n_seeds, "batch_size": case.batch_size}
    for name, step in sides.items():
        with Operations() as operations:
            step()
        row[f"operations_{name}"] = operations.count
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for index in range(steps):
        for name in list(sides) if index % 2 else list(sides)[::-1]:
            spent[name].append(seconds_of(sides[name], device))
    return row | {f"seconds_{name}": float(np.median(spent[name])) for name in sides}


def run(device: str, threads: int, *, n_seeds: int = 5, steps: int = 15) -> Iterator[str]:
    """Measure every case, write ``seeds.parquet``, and yield lines."""
    machine = this_machine(device, threads)
    rows = []
    yield (
        f"{'case':9}{'batch':>6}{'apart ms':>10}{'together ms':>13}{'faster':>8}"
        f"{'apart ops':>11}{'together ops':>14}{'fewer':>7}"
    )
    for name, case in CASES.items():
        row = measure(case, n_seeds, steps, device)
        rows.append({"case": name, **row})
        results.save("seeds", rows, machine)
        apart, together = row["seconds_apart"], row["seconds_together"]
        operations = row["operations_apart"], row["operations_together"]
        yield (
            f"{name:9}{row['batch_size']:6}{1e3 * apart:10.0f}{1e3 * together:13.0f}"
            f"{apart / together:8.2f}{operations[0]:11}{operations[1]:14}"
            f"{operations[0] / operations[1]:7.1f}"
        )
