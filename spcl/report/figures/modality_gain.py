"""Gain from one more modality, by curriculum: the motivation of SPCL."""

import pandas as pd
from matplotlib.figure import Figure

from spcl.report.analysis.results import Results
from spcl.report.columns import COUNT, N_DIALOGUES, REAL, SIMULATED, TEXT, bounds
from spcl.report.drawing import grid, style
from spcl.report.panels import MINUS
from spcl.report.tables import modality_gain
from spcl.report.tables.modality_gain import ALL, FEWER, PAIRS
from spcl.tables.parquet import Column, Schema

TITLE = "Gain from the third and the second modality"
CAPTION = (
    "Weighted F1 on the test split with all three modalities minus that with a pair of them, and,"
    " below it, with a pair minus that with one of its modalities alone, paired by seed: mean over"
    " seeds and 95 % bootstrap interval over dialogues and seeds. Below zero, the added modality"
    " lowers the score. A missing mark means a missing cell, a missing bar missing predictions."
)

SCHEMA = Schema(
    "modality gain figure",
    (
        Column("dataset", TEXT, "block of rows of panels"),
        Column("baseline", TEXT, "column of panels"),
        Column("curriculum", TEXT, "mark"),
        Column("difference", TEXT, "place on the x axis: modality set minus a smaller one"),
        Column("value", REAL, "mean over seeds, points"),
        *bounds(),
        Column("n_seeds", COUNT, "seeds that both cells have"),
        N_DIALOGUES,
        SIMULATED,
    ),
    key=("dataset", "baseline", "curriculum", "difference"),
)


def compute(results: Results) -> pd.DataFrame:
    """The figure's table; see `SCHEMA`."""
    data = grid.with_values(modality_gain.compute(results), "gain")
    return data.assign(difference=data["modalities"] + f" {MINUS} " + data["fewer"])


def draw(data: pd.DataFrame) -> Figure:
    """Two rows of panels a corpus, third modality and second, a column a baseline."""
    if not len(data):
        return style.no_data(
            "There is nothing to compare: no two cells differ in one modality alone."
        )
    given = set(data["difference"])
    rows = [
        {
            name: f"{modalities}\n{MINUS} {fewer}"
            for modalities in sets
            for fewer in FEWER[modalities]
            for name in [f"{modalities} {MINUS} {fewer}"]
            if name in given
        }
        for sets in ([ALL], PAIRS)
    ]
    return grid.draw_differences(data, "difference", rows, "Difference in W-F1 (points)")
