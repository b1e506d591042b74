"""Training strategies compared with none: score, balance, robustness; a forest plot."""

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE
from spcl.report.columns import COUNT, N_DIALOGUES, REAL, SIMULATED, TEXT, bounds
from spcl.report.drawing import grid, style
from spcl.report.tables import ablation
from spcl.tables.parquet import Column, Schema

_INCHES = 0.16
"""Of a line of small marks."""

_MANY = 8
"""With more strategies, the small marks of all baselines share a line."""

TITLE = "Training strategies compared with none"
CAPTION = (
    "Change against none on the test split, paired by seed, in points. Large marks: the mean over"
    " the cells of the corpus (baseline by modality set), with its 95 % interval over dialogues and"
    " seeds, which are resampled for all cells at once. Small marks: the cells. W-F1: above zero is"
    " better. Imbalance degree: the largest Shapley value of a modality minus the smallest; drop:"
    " of W-F1 by missing modalities and noise, the mean of the four of table robustness; below"
    " zero is better. random_pacing and anti admit as many utterances as spcl in each epoch; spl"
    " and coherence are its two components, spcl_modality and spcl_dependencies its options. A"
    " missing mark means a missing cell, a missing bar missing predictions."
)

_MEASURES = {
    "gain": "W-F1",
    "imbalance_change": "Imbalance degree",
    "drop_change": "Drop",
}
"""By column of the table ablation, what changes."""

SCHEMA = Schema(
    "ablation figure",
    (
        Column("dataset", TEXT, "group of panels"),
        Column("measure", TEXT, "panel: gain, imbalance_change or drop_change"),
        Column("curriculum", TEXT, "place on the y axis"),
        Column("baseline", TEXT, "small mark; null = pooled, the large mark", True),
        Column("modalities", TEXT, "the cell's; null = pooled", True),
        Column("value", REAL, "change against none, mean over seeds, points"),
        *bounds(),
        Column("n_cells", COUNT, "cells it is taken over"),
        Column("n_seeds", COUNT, "seeds it is taken over"),
        N_DIALOGUES,
        SIMULATED,
    ),
    key=("dataset", "measure", "curriculum", "baseline", "modalities"),
)


def compute(results: Results) -> pd.DataFrame:
    """The figure's table; see `SCHEMA`."""
    data = ablation.compute(results, test=False)
    data = data[data["curriculum"] != NONE]
    measures = [grid.with_values(data, name).assign(measure=name) for name in _MEASURES]
    changes = pd.concat(measures, ignore_index=True)
    return changes[changes["value"].notna()]


def draw(data: pd.DataFrame) -> Figure:
    """A group of panels a corpus, a panel a measure, a row a strategy."""
    if not len(data):
        return style.no_data(
            "There is nothing to compare: no cell of a curriculum has a corresponding cell of none."
        )
    datasets = list(dict.fromkeys(data["dataset"]))
    curricula = list(dict.fromkeys(data["curriculum"]))
    baselines = list(dict.fromkeys(data["baseline"].dropna()))
    measures = [name for name in _MEASURES if (data["measure"] == name).any()]
    n_lines = len(baselines) if len(curricula) <= _MANY else 1
    row = (0.3 if n_lines > 1 else 0.2) + _INCHES * n_lines
    figure, panels = plt.subplots(
        1,
        len(datasets) * len(measures),
        figsize=(
            1.3 + len(datasets) * (1.3 + 1.3 * len(measures)),
            2.6 + row * len(curricula),
        ),
        width_ratios=[1.5 if name == "gain" else 1.0 for name in measures] * len(datasets),
        sharey=True,
        squeeze=False,
    )
    places = [(dataset, measure) for dataset in datasets for measure in measures]
    for (dataset, measure), axes in zip(places, panels[0], strict=True):
        of_dataset = data[data["dataset"] == dataset]
        shown = of_dataset[of_dataset["measure"] == measure]
        _panel(axes, shown, curricula, baselines, _INCHES / row, n_lines)
        if measure == measures[0]:
            axes.set_title(f"{dataset}: {_counts(shown)}", fontweight="bold", loc="left")
        axes.set_xlabel(f"{_MEASURES[measure]}\n(points)")
    return figure


def _panel(
    axes: Axes,
    data: pd.DataFrame,
    curricula: list[str],
    baselines: list[str],
    step: float,
    n_lines: int,
) -> None:
    """In each row the pooled mark at the top, below it `n_lines` lines of small marks."""
    looks = style.series([NONE, *baselines])  # black is for the pooled mark
    top = step * n_lines / 2
    axes.axvline(0, color="black", linewidth=0.8)
    pooled = data[data["baseline"].isna()]
    y = [curricula.index(name) - top for name in pooled["curriculum"]]
    axes.hlines(y, pooled["low"], pooled["high"], color="black", linewidth=1.6)
    axes.plot(pooled["value"], y, "D", color="black", markersize=5.5, label="all cells")
    for line, name in enumerate(baselines):
        cells = data[data["baseline"] == name]
        below = step * (1 + min(line, n_lines - 1)) - top
        axes.plot(
            cells["value"],
            [curricula.index(one) + below for one in cells["curriculum"]],
            linestyle="none",
            marker=looks[name].marker,
            color=looks[name].color,
            alpha=0.75,
            markersize=3.4,
            markeredgewidth=0,
            label=name,
        )
    for edge in range(1, len(curricula)):
        axes.axhline(edge - 0.5, color="#E2E2E2", linewidth=0.6)
    axes.set_yticks(range(len(curricula)), curricula)
    axes.set_ylim(len(curricula) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)


def _counts(rows: pd.DataFrame) -> str:
    """Over how much the panel is taken."""
    cells = rows.loc[rows["baseline"].isna(), "n_cells"].max()
    return grid.counts(rows, f"{cells} cell" + ("" if cells == 1 else "s"))
