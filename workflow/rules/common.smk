"""What the rules share: the checked config, the names that it knows, the digests of the code."""

import fcntl
import os
import re
from dataclasses import asdict
from pathlib import Path

from snakemake.logging import logger

from spcl.config import check
from spcl.device import choose
from spcl.digest import digest
from spcl.errors import UserError
from spcl.grid import Cell, cell_settings, cells


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
SIMULATED = [name for name, dataset in config["datasets"].items() if "simulate" in dataset]


wildcard_constraints:
    dataset="|".join(config["datasets"]),
    modality="[atv]",
    baseline="|".join(config["baselines"]),
    modalities="atv|at|tv|av|a|t|v",
    curriculum="|".join(config["curricula"]),
    grid=GRID,


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


def settings(wildcards):
    """What decides the numbers of a cell."""
    return cell_settings(config, Cell(**dict(wildcards.items())))


def cell_features(wildcards):
    """Feature tables of a cell's modalities."""
    return expand(
        "results/features/{dataset}/{modality}.parquet",
        dataset=wildcards.dataset,
        modality=list(wildcards.modalities),
    )


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
