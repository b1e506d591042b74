"""What an epoch costs: each baseline at each corpus' size, with and without SPCL.

See benchmarks/README.md.
"""

import argparse
import os
import platform
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from shapes import SHAPES, Shape

from spcl import curriculum, models
from spcl.parquet import write_atomically
from spcl.provenance import device_name

CURRICULA: dict[str, dict[str, float]] = {"none": {}, "spcl": {"threshold": 0.4, "growth": 1.25}}


def seconds_per_epoch(
    baseline: str, shape: Shape, modalities: str, *, device: str, batch_size: int, epochs: int
) -> dict[str, float]:
    """The median over `epochs` of the training steps' seconds an epoch, for each curriculum.

    The two sides take turns at every batch; each has its own model and optimiser.
    """
    dialogues = shape.corpus(modalities, device=device)
    sides = {}
    for name, settings in CURRICULA.items():
        torch.manual_seed(0)
        model = models.build(
            baseline,
            widths={m: shape.widths[m] for m in modalities},
            n_classes=shape.classes,
            n_speakers=shape.speakers,  # all else as published
        ).to(device)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)
        sides[name] = (model, curriculum.build(name, **settings).to(device), optimizer)

    def wait() -> None:
        if device == "cuda":
            torch.cuda.synchronize()

    spent: dict[str, list[float]] = {name: [] for name in sides}
    for epoch in range(epochs + 1):  # the first warms up
        seconds = dict.fromkeys(sides, 0.0)
        order = np.random.default_rng(epoch).permutation(len(dialogues))
        for index, (_, batch) in enumerate(dialogues.batches(order, batch_size)):
            names = list(sides) if index % 2 else list(sides)[::-1]
            for name in names:
                model, chosen, optimizer = sides[name]
                wait()
                start = time.perf_counter()
                step = chosen(model(batch), batch.labels, batch.lengths)
                optimizer.zero_grad(set_to_none=True)
                step.loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0, foreach=True)
                optimizer.step()
                wait()
                seconds[name] += time.perf_counter() - start
            if epoch == 0 and index == 2:
                break
        if epoch:
            for name, value in seconds.items():
                spent[name].append(value)
    return {name: float(np.median(values)) for name, values in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--baselines", default="mmgcn,mm_dfn,dialogue_gcn,biddin")
    parser.add_argument("--shapes", default="iemocap,meld")
    parser.add_argument("--modalities", default="atv", help="for example atv,at")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--batch-size", type=int, default=32, help="dialogues a step")
    parser.add_argument("--epochs", type=int, default=1, help="measured epochs; the median counts")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/training.parquet"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{device_name(options.device)}, {options.threads} threads, torch {torch.__version__}")
    print(f"{'baseline':14}{'shape':10}{'modalities':12}{'none s':>10}{'spcl s':>10}{'SPCL':>10}")
    rows = []
    for shape in options.shapes.split(","):
        for baseline in options.baselines.split(","):
            for modalities in options.modalities.split(","):
                spent = seconds_per_epoch(
                    baseline,
                    SHAPES[shape],
                    modalities,
                    device=options.device,
                    batch_size=options.batch_size,
                    epochs=options.epochs,
                )
                overhead = spent["spcl"] / spent["none"] - 1
                print(
                    f"{baseline:14}{shape:10}{modalities:12}"
                    f"{spent['none']:10.2f}{spent['spcl']:10.2f}{overhead:+10.1%}",
                    flush=True,
                )
                rows.append(
                    {
                        "baseline": baseline,
                        "shape": shape,
                        "modalities": modalities,
                        "device": device_name(options.device),
                        "threads": options.threads,
                        "batch_size": options.batch_size,
                        "seconds_per_epoch": spent["spcl"],
                        "seconds_per_epoch_none": spent["none"],
                        "torch": torch.__version__,
                        "python": platform.python_version(),
                    }
                )
    table = pa.Table.from_pylist(rows)
    write_atomically(options.output, lambda path: pq.write_table(table, path))
    print(f"written: {options.output}")


if __name__ == "__main__":
    main()
