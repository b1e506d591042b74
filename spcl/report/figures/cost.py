"""Cost of trainings and of the rules of the workflow."""

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spcl.report import footnotes
from spcl.report.analysis.costs import cell_costs, rule_costs
from spcl.report.analysis.results import Results
from spcl.report.columns import COUNT, FLAG, REAL, TEXT
from spcl.report.drawing import grid as panel_grid
from spcl.report.drawing import style
from spcl.tables.parquet import Column, Schema

TITLE = "Cost of training and of the workflow"
CAPTION = (
    "Seconds an epoch with evaluation, mean over seeds; bars: one standard deviation. Bottom: wall"
    " time of all jobs of a rule, start of Python included, with their number and the largest"
    " resident memory of one. Wall times were measured while other jobs used the same machine:"
    " they are an indication, not a benchmark."
)

SCHEMA = Schema(
    "cost figure",
    (
        Column("part", TEXT, "cell or rule"),
        Column("dataset", TEXT, "row of panels; null for a rule", True),
        Column("baseline", TEXT, "column of panels", True),
        Column("modalities", TEXT, "place on the x axis", True),
        Column("curriculum", TEXT, "mark", True),
        Column("rule", TEXT, "bar", True),
        Column("seconds", REAL, "an epoch of a cell, mean over seeds; all jobs of a rule"),
        Column("low", REAL, "a standard deviation below", True),
        Column("high", REAL, "a standard deviation above", True),
        Column("max_rss_mb", REAL, "of a rule: the largest resident memory, MiB", True),
        Column("n", COUNT, "seeds of a cell, jobs of a rule"),
        Column("simulated", FLAG, "the corpus is simulated; false for a rule"),
    ),
    key=("part", "dataset", "baseline", "modalities", "curriculum", "rule"),
)


def compute(results: Results) -> pd.DataFrame:
    """The figure's table; see `SCHEMA`."""
    cells, rules = cell_costs(results), rule_costs(results)
    seconds, sd = cells["seconds_per_epoch"], cells["seconds_per_epoch_sd"]
    cells = cells.assign(
        part="cell",
        seconds=seconds,
        low=seconds - sd,
        high=seconds + sd,
        n=cells["n_seeds"],
        simulated=cells["dataset"].isin(results.simulated),
    )
    rules = rules.assign(part="rule", seconds=rules["total_seconds"], n=rules["n_jobs"])
    rules["simulated"] = False
    parts = [part for part in (cells, rules) if len(part)]
    joined = pd.concat(parts or [cells], ignore_index=True)
    return joined.reindex(columns=[column.name for column in SCHEMA.columns])


def draw(data: pd.DataFrame) -> Figure:
    """A row of panels a corpus, a column a baseline; the rules in a last row."""
    if not len(data):
        return style.no_data("There are neither metrics nor benchmarks, so no cost is known.")
    cells, rules = data[data["part"] == "cell"], data[data["part"] == "rule"]
    datasets = list(dict.fromkeys(cells["dataset"]))
    baselines = list(dict.fromkeys(cells["baseline"]))
    heights = [2.0] * len(datasets) + ([0.5 + 0.24 * len(rules)] if len(rules) else [])
    n_marks = cells["modalities"].nunique() * cells["curriculum"].nunique()
    width = panel_grid.panel_width(n_marks)
    figure = plt.figure(figsize=(max(0.8 + width * len(baselines), 7), 1.4 + sum(heights)))
    grid = figure.add_gridspec(len(heights), max(len(baselines), 1), height_ratios=heights)
    for row, dataset in enumerate(datasets):
        shown = cells[cells["dataset"] == dataset]
        first: Axes | None = None
        for column, baseline in enumerate(baselines):
            axes = figure.add_subplot(grid[row, column], sharey=first)
            _panel(axes, cells, shown[shown["baseline"] == baseline])
            axes.set_title(baseline, fontweight="bold")
            if first is None:
                first = axes
                axes.set_ylabel("Wall time an epoch (s)")
                style.row_title(axes, f"{dataset}: n = {footnotes.seeds_in_words(shown['n'])}")
            else:
                axes.tick_params(labelleft=False)
        if first is not None:
            first.set_ylim(bottom=0)
    if len(rules):
        _rules(figure.add_subplot(grid[len(datasets), :]), rules)
    return figure


def _panel(axes: Axes, cells: pd.DataFrame, data: pd.DataFrame) -> None:
    modalities = list(dict.fromkeys(cells["modalities"]))
    curricula = list(dict.fromkeys(cells["curriculum"]))
    marks = data.rename(columns={"seconds": "value"})
    looks = style.series(curricula)
    panel_grid.draw_curricula(axes, marks, "modalities", modalities, curricula, looks)
    style.categories(axes, modalities)


def _rules(axes: Axes, rules: pd.DataFrame) -> None:
    rules = rules.iloc[::-1]
    axes.barh(
        rules["rule"],
        rules["seconds"],
        color=style.pale(style.BLUE),
        edgecolor="black",
        linewidth=0.6,
        height=0.7,
    )
    for y, (_, row) in enumerate(rules.iterrows()):
        jobs = f"{row['n']:,} job" + ("s" if row["n"] != 1 else "")
        memory = "" if pd.isna(row["max_rss_mb"]) else f", {row['max_rss_mb']:,.0f} MiB"
        words = f"  {row['rule']}: {jobs}{memory}"
        axes.text(row["seconds"], y, words, va="center", fontsize=7)
    axes.set_xlabel("Wall time of all jobs (s)")
    axes.set_title("Rules of the workflow", loc="left", fontsize=9)
    axes.tick_params(left=False, labelleft=False)
    axes.margins(x=0.3)
    axes.set_xlim(left=0)
    axes.grid(axis="y", visible=False)
