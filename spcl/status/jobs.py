"""Lists every job of a config with its stage, its log and its files.

The rules in workflow/rules/ define the same jobs for Snakemake; a test compares the two. The
Snakefile imports this module, so it uses the standard library alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from spcl import report
from spcl.study.datasets import modalities, owners, trained
from spcl.study.grid import CELL_TABLES, cell_files, cells, model_files

STAGES = ("corpora", "features", "difficulty", "tuning", "cells", "tables", "figures")


@dataclass(frozen=True)
class Job:
    """One job of the workflow.

    Attributes
    ----------
    stage
        Of `STAGES`.
    rule, wildcards
        As in the workflow; the wildcards in their order in the path of the log.
    outputs
        Its files.
    log
        Its log.
    working
        The folder of the saved states of a cell or tuning.
    """

    stage: str
    rule: str
    wildcards: dict[str, str]
    outputs: tuple[str, ...]
    log: str
    working: str | None = None

    @property
    def name(self) -> str:
        """Its name in messages: the address of a cell; rule and wildcards of another job."""
        words = "/".join(self.wildcards.values())
        return words if self.stage == "cells" else f"{self.rule} {words}"


def jobs(config: Mapping[str, Any]) -> Iterator[Job]:
    """The jobs of a checked config whose datasets include the folds, stage by stage."""
    for parts in (_corpora, _features, _difficulty, _tuning, _cells, _tables, _figures):
        yield from parts(config)


def _job(stage: str, rule: str, wildcards: dict[str, str], outputs: Iterable[str]) -> Job:
    log = f"logs/{rule}/{'/'.join(wildcards.values())}.log"
    return Job(stage, rule, wildcards, tuple(outputs), log)


def _corpora(config: Mapping[str, Any]) -> Iterator[Job]:
    own, every = owners(config["datasets"]), trained(config["datasets"])
    for rule, key in (("download_corpus", "download"), ("simulate_corpus", "simulate")):
        for name in own:
            if key in config["datasets"][name]:
                yield _job("corpora", rule, {"dataset": name}, [f"data/{name}"])
    for name in dict.fromkeys([*own, *every]):
        stem = f"results/corpora/{name}"
        made = [f"{stem}/{table}.parquet" for table in ("utterances", "problems", "report")]
        yield _job("corpora", "import_corpus", {"dataset": name}, made)


def _features(config: Mapping[str, Any]) -> Iterator[Job]:
    for name in owners(config["datasets"]):
        for letter in modalities(config, name):
            stem = f"results/features/{name}/{letter}"
            made = [f"{stem}.parquet", f"{stem}-problems.parquet"]
            yield _job("features", "extract_features", {"dataset": name, "modality": letter}, made)


def _difficulty(config: Mapping[str, Any]) -> Iterator[Job]:
    every = trained(config["datasets"])
    for name in every:
        for letter in modalities(config, name):
            wildcards = {"dataset": name, "modality": letter}
            made = [f"results/difficulty/{name}/{letter}.parquet"]
            yield _job("difficulty", "score_utterances", wildcards, made)
    for name in every:
        made = [f"results/difficulty/{name}/conversations.parquet"]
        yield _job("difficulty", "score_conversations", {"dataset": name}, made)


def _tuning(config: Mapping[str, Any]) -> Iterator[Job]:
    for cell in cells(config) if "tuning" in config else []:
        stem = f"results/tuning/{cell.address}"
        made = [f"{stem}/{table}.parquet" for table in ("settings", "pace")]
        yield replace(
            _job("tuning", "tune_cell", asdict(cell), made),
            working=f"results/trials/{cell.address}",
        )


def _cells(config: Mapping[str, Any]) -> Iterator[Job]:
    for cell in cells(config):
        stem = f"results/cells/{cell.address}"
        made = [f"{stem}/{name}" for name in cell_files(config).values()]
        yield replace(
            _job("cells", "train_cell", asdict(cell), made), working=f"{stem}.checkpoints"
        )


def _tables(config: Mapping[str, Any]) -> Iterator[Job]:
    grid, datasets = config["name"], config["datasets"]
    stem, every = f"results/gathered/{grid}", trained(datasets)
    folded = [name for name in owners(datasets) if name not in every]
    for cell in cells(config) if model_files(config) else ():
        made = [f"results/cells/{cell.address}/card.{ending}" for ending in ("parquet", "md")]
        yield _job("tables", "write_card", asdict(cell), made)
    for name in every:
        made = [f"{stem}/{name}/{table}.parquet" for table in CELL_TABLES]
        yield _job("tables", "gather_cells", {"grid": grid, "dataset": name}, made)
    for name in folded:
        made = [
            f"{stem}/pooled/{name}/{table}.parquet"
            for table in ("metrics", "predictions", "robustness")
        ]
        yield _job("tables", "pool_folds", {"grid": grid, "dataset": name}, made)
        for letter in modalities(config, name):
            made = [f"{stem}/pooled/{name}/probe-{letter}.parquet"]
            yield _job("tables", "pool_probes", {"grid": grid, "of": f"{name}-{letter}"}, made)
    yield _job("tables", "gather_benchmarks", {"grid": grid}, [f"{stem}/benchmarks.parquet"])
    if "tuning" in config:
        yield _job("tables", "gather_tuning", {"grid": grid}, [f"{stem}/tuning.parquet"])
    for table in _modules("tables"):
        if {"folds": folded, "tuning": "tuning" in config}.get(table, True):
            stem = f"results/tables/{grid}/{table}"
            made = [f"{stem}.{ending}" for ending in ("parquet", "md", "tex", "html")]
            yield _job("tables", "tabulate", {"grid": grid, "table": table}, made)


def _figures(config: Mapping[str, Any]) -> Iterator[Job]:
    grid = config["name"]
    for figure in _modules("figures"):
        if figure == "tuning" and "tuning" not in config:
            continue
        stem = f"results/figures/{grid}/{figure}"
        made = [f"{stem}.{ending}" for ending in ("parquet", "svg", "png")]
        yield _job("figures", "plot", {"grid": grid, "figure": figure}, made)


def _modules(kind: str) -> list[str]:
    """The names of all tables or figures: one module each."""
    folder = Path(report.__file__).with_name(kind)
    return sorted(path.stem for path in folder.glob("[!_]*.py"))
