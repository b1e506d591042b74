"""What trainings and jobs cost: wall time, memory, throughput, and a curriculum's overhead."""

import math
from collections.abc import Iterator

import pandas as pd
import pyarrow as pa

from spcl.report import footnotes
from spcl.report.analysis.costs import cell_costs, rule_costs
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, CellKey
from spcl.report.panels import Entry, Panel, number, signed, text
from spcl.report.table import ResultTable
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY

_TEXT = pa.string()

SCHEMA = Schema(
    "cost table",
    (
        Column("part", _TEXT, "cell or rule"),
        Column("dataset", _TEXT, "of a cell", True),
        Column("baseline", _TEXT, "of a cell", True),
        Column("modalities", _TEXT, "of a cell", True),
        Column("curriculum", _TEXT, "of a cell", True),
        Column("rule", _TEXT, "the workflow's rule", True),
        Column("measure", _TEXT, "what was measured"),
        Column("unit", _TEXT, "s, MiB, utterances/s, %"),
        Column("value", pa.float64(), "in that unit; null = too short a job to measure", True),
        Column("sd", pa.float64(), "standard deviation over seeds", True),
        Column("n", pa.int32(), "seeds of the cell, or jobs of the rule"),
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


def make(results: Results) -> ResultTable:
    """Make the table; see `SCHEMA` for its columns."""
    cells, rules = cell_costs(results), rule_costs(results)
    signs = footnotes.of_cells(results.metrics)
    rows = [*_long(cells, "cell", CELL_KEY, "n_seeds", _OF_CELLS)]
    rows += _long(rules, "rule", ("rule",), "n_jobs", _OF_RULES)
    data = pd.DataFrame(rows, columns=[column.name for column in SCHEMA.columns])
    return ResultTable(
        name="cost",
        title="What it costs",
        caption=(
            "Wall time of trainings (mean over seeds; evaluation after each epoch included),"
            " throughput on training utterances, peak memory (of the device on a GPU, else of the"
            " process); overhead: seconds an epoch over those of the curriculum none, paired by"
            " seed (mean ± standard deviation). Wall times are of a machine that other jobs"
            " share: an indication, not a benchmark."
        ),
        data=data.astype({"value": float, "sd": float}),
        schema=SCHEMA,
        panels=(_cell_panel(cells, signs), _rule_panel(rules)),
        notes=(*footnotes.explained(signs.values()), *_notes(cells, rules)),
        simulated=results.simulated,
    )


def _long(
    frame: pd.DataFrame, part: str, key: tuple[str, ...], n: str, measures: dict[str, str]
) -> Iterator[dict[str, object]]:
    """One row a measure; the overhead of none itself is no row."""
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


def _cell_panel(cells: pd.DataFrame, signs: dict[CellKey, str]) -> Panel:
    rows = []
    for _, row in cells.iterrows():
        key = tuple(row[axis] for axis in CELL_KEY)
        overhead = signed(row["overhead"], spread=row["overhead_sd"])
        rows.append(
            (
                *(text(part) for part in key[:-1]),
                text(key[-1], marks=signs[key]),
                number(row["train_seconds"], 1),
                number(row["seconds_per_epoch"], 3, spread=row["seconds_per_epoch_sd"]),
                Entry("", math.nan) if row["curriculum"] == NONE else overhead,
                number(row["utterances_per_second"], 0),
                number(row["peak_memory_mb"], 0),
                number(row["n_seeds"], 0),
            )
        )
    axes = (axis.capitalize() for axis in CELL_KEY)
    measures = ("Training s", "Epoch s", "Overhead %", "Utterances/s", "Memory MiB", "Seeds")
    return Panel((*axes, *measures), tuple(rows), "Trainings", nested=3)


def _rule_panel(rules: pd.DataFrame) -> Panel:
    rows = tuple(
        (
            text(row["rule"]),
            number(row["n_jobs"], 0),
            number(row["total_seconds"]),
            number(row["mean_seconds"]),
            number(row["cpu_seconds"]),
            number(row["max_rss_mb"], 0),
        )
        for _, row in rules.iterrows()
    )
    headings = ("Rule", "Jobs", "Wall s, all", "Wall s a job", "CPU s, all", "Peak memory MiB")
    return Panel(headings, rows, "Jobs of the workflow, start of Python included")


def _notes(cells: pd.DataFrame, rules: pd.DataFrame) -> Iterator[str]:
    if not len(cells):
        yield "No cells: the table was given no metrics."
    elif (cells["curriculum"] == NONE).all():
        yield "Only the curriculum none was given, so there is no overhead."
    elif cells.loc[cells["curriculum"] != NONE, "overhead"].isna().any():
        yield "No overhead (dash) where the cell of none, or a seed of both, is absent."
    if not len(rules):
        yield "No benchmarks of the rules were given."
    elif rules[["cpu_seconds", "max_rss_mb"]].isna().any().any():
        yield "A dash stands where every job of the rule was too short to be sampled."
