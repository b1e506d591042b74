"""What the rules share: the checked config, the names that it knows, the digests of the code."""

import fcntl
import os
import re
from dataclasses import asdict
from functools import cache
from pathlib import Path

from snakemake.logging import logger

from spcl.config import check
from spcl.device import choose
from spcl.digest import digest
from spcl.errors import UserError
from spcl.extensions import BASELINE, CURRICULUM, find, needs
from spcl.grid import Cell, cell_settings, cells, needed, pacing_cell


def keep_one_line(record):
    """Where Snakemake wraps a UserError in locations and a traceback, log the error alone."""
    found = re.search(r"^\s*UserError(?:| in .*):\s+(.+)$", str(record.msg), re.MULTILINE)
    if found:
        record.msg = f"error: {found[1]}"
    return True


logger.addFilter(keep_one_line)
CONFIG_FILE = ", ".join(os.path.relpath(path) for path in workflow.configfiles)
check(config, Path(workflow.basedir, "workflow/schemas/config.schema.yaml"), CONFIG_FILE)

GRID = config["name"]
DEVICE = choose(config["device"])
BASELINES = {
    name: find(BASELINE, name, (entry or {}).get("source"))
    for name, entry in config["baselines"].items()
}
CURRICULA = {
    name: find(CURRICULUM, name, (entry or {}).get("source"))
    for name, entry in config["curricula"].items()
}
NEEDS = {name: needs(extension) for name, extension in CURRICULA.items()}
SIMULATED = [name for name, dataset in config["datasets"].items() if "simulate" in dataset]


wildcard_constraints:
    dataset="|".join(config["datasets"]),
    modality="[atv]",
    baseline="|".join(config["baselines"]),
    modalities="atv|at|tv|av|a|t|v",
    curriculum="|".join(config["curricula"]),
    grid=GRID,


@cache
def code(script, *modules):
    """Digest of a rule's script and of the modules that it imports only by name."""
    return digest(Path(workflow.basedir, "scripts", f"{script}.py"), *modules)


def corpus(wildcards):
    """The folder or file of a raw corpus; one clear line where it is absent."""
    dataset = config["datasets"][wildcards.dataset]
    if "simulate" not in dataset and not Path(dataset["path"]).exists():
        raise UserError(
            f"{dataset['path']}: no such folder; put the corpus there or set"
            f" datasets.{wildcards.dataset}.path in {CONFIG_FILE}"
        )
    return dataset["path"]


def of_dataset(key):
    """What the config says of a job's dataset. (`lookup` walks the whole config for each job.)"""
    return lambda wildcards: config["datasets"][wildcards.dataset][key]


def of_modality(key):
    """What the config says of how a job's modality is extracted."""
    return lambda wildcards: config["features"][wildcards.modality][key]


def cell(wildcards):
    """The cell of a job."""
    return Cell(**dict(wildcards.items()))


@cache
def settings(cell):
    """What decides the numbers of a cell."""
    return cell_settings(config, cell)


def cell_modules(wildcards):
    """Those of a cell's baseline and of its curriculum."""
    both = BASELINES[wildcards.baseline], CURRICULA[wildcards.curriculum]
    return [extension.module or extension.path for extension in both]


def wants(cell, need):
    """Whether a cell's curriculum wants to know `need` before the first epoch."""
    return need in needed(NEEDS[cell.curriculum], settings(cell)["curriculum"])


def of_modalities(stage, cell):
    """Tables of a cell's modalities."""
    return [f"results/{stage}/{cell.dataset}/{letter}.parquet" for letter in cell.modalities]


def cell_features(wildcards):
    """Feature tables of a cell's modalities."""
    return of_modalities("features", cell(wildcards))


def cell_probes(wildcards):
    """The probes' scores of the utterances, where the curriculum looks at them."""
    return of_modalities("difficulty", cell(wildcards)) if wants(cell(wildcards), "probes") else []


def cell_conversations(wildcards):
    """The conversations' scores, likewise."""
    path = f"results/difficulty/{wildcards.dataset}/conversations.parquet"
    return path if wants(cell(wildcards), "shift_rate") else []


def cell_pace(wildcards):
    """The history of the cell that sets the pace, likewise."""
    own = cell(wildcards)
    if not wants(own, "pace"):
        return []
    pacing = pacing_cell(own, settings(own)["curriculum"])
    key = f"{CONFIG_FILE}: curricula.{own.curriculum}.settings.of"
    if pacing.curriculum not in CURRICULA:
        raise UserError(
            f"{key}: '{pacing.curriculum}' is not defined under curricula; define it there or name"
            f" one of: {', '.join(name for name in CURRICULA if name != own.curriculum)}"
        )
    if wants(pacing, "pace"):
        raise UserError(
            f"{key}: '{pacing.curriculum}' follows the pace of another itself; name one that does"
            " not, such as spcl"
        )
    return f"results/cells/{pacing.address}/history.parquet"


def of_cells(table, datasets=config["datasets"]):
    """One of the four tables of every cell of the grid, or of those of some datasets."""
    return [
        f"results/cells/{cell.address}/{table}.parquet"
        for cell in cells(config | {"datasets": datasets})
    ]


def of_datasets(pattern):
    """A path of every dataset, and of every modality where `pattern` names it."""
    return expand(pattern, grid=GRID, dataset=config["datasets"], modality=config["features"])


def benchmarked_jobs():
    """The rule and the wildcards, in the order of the paths, of every job whose cost is tabulated."""
    simulated = [{"dataset": name} for name in SIMULATED]
    datasets = [{"dataset": name} for name in config["datasets"]]
    modalities = [one | {"modality": letter} for one in datasets for letter in config["features"]]
    wildcards = {
        "simulate_corpus": simulated,
        "import_corpus": datasets,
        "extract_features": modalities,
        "score_utterances": modalities,
        "score_conversations": datasets,
        "train_cell": [asdict(cell) for cell in cells(config)],
    }
    return [[rule, one] for rule, values in wildcards.items() for one in values]


def hold_folder():
    """Refuse a second run in this folder. Unlike Snakemake's lock, a killed run leaves none."""
    running = os.open(".snakemake/running", os.O_WRONLY | os.O_CREAT)  # until this process ends
    try:
        fcntl.flock(running, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(
            ".snakemake/running: another snakemake works in this folder; wait until it is done"
        ) from None


def say_where_results_are():
    """After a run of the whole grid, say where to look."""
    if set(workflow.dag_settings.targets) <= {"all"}:
        logger.info(f"Tables: results/tables/{GRID}/   Figures: results/figures/{GRID}/")
