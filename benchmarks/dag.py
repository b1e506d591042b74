"""The time of a dry run that finds nothing to do: ``snakemake -n``.

It runs in a copy of the project whose results are placeholders with the records of their jobs.
"""

import tempfile
import time
from collections.abc import Iterator
from itertools import count
from math import prod
from pathlib import Path
from typing import Any

import yaml

from benchmarks import results
from benchmarks.machine import this_machine
from spcl.study.datasets import MODALITY_SETS
from tests.workflow.conftest import Project, copy_of_project

GRIDS = {
    "paper": (112, 0),
    "paper, 20,000 media files": (112, 20_000),
    "10,000 cells": (10_000, 0),
}
"""By name: the number of cells, and of media files in the corpus meld."""


def grid(project: Project, cells: int) -> dict[str, Any]:
    """The paper's config; for more cells, with all curricula and modality sets and more corpora."""
    config = yaml.safe_load((project.folder / "config/paper.yaml").read_text())
    axes = config["grid"]
    sizes = (len(axes[axis]) for axis in ("baselines", "modalities", "curricula"))
    if cells > len(config["datasets"]) * prod(sizes):
        rivals = yaml.safe_load((project.folder / "config/strategies.yaml").read_text())
        config["curricula"] = rivals["curricula"]
        config["baselines"]["late_fusion"] = {}
        axes |= {"curricula": list(config["curricula"]), "modalities": list(MODALITY_SETS)}
        axes["baselines"] = list(config["baselines"])
        each = len(axes["curricula"]) * len(axes["modalities"]) * len(axes["baselines"])
        for number in count(1):
            if len(config["datasets"]) * each >= cells:
                break
            name = f"meld-{number}"
            config["datasets"][name] = config["datasets"]["meld"] | {"path": f"data/{name}"}
    return config


def made_project(folder: Path, cells: int, media: int) -> tuple[Project, str]:
    """A project with a grid of at least `cells` and nothing to do, and its config."""
    project = copy_of_project(folder)
    config = grid(project, cells)
    for dataset in config["datasets"].values():
        (folder / dataset["path"]).mkdir(parents=True)
    for number in range(media):
        (folder / "data" / "meld" / f"dia{number}.mp4").write_bytes(bytes(100))
    path = project.configure(config)
    project.take_for_made(path)
    return project, path


def measure(cells: int, media: int, repeats: int) -> dict[str, Any]:
    """Seconds of a dry run: the best of `repeats`, after the media have been read once."""
    with tempfile.TemporaryDirectory() as temporary:
        project, config = made_project(Path(temporary, "project"), cells, media)
        spent = []
        for _ in range(repeats):
            start = time.perf_counter()
            said = project.says("-n", config=config, fork=False)  # with its start-up
            spent.append(time.perf_counter() - start)
            if "Nothing to be done" not in said:
                raise RuntimeError(said)
        made = sum(1 for _ in project.folder.glob("results/cells/*/*/*/*/metrics.parquet"))
    return {"cells": made, "media": media, "seconds": min(spent)}


def run(device: str, threads: int, *, grids: dict[str, tuple[int, int]] = GRIDS) -> Iterator[str]:
    """Measure, write ``dag.parquet``, and yield a line for each grid."""
    machine = this_machine(device, threads)
    rows = []
    for name, (cells, media) in grids.items():
        rows.append({"grid": name, **measure(cells, media, repeats=3 if cells < 1000 else 2)})
        results.save("dag", rows, machine)
        yield f"{name:20}{rows[-1]['cells']:7} cells{rows[-1]['seconds']:8.1f} s"
