"""Cost of trainings and jobs: wall time, memory, throughput, overhead of a curriculum."""

import math
from collections.abc import Iterator, Sequence

import pandas as pd

from spcl.report import fields
from spcl.report.analysis.costs import cell_costs, rule_costs
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE
from spcl.report.columns import COUNT, REAL, TEXT
from spcl.report.panels import Panel
from spcl.report.table import frame_of
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY

TITLE = "Cost of training and of the workflow"

SCHEMA = Schema(
    "cost table",
    (
        Column("part", TEXT, "cell or rule"),
        *(Column(axis, TEXT, "of a cell", True) for axis in CELL_KEY),
        Column("rule", TEXT, "the workflow's rule", True),
        Column("measure", TEXT, "what was measured"),
        Column("unit", TEXT, "s, MiB, utterances/s, %"),
        Column("value", REAL, "in that unit; null = too short a job to measure", True),
        Column("sd", REAL, "standard deviation over seeds", True),
        Column("n", COUNT, "seeds of the cell, or jobs of the rule"),
    ),
    key=("part", *CELL_KEY, "rule", "measure"),
)

_OF_CELLS = {
    "train_seconds": "s",
    "seconds_per_epoch": "s",
    "utterances_per_second": "utterances/s",
    "peak_memory_mb": "MiB",
    "overhead": "%",
}
_OF_RULES = {"total_seconds": "s", "mean_seconds": "s", "cpu_seconds": "s", "max_rss_mb": "MiB"}


def compute(results: Results) -> pd.DataFrame:
    """A row for each measure of a cell or rule; see `SCHEMA`."""
    cells, rules = cell_costs(results), rule_costs(results)
    rows = [*_long(cells, "cell", CELL_KEY, "n_seeds", _OF_CELLS)]
    rows += _long(rules, "rule", ("rule",), "n_jobs", _OF_RULES)
    return frame_of(rows, SCHEMA).astype({"value": float, "sd": float})


def _long(
    frame: pd.DataFrame, part: str, key: Sequence[str], n: str, measures: dict[str, str]
) -> Iterator[dict[str, object]]:
    """One row a measure; none has no overhead."""
    for _, row in frame.iterrows():
        for measure, unit in measures.items():
            if measure == "overhead" and row["curriculum"] == NONE:
                continue
            yield {name: row[name] for name in key} | {
                "part": part,
                "measure": measure,
                "unit": unit,
                "value": row[measure],
                "sd": row.get(f"{measure}_sd", math.nan),
                "n": row[n],
            }


def caption(data: pd.DataFrame) -> str:
    return (
        "Wall time of trainings (mean over seeds; evaluation after each epoch included),"
        " throughput on training utterances, peak memory (of the device on a GPU, else of the"
        " process); overhead: seconds an epoch over those of the curriculum none, paired by"
        " seed (mean ± standard deviation). Wall times were measured while other jobs used the"
        " same machine: they are an indication, not a benchmark."
    )


def panels(data: pd.DataFrame, results: Results) -> Iterator[Panel]:
    of_cells = (
        *fields.cell(results.metrics),
        fields.value("train_seconds", "Training s"),
        fields.value("seconds_per_epoch", "Epoch s", 3),
        *fields.blank_for(NONE, fields.difference("overhead", "Overhead %")),
        fields.value("utterances_per_second", "Utterances/s", 0),
        fields.value("peak_memory_mb", "Memory MiB", 0),
        fields.count("n_seeds", "Seeds"),
    )
    yield fields.panel(cell_costs(results), of_cells, "Trainings", nested=3)
    of_rules = (
        fields.words("rule"),
        fields.count("n_jobs", "Jobs"),
        fields.value("total_seconds", "Wall s, all"),
        fields.value("mean_seconds", "Wall s a job"),
        fields.value("cpu_seconds", "CPU s, all"),
        fields.value("max_rss_mb", "Peak memory MiB", 0),
    )
    title = "Jobs of the workflow, start of Python included"
    yield fields.panel(rule_costs(results), of_rules, title)


def notes(data: pd.DataFrame, results: Results) -> Iterator[str]:
    cells, rules = data[data["part"] == "cell"], data[data["part"] == "rule"]
    overhead = cells.loc[cells["measure"] == "overhead", "value"]
    if not len(cells):
        yield "There are no cells: no metrics were given."
    elif not len(overhead):
        yield "Only the curriculum none was given, so there is no overhead."
    elif overhead.isna().any():
        yield "No overhead (dash) where the cell of none, or a common seed, is missing."
    if not len(rules):
        yield "No benchmarks of the rules were given."
    elif rules["value"].isna().any():
        yield "A dash means that every job of the rule was too short to be sampled."
