"""What the rules share: the checked config, the names that it knows, the digests of the code."""

import copy
import fcntl
import gc
import os
import re
import shutil
from functools import cache
from pathlib import Path

from snakemake.logging import logger
from snakemake.settings.enums import Quietness

from spcl.study.config import check, check_cell, check_cells, check_paces
from spcl.study.datasets import (
    MODALITY_SETS,
    extraction,
    modalities,
    owners,
    trained,
    with_folds,
)
from spcl.jobs.device import choose
from spcl.errors import UserError
from spcl.study.extensions import BASELINE, CURRICULUM, find, needs
from spcl.study.grid import Cell, cell_settings, cells, left_out, needed, pacing_cell
from spcl.jobs.leftovers import end_leftover_jobs
from spcl.jobs.progress import Progress
from spcl.provenance.code import digest
from spcl.provenance.corpora import absent, gone
from spcl.provenance.triggers import (
    ignore_time_stamps,
    judge_by_records,
    left_out_unfinished,
    start_with,
)
from spcl.status.jobs import jobs

# What makes up a grid of jobs lives to the end: to look for garbage in it takes a fifth of the time.
gc.set_threshold(50_000, 20, 100)


def keep_one_line(record):
    """Where Snakemake wraps a UserError in locations and a traceback, log the error alone."""
    found = re.search(r"^\s*UserError(?:| in .*):\s+(.+)$", str(record.msg), re.MULTILINE)
    if found:
        record.msg = f"error: {found[1]}"
    return True


# The folder with Snakefile and scripts, also where another workflow uses this one as a module.
ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parents[1]
# The names of the rules that have a script: in a module they may be prefixed.
RULES = {
    workflow.modifier.modify_rulename(script.stem): script.stem
    for script in sorted(ROOT.glob("scripts/*.py"))
}
[TRAIN_CELL] = [name for name, own in RULES.items() if own == "train_cell"]
# Each `use rule` of a workflow that uses this one as a module reads these rules once more.
FIRST = not hasattr(workflow, "spcl_rules")
workflow.spcl_rules = RULES
if FIRST:
    logger.addFilter(keep_one_line)
    ignore_time_stamps(RULES)
if FIRST and workflow.is_main_process and not workflow.touch:
    logger.addHandler(
        Progress(
            lambda line: logger.info(line, extra={"quietness": Quietness.PROGRESS}),
            TRAIN_CELL,
            # Where jobs run is not known while the rules are read.
            running=lambda: "running" if workflow.local_exec else "submitted",
        )
    )
for folder in ("results", "logs", "benchmarks"):
    # Snakemake would take every file in it for one that somebody protects.
    if Path(folder).exists() and not os.access(folder, os.W_OK) and not workflow.dryrun:
        raise UserError(
            f"{folder}: cannot be written to; make it writable, or work in another folder:"
            " snakemake --directory FOLDER"
        )
CONFIG_FILE = ", ".join(os.path.relpath(path) for path in workflow.configfiles)
config = copy.deepcopy(config)  # a workflow that uses this one as a module may read it, too
check(config, ROOT / "workflow/schemas/config.schema.yaml", CONFIG_FILE)

config["datasets"] = with_folds(config["datasets"])
if FIRST and workflow.is_main_process:
    for name, sets in left_out(config).items():
        logger.info(f"{name} has only {modalities(config, name)}: no cells of {', '.join(sets)}")
    for line in gone(config["datasets"]):
        logger.warning(line)
    judge_by_records(workflow, RULES, logger.info, leave_out=config["unfinished"] == "leave_out")

if config["unfinished"] == "leave_out":
    config["grid"]["without"] = left_out_unfinished()
    for name in set(trained(config["datasets"])) - {cell.dataset for cell in cells(config)}:
        raise UserError(
            f"unfinished: leave_out: no cell of {name} is finished; train them, or take the"
            " dataset out of the config"
        )
GRID = config["name"]
# Jobs on other nodes keep to it: what they ask for must not hang on the GPUs that their node shows.
if workflow.is_main_process:
    os.environ.update(SPCL_DEVICE=choose(config["device"]))
