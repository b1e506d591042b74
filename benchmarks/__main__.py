"""``python -m benchmarks``: measure, print tables, write Parquet; see benchmarks/README.md."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

import torch

from benchmarks import results, training
from benchmarks.shapes import SHAPES
from spcl.errors import UserError, choices

PARTS = (
    *("training", "operations", "curriculum", "strategies", "seeds", "startup", "memory"),
    *("extraction", "faces", "dag", "imbalance", "tuning"),
)
BASELINES = ("mmgcn", "mm_dfn", "dialogue_gcn", "biddin")
FEWER = {"strategies": ("mmgcn", "biddin")}
"""Baselines of the parts that do not measure all of them unless they are named."""
MODALITIES = ("atv", "at", "tv", "av")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the options; with baselines, shapes or modalities the part is ``training`` alone."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--parts", type=_names_of(PARTS))
    parser.add_argument("--baselines", type=_names_of((*BASELINES, "late_fusion")))
    parser.add_argument("--shapes", type=_names_of(tuple(SHAPES)))
    parser.add_argument("--modalities", type=_names_of((*MODALITIES, "a", "t", "v")))
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--epochs", type=int, default=1, help="measured epochs")
    parser.add_argument("--every", type=int, default=1, help="measure only every n-th batch")
    parser.add_argument("--against", type=Path, help="a clone of github.com/np4s/SPCL")
    parser.add_argument("--reference-python", default=sys.executable, help="runs that clone")
    options = parser.parse_args(arguments)
    narrowed = options.baselines or options.shapes or options.modalities or options.against
    options.parts = options.parts or (["training"] if narrowed else list(PARTS))
    options.shapes = options.shapes or list(SHAPES)
    options.modalities = options.modalities or list(MODALITIES)
    return options


def _names_of(known: Sequence[str]) -> Callable[[str], list[str]]:
    """A type for argparse: known names, separated by commas."""

    def names(text: str) -> list[str]:
        for name in (given := text.split(",")):
            if name not in known:
                raise argparse.ArgumentTypeError(f"there is no '{name}'; {choices(name, known)}")
        return given

    return names


def lines(part: str, options: argparse.Namespace) -> Iterator[str]:
    """Run a part; yield what it prints."""
    machine = options.device, options.threads
    baselines = options.baselines or list(FEWER.get(part, BASELINES))
    if part == "training":
        how = training.Options(
            *machine,
            epochs=options.epochs,
            every=options.every,
            against=options.against,
            python=options.reference_python,
        )
        return training.run(baselines, options.shapes, options.modalities, how)
    cases = {"baselines": baselines, "shapes": options.shapes}
    found: Iterator[str] = import_module(f"benchmarks.{part}").run(
        *machine, **(cases if part in ("memory", "operations", "strategies") else {})
    )
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    for part in options.parts:
        start = time.perf_counter()
        print(f"\n{part}", flush=True)
        try:
            for line in lines(part, options):
                print(f"  {line}", flush=True)
        except UserError as error:
            sys.exit(f"error: {error}")
        seconds = time.perf_counter() - start
        print(f"  {results.FOLDER / f'{part}.parquet'}, after {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
