"""Weighted F1 of every cell, and what its curriculum gains over none."""

import pandas as pd
import pyarrow as pa
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spcl.report import footnotes
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE
from spcl.report.drawing import style
from spcl.report.tables.main import scored_cells
from spcl.tables.parquet import Column, Schema

_TEXT, _REAL, _COUNT = pa.string(), pa.float64(), pa.int32()

TITLE = "Weighted F1 with and without a curriculum"
CAPTION = (
    "Upper row of each corpus: weighted F1 on the test split, mean over seeds. Lower row: what a"
    " curriculum gains over none, paired by seed. Bars: 95 % bootstrap intervals over dialogues"
    " and seeds. Compare curricula by the lower row: intervals of the upper row overlap even where"
    " paired differences are clear. A missing mark is a missing cell, a missing bar missing"
    " predictions."
)

SCHEMA = Schema(
    "main figure",
    (
        Column("dataset", _TEXT, "row of panels"),
        Column("baseline", _TEXT, "column of panels"),
        Column("modalities", _TEXT, "place on the x axis"),
        Column("curriculum", _TEXT, "mark"),
        Column("measure", _TEXT, "weighted_f1 or gain"),
        Column("value", _REAL, "mean over seeds, points"),
        Column("low", _REAL, "95 % interval, points", True),
        Column("high", _REAL, "its upper end, points", True),
        Column("n_seeds", _COUNT, "seeds it is taken over"),
        Column("n_dialogues", _COUNT, "labelled test dialogues; 0 = no predictions were given"),
        Column("n_utterances", _COUNT, "labelled test utterances"),
        Column("simulated", pa.bool_(), "the corpus is simulated"),
    ),
    key=("dataset", "baseline", "modalities", "curriculum", "measure"),
)


def compute(results: Results) -> pd.DataFrame:
    """The figure's table; see `SCHEMA`."""
    cells = scored_cells(results, test=False)
    shared = ["dataset", "baseline", "modalities", "curriculum"]
    shared += ["n_dialogues", "n_utterances", "simulated"]
    parts = []
    for measure, n_seeds in (("weighted_f1", "n_seeds"), ("gain", "n_paired_seeds")):
        part = cells[shared].assign(
            measure=measure,
            value=cells[measure],
            low=cells[f"{measure}_low"],
            high=cells[f"{measure}_high"],
            n_seeds=cells[n_seeds],
        )
        parts.append(part[part["value"].notna()])
    return pd.concat(parts, ignore_index=True)[[column.name for column in SCHEMA.columns]]


def draw(data: pd.DataFrame) -> Figure:
    """Two rows of panels a corpus, a column a baseline."""
    if not len(data):
        return style.no_data("There are no cells: the figure was given no metrics.")
    datasets = list(dict.fromkeys(data["dataset"]))
    baselines = list(dict.fromkeys(data["baseline"]))
    modalities = list(dict.fromkeys(data["modalities"]))
    curricula = list(dict.fromkeys(data["curriculum"]))
    measures = [m for m in ("weighted_f1", "gain") if (data["measure"] == m).any()]
    rows = [(dataset, measure) for dataset in datasets for measure in measures]
    width = max(2.3, 0.085 * len(modalities) * len(curricula) + 0.5)
    figure, panels = plt.subplots(
        len(rows),
        len(baselines),
        figsize=(0.8 + width * len(baselines), 1.3 + 1.75 * len(rows)),
        sharey="row",
        squeeze=False,
    )
    for (dataset, measure), of_row in zip(rows, panels, strict=True):
        shown = data[(data["dataset"] == dataset) & (data["measure"] == measure)]
        for baseline, axes in zip(baselines, of_row, strict=True):
            _panel(axes, shown[shown["baseline"] == baseline], modalities, curricula)
            if measure == measures[0]:
                axes.set_title(baseline, fontweight="bold")
            if measure == "gain":
                axes.axhline(0, color="black", linewidth=0.8)
        if measure == "weighted_f1":
            of_row[0].set_ylabel("W-F1 (points)")
            style.row_title(of_row[0], f"{dataset}: {_counts(shown)}")
        else:
            of_row[0].set_ylabel("Gain over none\n(points)")
    return figure


def _panel(axes: Axes, data: pd.DataFrame, modalities: list[str], curricula: list[str]) -> None:
    looks = style.series(curricula)
    shown = [name for name in curricula if (data["curriculum"] == name).any()]
    for name, offset in zip(shown, style.offsets(len(shown)), strict=True):
        rows = data[data["curriculum"] == name]
        x = [modalities.index(one) + offset for one in rows["modalities"]]
        style.draw_intervals(axes, x, rows, looks[name], name, hollow=name == NONE)
    style.categories(axes, modalities)


def _counts(rows: pd.DataFrame) -> str:
    """Over how much the row is taken."""
    dialogues = rows["n_dialogues"].max()
    seeds = footnotes.seeds_in_words(rows["n_seeds"])
    of_dialogues = f"{dialogues:,} test dialogues, " if dialogues else ""
    return f"n = {seeds}, {of_dialogues}{rows['n_utterances'].max():,} test utterances"