DEVICE = os.environ.get("SPCL_DEVICE", "cpu")
BASELINES = {
    name: find(BASELINE, name, (entry or {}).get("source"))
    for name, entry in config["baselines"].items()
}
CURRICULA = {
    name: find(CURRICULUM, name, (entry or {}).get("source"))
    for name, entry in config["curricula"].items()
}
NEEDS = {name: needs(extension) for name, extension in CURRICULA.items()}
check_paces(config, NEEDS, CONFIG_FILE)
check_cells(config, CONFIG_FILE)
TRAINED = trained(config["datasets"])
OWNERS = owners(config["datasets"])  # of files and features; folds share theirs
FOLDED = [name for name in OWNERS if name not in TRAINED]
SIMULATED = [name for name in OWNERS if "simulate" in config["datasets"][name]]
DOWNLOADED = [name for name in OWNERS if "download" in config["datasets"][name]]
MADE = {config["datasets"][name]["path"] for name in SIMULATED + DOWNLOADED}


wildcard_constraints:
    dataset="|".join(config["datasets"]),
    modality="[atv]",
    baseline="|".join(config["baselines"]),
    modalities="|".join(MODALITY_SETS),
    curriculum="|".join(config["curricula"]),
    grid=GRID,


@cache
def code(script, *modules):
    """Digest of a rule's script and of the modules that it imports only by name."""
    return digest(ROOT / "scripts" / f"{script}.py", *modules)


def corpus(wildcards):
    """The folder or file of a raw corpus; none where it is no longer there and was read before."""
    name, path = wildcards.dataset, config["datasets"][wildcards.dataset]["path"]
    if path in MADE or Path(path).exists():
        return path
    letter = wildcards.get("modality")
    read = features(name, letter) if letter else f"results/corpora/{name}/utterances.parquet"
    if Path(read).exists():
        return []
    raise UserError(absent(path, name))


def of_dataset(key):
    """What the config says of a job's dataset. (`lookup` walks the whole config for each job.)"""
    return lambda wildcards: config["datasets"][wildcards.dataset].get(key)


def of_download(key):
    """What the config says of where a job's dataset is downloaded from."""
    return lambda wildcards: of_dataset("download")(wildcards)[key]


def of_extraction(key):
    """What the config says of how a job's modality is extracted; one clear line where nothing."""

    def found(wildcards):
        name, letter = wildcards.dataset, wildcards.modality
        if letter not in modalities(config, name):
            raise UserError(
                f"{CONFIG_FILE}: datasets.{name} has no modality '{letter}'; ask for"
                f" {modalities(config, name)}, or add its features"
            )
        return extraction(config, name, letter)[key]

    return found


def reads_of_corpus(wildcards):
    """What an extraction reads of the corpus: features that it brings, its media, or nothing."""
    if of_extraction("extractor")(wildcards) == "corpus":
        return "documents"
    return "nothing" if wildcards.modality == "t" else "media"


@cache
def known_cell(*address):
    """The cell at an address; one clear line where a part of it is not in the config."""
    check_cell(config, Cell(*address), CONFIG_FILE)
    return Cell(*address)


def cell(wildcards):
    """The cell of a job. (Snakemake lets every name into a path that is written with pathvars.)"""
    return known_cell(
        wildcards.dataset, wildcards.baseline, wildcards.modalities, wildcards.curriculum
    )


@cache
def settings(cell):
    """What decides the numbers of a cell."""
    return cell_settings(config, cell)


def cell_modules(wildcards):
    """Those of a cell's baseline and of its curriculum."""
    own = cell(wildcards)
    both = BASELINES[own.baseline], CURRICULA[own.curriculum]
    return [extension.module or extension.path for extension in both]


def wants(cell, need):
    """Whether a cell's curriculum wants to know `need` before the first epoch."""
    return need in needed(NEEDS[cell.curriculum], settings(cell)["curriculum"])


