"""The time of SPCL's loss on given logits, and of the same equations as a plain loop."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks import results
from benchmarks.machine import seconds_of, this_machine
from benchmarks.shapes import SHAPES, Shape
from benchmarks.training_step import CURRICULA
from spcl import curriculum


def obvious_loss(logits: dict[str, Tensor], labels: Tensor, lengths: Tensor) -> Tensor:
    """SPCL's loss as its equations are written, utterance by utterance."""
    joint = torch.stack(list(logits.values())).sum(0)
    losses, first = [], 0
    for length in lengths.tolist():
        rows = range(first, first + length)
        confidence = [sum(F.softmax(z, dim=1)[j, labels[j]] for j in rows) for z in logits.values()]
        s = torch.stack(confidence).detach().std()
        for j in rows:
            loss = F.cross_entropy(joint[j : j + 1], labels[j : j + 1])
            rho = 2 * s * loss.detach() / (s + loss.detach())
            losses.append(loss * (rho <= CURRICULA["spcl"]["threshold"]))
        first += length
    return torch.stack(losses).mean()


def measure(shape: Shape, device: str, repeats: int = 200) -> dict[str, Any]:
    """Seconds of the loss and its gradient, medians for one batch of 32 dialogues."""
    rng = np.random.default_rng(0)
    lengths = torch.from_numpy(rng.choice(shape.lengths(), 32)).to(device)
    n = int(lengths.sum())
    torch.manual_seed(0)
    labels = torch.randint(shape.classes, (n,), device=device)
    logits = {m: torch.randn(n, shape.classes, device=device, requires_grad=True) for m in "atv"}
    losses = {name: curriculum.build(name, **CURRICULA[name]).to(device) for name in CURRICULA}
    spent: dict[str, list[float]] = {name: [] for name in losses}
    for _ in range(repeats):
        for name, loss in losses.items():
            work = lambda loss=loss: loss(logits, labels, lengths).loss.backward()  # noqa: E731
            spent[name].append(seconds_of(work, device))
    slow = seconds_of(lambda: obvious_loss(logits, labels, lengths).backward(), device)
    return {
        "utterances": n,
        "seconds_none": float(np.median(spent["none"])),
        "seconds_spcl": float(np.median(spent["spcl"])),
        "seconds_obvious": slow,
    }


def run(device: str, threads: int) -> Iterator[str]:
    """Measure at the sizes of both corpora, write ``curriculum.parquet``, and yield lines."""
    machine = this_machine(device, threads)
    rows = []
    yield f"{'shape':9}{'utterances':>11}{'none ms':>10}{'spcl ms':>10}{'obvious ms':>12}"
    for name, shape in SHAPES.items():
        row = measure(shape, device)
        rows.append({"shape": name, **row})
        none, spcl, slow = (1e3 * row[f"seconds_{one}"] for one in ("none", "spcl", "obvious"))
        yield f"{name:9}{row['utterances']:11}{none:10.2f}{spcl:10.2f}{slow:12.0f}"
    results.save("curriculum", rows, machine)
