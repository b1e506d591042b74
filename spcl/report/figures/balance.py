"""Balance of the modalities: heads beside their modality alone, contributions, imbalance degree."""

import math

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spcl.report.analysis.heads import PROBE
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE
from spcl.report.columns import (
    COUNT,
    CURRICULUM,
    N_DIALOGUES,
    N_UTTERANCES,
    REAL,
    SIMULATED,
    TEXT,
    bounds,
)
from spcl.report.drawing import grid, style
from spcl.report.tables import balance
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY

TITLE = "Balance of the modalities"
CAPTION = (
    "Joint models on the test split, in points of weighted F1 (W-F1), mean over seeds with 95 %"
    " bootstrap intervals over dialogues and seeds. Gap: W-F1 of a modality's head minus that of"
    " the same network trained on this modality alone without a curriculum; below zero, joint"
    " training does not use all information of the modality. Shaded: the grid has no such cell, so"
    " the head is compared with a probe (logistic regression on single utterances), without"
    " interval. Change: head, and so gap, minus that of none, paired by seed. Contribution: Shapley"
    " value of the modality over all sums of the heads' logits. Imbalance degree: largest"
    " contribution minus smallest; zero is balanced. Dashes: the same in the network run with the"
    " other modalities unobserved. Compare curricula by the change, and by the changes of"
    " contribution and imbalance degree in the table balance. On the x axis: modality set, and"
    " modality (a audio, t text, v visual). Models of one modality are shown only where there is no"
    " joint model."
)

_MEASURES = {
    "gap": "Gap to alone",
    "change": "Change of head",
    "contribution": "Contribution",
    "imbalance": "Imbalance degree",
}

SCHEMA = Schema(
    "balance figure",
    (
        Column("dataset", TEXT, "block of rows of panels"),
        Column("baseline", TEXT, "row of panels"),
        Column("modalities", TEXT, "place on the x axis"),
        Column("modality", TEXT, "place inside it: a, t or v; empty for imbalance"),
        CURRICULUM,
        Column("measure", TEXT, f"column of panels: {', '.join(_MEASURES)}"),
        Column("value", REAL, "mean over seeds, points"),
        *bounds(),
        Column("reference", TEXT, "of a gap: network or probe", True),
        Column("network", REAL, "contribution or imbalance in the network, points", True),
        Column("n_seeds", COUNT, "seeds it is taken over"),
        N_DIALOGUES,
        N_UTTERANCES,
        SIMULATED,
    ),
    key=("dataset", "baseline", "modalities", "modality", "curriculum", "measure"),
)


def compute(results: Results) -> pd.DataFrame:
    """The figure's table; see `SCHEMA`."""
    heads = balance.compute(results)
    joint = heads["modalities"].str.len() > 1
    heads = heads[joint] if joint.any() else heads
    parts = []
    for measure in _MEASURES:
        rows = grid.with_values(heads, measure)
        if measure == "imbalance":
            rows = rows.drop_duplicates(list(CELL_KEY)).assign(modality="")
        rows = rows.assign(
            measure=measure,
            reference=rows["reference"] if measure == "gap" else None,
            network=rows.get(f"network_{measure}", math.nan),
            n_seeds=rows["n_paired_seeds" if measure == "change" else "n_seeds"],
        )
        parts.append(rows[rows["value"].notna()])
    return pd.concat(parts, ignore_index=True)


def draw(data: pd.DataFrame) -> Figure:
    """A row of panels for each corpus and baseline, a column a measure."""
    if not len(data):
        return style.no_data("There are no heads to compare, and no predictions were given.")
    curricula = sorted(dict.fromkeys(data["curriculum"]), key=lambda name: name != NONE)
    places = {
        measure: _places(data[data["measure"] == measure])
        for measure in _MEASURES
        if (data["measure"] == measure).any()
    }
    rows = list(dict.fromkeys(zip(data["dataset"], data["baseline"], strict=True)))
    widths = [max(1.35, max(0.21, 0.07 * len(curricula)) * len(of)) for of in places.values()]
    width = sum(widths) + 0.4 * len(widths) + 0.3
    # In a narrow figure the caption takes more lines.
    height = 1.0 + 1.2 * len(rows) + 10 / max(width, style.NARROWEST)
    figure, panels = plt.subplots(
        len(rows),
        len(widths),
        figsize=(width, height),
        sharey="col",
        squeeze=False,
        width_ratios=widths,
    )
    for index, ((dataset, baseline), of_row) in enumerate(zip(rows, panels, strict=True)):
        of_dataset = data[data["dataset"] == dataset]
        is_first = index == 0 or rows[index - 1][0] != dataset
        for (measure, at), axes in zip(places.items(), of_row, strict=True):
            shown = (of_dataset["baseline"] == baseline) & (of_dataset["measure"] == measure)
            _panel(axes, of_dataset[shown], at, curricula)
            if is_first:
                axes.set_title(_MEASURES[measure], fontweight="bold")
        of_row[0].set_ylabel(f"{baseline}\n(points)")
        if is_first:
            style.row_title(of_row[0], f"{dataset}: {grid.counts(of_dataset)}")
    return figure


Place = tuple[str, str]
"""Modality set and modality."""


def _places(data: pd.DataFrame) -> list[Place]:
    """From the left."""
    return list(dict.fromkeys(zip(data["modalities"], data["modality"], strict=True)))


def _panel(axes: Axes, data: pd.DataFrame, places: list[Place], curricula: list[str]) -> None:
    """A mark with its interval for each head or cell, the curricula side by side."""
    looks = style.series(list(dict.fromkeys([NONE, *curricula])))
    pairs = zip(data["modalities"], data["modality"], strict=True)
    place_of = pd.Series([places.index(pair) for pair in pairs], data.index, dtype=float)
    for place in place_of[data["reference"] == PROBE].unique():
        ends = place - 0.5, place + 0.5
        axes.axvspan(*ends, color="#E8E8E8", linewidth=0, label="compared with a probe")
    for name, offset in zip(curricula, style.offsets(len(curricula), step=0.28), strict=True):
        rows = data[data["curriculum"] == name]
        x = place_of[rows.index] + offset
        marks = axes, x.tolist(), rows, looks[name], name
        style.draw_intervals(*marks, hollow=name == NONE, size=3.6)
        if rows["network"].notna().any():
            label = "network, others unobserved"
            ends = x - 0.13, x + 0.13
            axes.hlines(rows["network"], *ends, color="black", linewidth=1.2, label=label, zorder=3)
    axes.axhline(0, color="black", linewidth=0.8)
    style.categories(axes, [letter or modalities for modalities, letter in places])
    sets = list(dict.fromkeys(place[0] for place in places if place[1] not in ("", place[0])))
    for modalities in sets:
        inside = [index for index, place in enumerate(places) if place[0] == modalities]
        middle = sum(inside) / len(inside)
        below = axes.get_xaxis_transform()
        axes.text(middle, -0.19, modalities, transform=below, ha="center", va="top", fontsize=7.5)
        if modalities != sets[-1]:
            axes.axvline(inside[-1] + 0.5, color="black", linewidth=0.6)
