"""What the way from trained cells to the report costs, on made-up cells at the corpora's sizes.

See benchmarks/README.md.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path

import yaml

from tests.report.made_results import make_results
from tests.workflow.conftest import Project, copy_of_project

BASELINES = ("biddin", "dialogue_gcn", "mm_dfn", "mmgcn")
MODALITIES = ("atv", "at", "tv", "av")
SIZES = {  # 31 and 280 test dialogues, about 1,623 and 2,610 labelled utterances
    "n_dialogues": {"iemocap-sim": 124, "meld-sim": 1120},
    "mean_length": {"iemocap-sim": 54, "meld-sim": 10},
}
KINDS = ("metrics", "history", "predictions", "curriculum")


def made_project(folder: Path, n_curricula: int, n_seeds: int) -> tuple[Project, str]:
    """A copy of the project whose cells are made up, and its config."""
    project = copy_of_project(folder / "project")
    config = yaml.safe_load((project.folder / "config" / "curricula.yaml").read_text())
    (corpus,) = config["datasets"].values()
    datasets = tuple(SIZES["n_dialogues"])
    curricula = tuple(config["curricula"])[:n_curricula]
    config["datasets"] = {
        name: corpus | {"layout": name.removesuffix("-sim"), "path": f"data/{name}"}
        for name in datasets
    }
    config["baselines"] = {name: {} for name in BASELINES}
    config["grid"] = {
        "baselines": list(BASELINES),
        "modalities": list(MODALITIES),
        "curricula": list(curricula),
        "seeds": list(range(1, n_seeds + 1)),
    }
    path = project.configure(config)
    project.take_for_made(path)
    made = make_results(
        folder / "made",
        datasets=datasets,
        baselines=BASELINES,
        modalities=MODALITIES,
        curricula=curricula,
        seeds=range(1, n_seeds + 1),
        epochs=60,
        **SIZES,
    )
    axes = (datasets, BASELINES, MODALITIES, curricula)
    for source, place in places(made, axes):
        shutil.move(source, project.folder / "results" / place)
    shutil.rmtree(project.folder / "benchmarks", ignore_errors=True)
    for stage in ("gathered", "tables", "figures"):
        shutil.rmtree(project.folder / "results" / stage)
    project.snakemake("--touch", "cells", "difficulty", "--cores", "1", config=path)
    return project, path


def places(made: Mapping[str, list[Path]], axes: tuple[tuple[str, ...], ...]) -> Iterator:
    """Where below results/ the workflow has each made-up file."""
    for kind in KINDS:
        for path, cell in zip(made[kind], product(*axes), strict=True):
            yield path, f"cells/{'/'.join(cell)}/{kind}.parquet"
    for dataset in axes[0]:
        for kind, place in (
            ("utterances", f"corpora/{dataset}/utterances.parquet"),
            ("conversation_difficulty", f"difficulty/{dataset}/conversations.parquet"),
        ):
            yield next(p for p in made[kind] if p.stem == dataset), place
        for kind, folder in (("features", "features"), ("utterance_difficulty", "difficulty")):
            for letter in "atv":
                path = next(p for p in made[kind] if p.stem == f"{dataset}-{letter}")
                yield path, f"{folder}/{dataset}/{letter}.parquet"


def job_costs(project: Project) -> Iterator[tuple[str, float, float]]:
    """Name, seconds and peak memory (MiB) of every job, the longest first."""
    found = []
    for path in (project.folder / "benchmarks").rglob("*.jsonl"):
        job = json.loads(path.read_text().splitlines()[0])
        memory = job["max_rss"]
        name = str(path.relative_to(project.folder / "benchmarks").with_suffix(""))
        found.append((name, job["s"], float(memory) if memory not in (None, "NA") else 0.0))
    yield from sorted(found, key=lambda row: -row[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--curricula", type=int, default=2, choices=range(1, 9))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="leave the project in this new folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        project, config = made_project(folder, options.curricula, options.seeds)
        cores = ("--cores", str(options.cores))
        for name, arguments in (
            ("tables and figures", ("tables", "figures", *cores)),
            ("report", ("--report", "results/report.zip")),
        ):
            start = time.perf_counter()
            project.snakemake(*arguments, config=config)
            print(f"{name:50} {time.perf_counter() - start:8.1f} s")
        for name, seconds, memory in job_costs(project):
            print(f"  {name:48} {seconds:8.1f} s {memory:8.0f} MiB")
        size = (project.folder / "results" / "report.zip").stat().st_size
        print(f"{'report.zip':50} {size / 2**20:8.1f} MiB")


if __name__ == "__main__":
    main()
