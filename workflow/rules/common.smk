"""Shared by all rules: the validated config, its names, the digests of the code."""

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

from spcl.study.config import check, check_cell
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
from spcl.study.grid import (
    CELL_TABLES,
    Cell,
    cell_files,
    cell_settings,
    cells,
    left_out,
    model_files,
    needed,
    pacing_cell,
    strategies,
)
from spcl.study.shipped import SHIPPED, import_in_jobs
from spcl.study.tuning import search_space
from spcl.jobs.leftovers import end_leftover_jobs
from spcl.jobs.progress import Progress
from spcl.jobs.python_path import quote_python, refuse_unquotable
from spcl.provenance.code import digest
from spcl.provenance.corpora import absent, gone
from spcl.provenance.triggers import (
    ignore_time_stamps,
    judge_by_records,
    left_out_unfinished,
    start_with,
)
from spcl.status.jobs import jobs

# The objects of the job graph live until the end, so frequent garbage collection wastes time.
gc.set_threshold(50_000, 20, 100)


def keep_the_message(record):
    """Remove the locations and traceback that Snakemake adds to a UserError of one line or more."""
    error = r"^\s*UserError(?:| in .*):\s+(\S.*(?:\n\S.*)*)"
    found = re.search(error, str(record.msg), re.MULTILINE)
    if found:
        record.msg = f"error: {found[1]}"
    return True


# The folder with Snakefile and scripts, also where another workflow uses this one as a module.
# A Snakefile that is read from the network has its scripts in the installed package.
HERE = Path(workflow.current_basedir.get_path_or_uri(secret_free=True))
ROOT = HERE.parents[1] if HERE.is_dir() else SHIPPED
import_in_jobs()
# Each `use rule` of a workflow that uses this one as a module parses these rules again.
FIRST = not hasattr(workflow, "spcl_rules")
if FIRST:
    # Names in this run, which may have a prefix in a module, and the names used here.
    workflow.spcl_rules = {
        workflow.modifier.modify_rulename(script.stem): script.stem
        for script in sorted(ROOT.glob("scripts/*.py"))
    }
RULES = workflow.spcl_rules
[TRAIN_CELL] = [name for name, own in RULES.items() if own == "train_cell"]
if FIRST:
    logger.addFilter(keep_the_message)
    quote_python()
    ignore_time_stamps(RULES)
if FIRST and workflow.is_main_process and not workflow.touch:
    logger.addHandler(
        Progress(
            lambda line: logger.info(line, extra={"quietness": Quietness.PROGRESS}),
            TRAIN_CELL,
            # The executor is not known yet when the rules are parsed.
            running=lambda: "running" if workflow.local_exec else "submitted",
        )
    )
for folder in ("results", "logs", "benchmarks"):
    # Snakemake would report every file in a read-only folder as protected.
    if Path(folder).exists() and not os.access(folder, os.W_OK) and not workflow.dryrun:
        raise UserError(
            f"{folder}: cannot be written to; make it writable, or work in another folder:"
            " snakemake --directory FOLDER"
        )
CONFIG_FILES = [os.path.relpath(path) for path in workflow.configfiles]
CONFIG_FILE = ", ".join(CONFIG_FILES)
config = copy.deepcopy(config)  # a workflow that uses this one as a module may read it, too
check(config, ROOT / "workflow/schemas/config.schema.yaml", CONFIG_FILE, CONFIG_FILES)

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
TUNING = config.get("tuning")
# Jobs on other nodes use the same device, whatever GPUs their node has.
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
    if "combine" not in (entry or {})
}
NEEDS = {name: needs(extension) for name, extension in CURRICULA.items()}
TRAINED = trained(config["datasets"])
OWNERS = owners(config["datasets"])  # of files and features, which folds share
FOLDED = [name for name in OWNERS if name not in TRAINED]
SIMULATED = [name for name in OWNERS if "simulate" in config["datasets"][name]]
DOWNLOADED = [name for name in OWNERS if "download" in config["datasets"][name]]
MODELS = model_files(config)
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
    """Digest of a rule's script, its imports, and the modules that it imports by name."""
    return digest(ROOT / "scripts" / f"{script}.py", *modules)


def corpus(wildcards):
    """The folder or file of a raw corpus; empty if it is missing but was imported before."""
    name, path = wildcards.dataset, config["datasets"][wildcards.dataset]["path"]
    if path in MADE or Path(path).exists():
        return path
    letter = wildcards.get("modality")
    read = features(name, letter) if letter else f"results/corpora/{name}/utterances.parquet"
    if Path(read).exists():
        return []
    raise UserError(absent(path, name))


def of_dataset(key):
    """A config value of a job's dataset. (`lookup` would search the whole config for each job.)"""
    return lambda wildcards: config["datasets"][wildcards.dataset].get(key)


def of_download(key):
    """A config value of the download of a job's dataset."""
    return lambda wildcards: of_dataset("download")(wildcards)[key]


def of_extraction(key):
    """A config value of the extractor of a job's modality; UserError if there is none."""

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
    """The files of the corpus that an extraction reads: its features, its media, or nothing."""
    if of_extraction("extractor")(wildcards) == "corpus":
        return "documents"
    return "nothing" if wildcards.modality == "t" else "media"


@cache
def known_cell(*address):
    """The cell at an address; UserError if a part of it is not in the config."""
    check_cell(config, Cell(*address), CONFIG_FILE)
    return Cell(*address)


def cell(wildcards):
    """The cell of a job. (Paths with pathvars match names that are not in the config.)"""
    return known_cell(
        wildcards.dataset, wildcards.baseline, wildcards.modalities, wildcards.curriculum
    )


