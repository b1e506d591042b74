"""What the third modality brings, before and after a curriculum: the motivation of SPCL."""

import pandas as pd
import pyarrow as pa
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from spcl.report import footnotes
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE
from spcl.report.drawing import style
from spcl.report.panels import MINUS
from spcl.report.tables.modality_gain import ALL, PAIRS, modality_gains
from spcl.tables.parquet import Column, Schema

_TEXT, _REAL, _COUNT = pa.string(), pa.float64(), pa.int32()

TITLE = "What the third modality brings"
CAPTION = (
    "Weighted F1 on the test split with all three modalities minus that with a pair of them,"
    " paired by seed: mean over seeds and 95 % bootstrap interval over dialogues and seeds. Below"
    " zero, the third modality does harm. A missing mark is a missing cell, a missing bar missing"
    " predictions."
)

SCHEMA = Schema(
    "modality gain figure",
    (
        Column("dataset", _TEXT, "row of panels"),
        Column("baseline", _TEXT, "column of panels"),
        Column("curriculum", _TEXT, "mark"),
        Column("pair", _TEXT, "place on the x axis: the pair that atv is held against"),
        Column("value", _REAL, "mean over seeds, points"),
        Column("low", _REAL, "95 % interval, points", True),
        Column("high", _REAL, "its upper end, points", True),
        Column("n_seeds", _COUNT, "seeds that both cells have"),
        Column("n_dialogues", _COUNT, "labelled test dialogues; 0 = no predictions were given"),
        Column("simulated", pa.bool_(), "the corpus is simulated"),
    ),
    key=("dataset", "baseline", "curriculum", "pair"),
)


def compute(results: Results) -> pd.DataFrame:
    """The figure's table; see `SCHEMA`."""
    gains = modality_gains(results)
    renamed = gains.rename(columns={"gain": "value", "gain_low": "low", "gain_high": "high"})
    return renamed[[column.name for column in SCHEMA.columns]]


def draw(data: pd.DataFrame) -> Figure:
    """A row of panels a corpus, a column a baseline."""
    if not len(data):
        return style.no_data(
            "There is nothing to compare: no cell with all three modalities stands beside one"
            " with two of them."
        )
    datasets = list(dict.fromkeys(data["dataset"]))
    baselines = list(dict.fromkeys(data["baseline"]))
    curricula = list(dict.fromkeys(data["curriculum"]))
    pairs = [pair for pair in PAIRS if (data["pair"] == pair).any()]
    looks = style.series(curricula)
    width = max(2.3, 0.085 * len(pairs) * len(curricula) + 0.5)
    figure, panels = plt.subplots(
        len(datasets),
        len(baselines),
        figsize=(0.8 + width * len(baselines), 1.4 + 2.1 * len(datasets)),
        sharey="row",
        squeeze=False,
    )
    for dataset, of_row in zip(datasets, panels, strict=True):
        shown = data[data["dataset"] == dataset]
        for baseline, axes in zip(baselines, of_row, strict=True):
            of_panel = shown[shown["baseline"] == baseline]
            for name, offset in zip(curricula, style.offsets(len(curricula)), strict=True):
                rows = of_panel[of_panel["curriculum"] == name]
                x = [pairs.index(pair) + offset for pair in rows["pair"]]
                style.draw_intervals(axes, x, rows, looks[name], name, hollow=name == NONE)
            style.categories(axes, [f"{ALL} {MINUS} {pair}" for pair in pairs])
            axes.axhline(0, color="black", linewidth=0.8)
            axes.set_title(baseline, fontweight="bold")
        of_row[0].set_ylabel("Difference in W-F1 (points)")
        dialogues = shown["n_dialogues"].max()
        counts = f", {dialogues:,} test dialogues" if dialogues else ""
        seeds = footnotes.seeds_in_words(shown["n_seeds"])
        style.row_title(of_row[0], f"{dataset}: n = {seeds}{counts}")
    return figure