def features(dataset, letter):
    """The features of a dataset in one modality; those of a fold are its corpus'."""
    owner = config["datasets"][dataset].get("fold_of", dataset)
    return f"results/features/{owner}/{letter}.parquet"


def cell_features(wildcards):
    """The features of a cell's modalities."""
    own = cell(wildcards)
    return [features(own.dataset, letter) for letter in own.modalities]


def probes(dataset, letters):
    """The difficulty of a dataset's utterances, a table a modality."""
    return [f"results/difficulty/{dataset}/{letter}.parquet" for letter in letters]


def cell_probes(wildcards):
    """The probes' scores of the utterances, where the curriculum looks at them."""
    own = cell(wildcards)
    return probes(own.dataset, own.modalities) if wants(own, "probes") else []


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
    return f"results/cells/{pacing.address}/history.parquet"


def of_cells(table, dataset=None):
    """One of the four tables of every cell of the grid, or of those of one dataset."""
    return [
        f"results/cells/{cell.address}/{table}.parquet"
        for cell in cells(config)
        if dataset in (None, cell.dataset)
    ]


def of_datasets(pattern, datasets=TRAINED):
    """A path of every dataset."""
    return expand(pattern, grid=GRID, dataset=datasets)


def all_features():
    """The features of every corpus."""
    return [features(name, letter) for name in OWNERS for letter in modalities(config, name)]


def all_probes():
    """The utterances' difficulty in every dataset and modality."""
    return [path for name in TRAINED for path in probes(name, modalities(config, name))]


def folds(dataset):
    """The datasets that are folds of one."""
    return [name for name in TRAINED if config["datasets"][name].get("fold_of") == dataset]


def of_corpora(table):
    """One of the gathered tables of every corpus, in which its folds count as one."""
    pooled = f"results/gathered/{GRID}/pooled"
    return [
        f"{pooled if name in FOLDED else f'results/gathered/{GRID}'}/{name}/{table}.parquet"
        for name in OWNERS
    ]


def pooled_probes():
    """What the probes of a corpus' folds predict on test, taken as one, by modality."""
    return [
        f"results/gathered/{GRID}/pooled/{name}/probe-{letter}.parquet"
        for name in FOLDED
        for letter in modalities(config, name)
    ]


def benchmarked_jobs():
    """The rule and the wildcards, in the order of the paths, of every job whose cost is tabulated."""
    costed = "corpora", "features", "difficulty", "cells"
    return [[job.rule, job.wildcards] for job in jobs(config) if job.stage in costed]


def hold_folder():
    """Refuse a second run in this folder. Unlike Snakemake's lock, a killed run leaves none."""
    running = os.open(".snakemake/running", os.O_WRONLY | os.O_CREAT)  # until this process ends
    try:
        fcntl.flock(running, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(
            ".snakemake/running: another snakemake works in this folder; wait until it is done"
        ) from None


def end_leftovers():
    """End what a killed run left at work in this folder."""
    for log in end_leftover_jobs():
        logger.info(f"{log}: its job was left at work by a run that was killed; ended")


def forget_what_is_forced():
    """What the command line forces is trained anew: what was kept of such cells goes."""
    chosen = workflow.dag_settings
    if chosen.forceall or chosen.forcetargets or chosen.forcerun:
        for job in workflow.dag.needrun_jobs():
            if job.rule.name == TRAIN_CELL and workflow.dag.reason(job).forced:
                shutil.rmtree(job.params.kept, ignore_errors=True)


def say_device():
    """Where other nodes may have other GPUs, say what `auto` came to."""
    if config["device"] == "auto" and not workflow.local_exec:
        logger.info(f"device: auto means {DEVICE}, as on this machine")


def before_the_first_job():
    hold_folder()
    end_leftovers()
    forget_what_is_forced()
    say_device()


if FIRST:
    start_with(workflow, before_the_first_job)


def say_where_results_are():
    """After a run of the whole grid, say where to look."""
    if set(workflow.dag_settings.targets) <= {"all"}:
        logger.info(f"Tables: results/tables/{GRID}/   Figures: results/figures/{GRID}/")