@cache
def settings(cell):
    """The settings that affect the numbers of a cell."""
    found = cell_settings(config, cell)
    taught = any("teachers" in needs for needs in NEEDS.values())
    is_teacher = cell.curriculum == "none" and len(cell.modalities) == 1
    return found | {"predict_train": True} if taught and is_teacher else found


def cell_modules(wildcards):
    """The modules of a cell's baseline and strategies."""
    own = cell(wildcards)
    used = [BASELINES[own.baseline], *(CURRICULA[name] for name in strategies(own, settings(own)))]
    return [extension.module or extension.path for extension in used]


def wants(cell, need):
    """Whether a cell's strategies require `need` before the first epoch."""
    return any(
        need in needed(NEEDS[name], one["settings"])
        for name, one in strategies(cell, settings(cell)).items()
    )


def features(dataset, letter):
    """The features of a dataset in one modality. Folds share the features of their corpus."""
    owner = config["datasets"][dataset].get("fold_of", dataset)
    return f"results/features/{owner}/{letter}.parquet"


def cell_features(wildcards):
    """The features of a cell's modalities."""
    own = cell(wildcards)
    return [features(own.dataset, letter) for letter in own.modalities]


def probes(dataset, letters):
    """The difficulty tables of a dataset's utterances, one per modality."""
    return [f"results/difficulty/{dataset}/{letter}.parquet" for letter in letters]


def cell_probes(wildcards):
    """The probes' scores of the utterances, if the curriculum requires them."""
    own = cell(wildcards)
    return probes(own.dataset, own.modalities) if wants(own, "probes") else []


def cell_conversations(wildcards):
    """The scores of the conversations, if the curriculum requires them."""
    path = f"results/difficulty/{wildcards.dataset}/conversations.parquet"
    return path if wants(cell(wildcards), "shift_rate") else []


def cell_pace(wildcards, table="results/cells/{}/history.parquet"):
    """The history of the cell that sets the pace, if the curriculum requires it."""
    own = cell(wildcards)
    if not wants(own, "pace"):
        return []
    return table.format(pacing_cell(own, settings(own)).address)


def cell_teachers(wildcards):
    """The predictions of the same baseline on each modality alone, if the strategy needs them."""
    own = cell(wildcards)
    if len(own.modalities) == 1 or not wants(own, "teachers"):
        return []
    teachers = (known_cell(own.dataset, own.baseline, m, "none") for m in own.modalities)
    return [f"results/cells/{teacher.address}/predictions.parquet" for teacher in teachers]


def trial_pace(wildcards):
    """The history of the chosen trials of that cell."""
    return cell_pace(wildcards, "results/tuning/{}/pace.parquet")


def cell_tuning(wildcards):
    """The candidates of a cell and the choice among them, if the config asks for tuning."""
    return f"results/tuning/{cell(wildcards).address}/settings.parquet" if TUNING else []


def of_cells(table, dataset=None, stage="cells"):
    """One of the tables of every cell of the grid, or of the cells of one dataset."""
    return [
        f"results/{stage}/{cell.address}/{table}.parquet"
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
    """The difficulty tables of every dataset and modality."""
    return [path for name in TRAINED for path in probes(name, modalities(config, name))]


def folds(dataset):
    """The folds of a dataset."""
    return [name for name in TRAINED if config["datasets"][name].get("fold_of") == dataset]


def of_corpora(table):
    """One of the gathered tables of every corpus, with its folds pooled."""
    pooled = f"results/gathered/{GRID}/pooled"
    return [
        f"{pooled if name in FOLDED else f'results/gathered/{GRID}'}/{name}/{table}.parquet"
        for name in OWNERS
    ]


def pooled_probes():
    """The pooled test predictions of the probes of all folds, by corpus and modality."""
    return [
        f"results/gathered/{GRID}/pooled/{name}/probe-{letter}.parquet"
        for name in FOLDED
        for letter in modalities(config, name)
    ]


def benchmarked_jobs():
    """Rule and wildcards, in the order of the paths, of every job in the table of costs."""
    costed = "corpora", "features", "difficulty", "tuning", "cells"
    return [[job.rule, job.wildcards] for job in jobs(config) if job.stage in costed]


def hold_folder():
    """Refuse a second run in this folder. A killed run leaves no lock, unlike with Snakemake."""
    running = os.open(".snakemake/running", os.O_WRONLY | os.O_CREAT)  # open until exit
    try:
        fcntl.flock(running, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(
            ".snakemake/running: another snakemake works in this folder; wait until it is done"
        ) from None


def end_leftovers():
    """End the jobs of a killed run in this folder."""
    for log in end_leftover_jobs():
        logger.info(f"{log}: its job was left at work by a run that was killed; ended")


def forget_what_is_forced():
    """Delete the kept seeds and trials of cells that the command line forces to rerun."""
    chosen = workflow.dag_settings
    if chosen.forceall or chosen.forcetargets or chosen.forcerun:
        for job in workflow.dag.needrun_jobs():
            trains = RULES.get(job.rule.name) in ("train_cell", "tune_cell")
            if trains and workflow.dag.reason(job).forced:
                shutil.rmtree(job.params.kept, ignore_errors=True)


def say_device():
    """Log the device of `auto` if jobs run on other nodes, which may have other GPUs."""
    if config["device"] == "auto" and not workflow.local_exec:
        logger.info(f"device: auto means {DEVICE}, as on this machine")


def before_the_first_job():
    if not workflow.local_exec:
        refuse_unquotable()
    hold_folder()
    end_leftovers()
    forget_what_is_forced()
    say_device()


if FIRST:
    start_with(workflow, before_the_first_job)


def say_where_results_are():
    """After a run of the whole grid, print the folders of the results."""
    if set(workflow.dag_settings.targets) <= {"all"}:
        logger.info(f"Tables: results/tables/{GRID}/   Figures: results/figures/{GRID}/")
