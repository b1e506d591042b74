"""Weighted F1 of every cell, and the gain of its curriculum over none."""

import pandas as pd
from matplotlib.figure import Figure

from spcl.report.analysis.results import Results
from spcl.report.columns import (
    CELL,
    COUNT,
    N_DIALOGUES,
    N_UTTERANCES,
    REAL,
    SIMULATED,
    TEXT,
    bounds,
)
from spcl.report.drawing import grid, style
from spcl.report.tables import main
from spcl.tables.parquet import Column, Schema

TITLE = "Weighted F1 with and without a curriculum"
CAPTION = (
    "Upper row of each corpus: weighted F1 on the test split, mean over seeds. Lower row: gain of a"
    " curriculum over none, paired by seed. Bars: 95 % bootstrap intervals over dialogues"
    " and seeds. Compare curricula by the lower row: intervals of the upper row overlap even where"
    " paired differences are clear. A missing mark means a missing cell, a missing bar missing"
    " predictions."
)

SCHEMA = Schema(
    "main figure",
    (
        *CELL,
        Column("measure", TEXT, "weighted_f1 or gain"),
        Column("value", REAL, "mean over seeds, points"),
        *bounds(),
        Column("n_seeds", COUNT, "seeds it is taken over"),
        N_DIALOGUES,
        N_UTTERANCES,
        SIMULATED,
    ),
    key=("dataset", "baseline", "modalities", "curriculum", "measure"),
)


def compute(results: Results) -> pd.DataFrame:
    """The figure's table; see `SCHEMA`."""
    cells = main.compute(results, test=False)
    scores = grid.with_values(cells, "weighted_f1").assign(measure="weighted_f1")
    gains = grid.with_values(cells, "gain").assign(measure="gain", n_seeds=cells["n_paired_seeds"])
    return pd.concat([scores, gains[gains["value"].notna()]], ignore_index=True)


def draw(data: pd.DataFrame) -> Figure:
    """Two rows of panels a corpus, a column a baseline."""
    if not len(data):
        return style.no_data("There are no cells: no metrics were given.")
    datasets = list(dict.fromkeys(data["dataset"]))
    baselines = list(dict.fromkeys(data["baseline"]))
    modalities = list(dict.fromkeys(data["modalities"]))
    curricula = list(dict.fromkeys(data["curriculum"]))
    measures = [m for m in ("weighted_f1", "gain") if (data["measure"] == m).any()]
    rows = [(dataset, measure) for dataset in datasets for measure in measures]
    looks = style.series(curricula)
    width = grid.panel_width(len(modalities) * len(curricula))
    height = 1.3 + 1.75 * len(rows)
    figure, panels = grid.panels(len(rows), len(baselines), width=width, height=height)
    for (dataset, measure), of_row in zip(rows, panels, strict=True):
        shown = data[(data["dataset"] == dataset) & (data["measure"] == measure)]
        for baseline, axes in zip(baselines, of_row, strict=True):
            of_panel = shown[shown["baseline"] == baseline]
            present = [name for name in curricula if (of_panel["curriculum"] == name).any()]
            grid.draw_curricula(axes, of_panel, "modalities", modalities, present, looks)
            style.categories(axes, modalities)
            if measure == measures[0]:
                axes.set_title(baseline, fontweight="bold")
            if measure == "gain":
                axes.axhline(0, color="black", linewidth=0.8)
        if measure == "weighted_f1":
            of_row[0].set_ylabel("W-F1 (points)")
            style.row_title(of_row[0], f"{dataset}: {grid.counts(shown)}")
        else:
            of_row[0].set_ylabel("Gain over none\n(points)")
    return figure
