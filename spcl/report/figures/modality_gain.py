"""Gain from the third modality, by curriculum: the motivation of SPCL."""

import pandas as pd
from matplotlib.figure import Figure

from spcl.report.analysis.results import Results
from spcl.report.columns import COUNT, N_DIALOGUES, REAL, SIMULATED, TEXT, bounds
from spcl.report.drawing import grid, style
from spcl.report.panels import MINUS
from spcl.report.tables import modality_gain
from spcl.report.tables.modality_gain import ALL, PAIRS
from spcl.tables.parquet import Column, Schema

TITLE = "Gain from the third modality"
CAPTION = (
    "Weighted F1 on the test split with all three modalities minus that with a pair of them,"
    " paired by seed: mean over seeds and 95 % bootstrap interval over dialogues and seeds. Below"
    " zero, the third modality lowers the score. A missing mark means a missing cell, a missing bar"
    " missing predictions."
)

SCHEMA = Schema(
    "modality gain figure",
    (
        Column("dataset", TEXT, "row of panels"),
        Column("baseline", TEXT, "column of panels"),
        Column("curriculum", TEXT, "mark"),
        Column("pair", TEXT, "place on the x axis: the pair that atv is compared with"),
        Column("value", REAL, "mean over seeds, points"),
        *bounds(),
        Column("n_seeds", COUNT, "seeds that both cells have"),
        N_DIALOGUES,
        SIMULATED,
    ),
    key=("dataset", "baseline", "curriculum", "pair"),
)


def compute(results: Results) -> pd.DataFrame:
    """The figure's table; see `SCHEMA`."""
    return grid.with_values(modality_gain.compute(results), "gain")


def draw(data: pd.DataFrame) -> Figure:
    """A row of panels a corpus, a column a baseline."""
    if not len(data):
        return style.no_data(
            "There is nothing to compare: no cell with all three modalities has a corresponding"
            " cell with two of them."
        )
    present = (pair for pair in PAIRS if (data["pair"] == pair).any())
    labels = {pair: f"{ALL} {MINUS} {pair}" for pair in present}
    return grid.draw_differences(data, "pair", labels, "Difference in W-F1 (points)")
