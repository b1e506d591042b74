"""Gain of each curriculum over none, pooled over the cells of a corpus: a forest plot."""

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
"""Of a baseline's line of small marks."""

TITLE = "Gain of each curriculum over none"
CAPTION = (
    "Weighted F1 on the test split above that of none, paired by seed. Large marks: the mean over"
    " the cells of the corpus (baseline by modality set), with its 95 % interval over dialogues and"
    " seeds, which are resampled for all cells at once. Small marks: the cells, a line a baseline."
    " random_pacing and anti admit as many utterances as spcl in each epoch; spl and coherence are"
    " its two components, spcl_modality and spcl_dependencies its options. A missing mark means a"
    " missing cell, a missing bar missing predictions."
)

SCHEMA = Schema(
    "ablation figure",
    (
        Column("dataset", TEXT, "panel"),
        Column("curriculum", TEXT, "place on the y axis"),
        Column("baseline", TEXT, "small mark; null = pooled, the large mark", True),
        Column("modalities", TEXT, "the cell's; null = pooled", True),
        Column("value", REAL, "weighted F1 above none, mean over seeds, points"),
        *bounds(),
        Column("n_cells", COUNT, "cells it is taken over"),
        Column("n_seeds", COUNT, "seeds it is taken over"),
        N_DIALOGUES,
        SIMULATED,
    ),
    key=("dataset", "curriculum", "baseline", "modalities"),
)


def compute(results: Results) -> pd.DataFrame:
    """The figure's table; see `SCHEMA`."""
    data = ablation.compute(results, test=False)
    gains = data[(data["curriculum"] != NONE) & data["gain"].notna()]
    return grid.with_values(gains, "gain")


def draw(data: pd.DataFrame) -> Figure:
    """A panel a corpus, a row a curriculum."""
    if not len(data):
        return style.no_data(
            "There is nothing to compare: no cell of a curriculum has a corresponding cell of none."
        )
    datasets = list(dict.fromkeys(data["dataset"]))
    curricula = list(dict.fromkeys(data["curriculum"]))
    baselines = list(dict.fromkeys(data["baseline"].dropna()))
    row = 0.3 + _INCHES * len(baselines)
    figure, panels = plt.subplots(
        1,
        len(datasets),
        figsize=(1.3 + 3.0 * len(datasets), 2.6 + row * len(curricula)),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for dataset, axes in zip(datasets, panels[0], strict=True):
        shown = data[data["dataset"] == dataset]
        _panel(axes, shown, curricula, baselines, _INCHES / row)
        axes.set_title(dataset, fontweight="bold", loc="left")
        axes.set_xlabel(f"Gain over none in W-F1 (points)\n{_counts(shown)}")
    return figure


def _panel(
    axes: Axes, data: pd.DataFrame, curricula: list[str], baselines: list[str], step: float
) -> None:
    """In each row the pooled mark at the top, below it a line of small marks for each baseline."""
    looks = style.series([NONE, *baselines])  # black is for the pooled mark
    top = step * len(baselines) / 2
    axes.axvline(0, color="black", linewidth=0.8)
    pooled = data[data["baseline"].isna()]
    y = [curricula.index(name) - top for name in pooled["curriculum"]]
    axes.hlines(y, pooled["low"], pooled["high"], color="black", linewidth=1.6)
    axes.plot(pooled["value"], y, "D", color="black", markersize=5.5, label="all cells")
    for line, name in enumerate(baselines, 1):
        cells = data[data["baseline"] == name]
        axes.plot(
            cells["value"],
            [curricula.index(one) - top + step * line for one in cells["curriculum"]],
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
