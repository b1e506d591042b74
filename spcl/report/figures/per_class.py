"""Confusion matrices without and with a curriculum, and the F1 of each class."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spcl.report import footnotes
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, CellKey, by_cell, shown_beside_none
from spcl.report.columns import COUNT, REAL, SIMULATED, TEXT, bounds
from spcl.report.drawing import grid, style
from spcl.report.panels import GAP
from spcl.report.tables import per_class
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY

TITLE = "Confusion matrices and F1 by class"
CAPTION = (
    "Confusion on the test split, summed over seeds: % of the true class (row) and, below it, the"
    " number of answers. Then F1 by class, and the gain of the curriculum over none, paired by"
    " seed: mean over seeds and 95 % bootstrap interval over dialogues and seeds. One cell a corpus"
    " is shown: of the modality set with the most modalities, the baseline that scores best without"
    " a curriculum, so that the choice depends on no curriculum. It is shown for none and for spcl"
    " or, where spcl was not trained, the first other curriculum. A missing bar means missing"
    " predictions or too few dialogues."
)

SCHEMA = Schema(
    "per-class figure",
    (
        Column("dataset", TEXT, "block of panels"),
        Column("baseline", TEXT, "the one shown"),
        Column("modalities", TEXT, "the set shown"),
        Column("curriculum", TEXT, "none or the one compared with it"),
        Column("measure", TEXT, "confusion, f1 or gain"),
        Column("emotion", TEXT, "the true class"),
        Column("predicted", TEXT, "the answer, of a confusion; empty otherwise"),
        Column("value", REAL, "% of the true class' answers; points", True),
        *bounds(),
        Column("n", COUNT, "answers, over all seeds; of f1 and gain test utterances", True),
        Column("n_seeds", COUNT, "seeds it is taken over"),
        SIMULATED,
    ),
    key=("dataset", "curriculum", "measure", "emotion", "predicted"),
)
_DARK = 55
"""From this %, numbers are white."""


def compute(results: Results) -> pd.DataFrame:
    """The figure's table; see `SCHEMA`."""
    chosen = _chosen(results.metrics)
    scores = per_class.compute(results)
    keys = pd.MultiIndex.from_frame(scores[list(CELL_KEY)])
    scores = scores[keys.isin(chosen)].assign(predicted="", n=scores["n_utterances"])
    parts = list(_confusions(results, chosen))
    gains = grid.with_values(scores, "gain")
    gains = gains.assign(measure="gain", n_seeds=scores["n_paired_seeds"])
    parts += [
        grid.with_values(scores, "f1").assign(measure="f1"),
        gains[gains["value"].notna()],
    ]
    data = pd.concat(parts, ignore_index=True)
    return data.assign(simulated=data["dataset"].isin(results.simulated))


def _chosen(metrics: pd.DataFrame) -> list[CellKey]:
    """For each dataset the cells that the caption describes: that of none and one other."""
    test = metrics[metrics["split"] == "test"]
    score = {key: float(rows["weighted_f1"].mean()) for key, rows in by_cell(test)}
    found: list[CellKey] = []
    for dataset in dict.fromkeys(key[0] for key in score):
        keys = [key for key in score if key[0] == dataset]
        widest = max((key[2] for key in keys), key=len)
        keys = [key for key in keys if key[2] == widest]
        beside = shown_beside_none(key[3] for key in keys)
        by_baseline = {key[1]: {k[3] for k in keys if k[1] == key[1]} for key in keys}
        most = max(len(names & {NONE, beside}) for names in by_baseline.values())
        complete = [b for b, names in by_baseline.items() if len(names & {NONE, beside}) == most]
        pairs = [key for key in keys if key[1] in complete and key[3] in (NONE, beside)]
        best = max(pairs, key=lambda key: (key[3] == NONE, score[key]))[1]
        found += [key for key in pairs if key[1] == best]
    return found


def _confusions(results: Results, chosen: list[CellKey]) -> list[pd.DataFrame]:
    """The counts of each chosen cell, a row a pair of classes."""
    parts = []
    predictions = results.predictions
    known = predictions[(predictions["split"] == "test") & predictions["emotion"].notna()]
    for key, rows in by_cell(known):
        if key not in chosen:
            continue
        labels = results.labels[key[0]]
        true = pd.Categorical(rows["emotion"].astype(object), labels).codes
        answer = pd.Categorical(rows["predicted"].astype(object), labels).codes
        pair = true.astype(int) * len(labels) + answer
        counts = np.bincount(pair, minlength=len(labels) ** 2).reshape(len(labels), -1)
        of_class = counts.sum(1, keepdims=True)
        share = np.where(of_class > 0, 100 * counts / np.maximum(of_class, 1), np.nan)
        part = pd.DataFrame(dict(zip(CELL_KEY, key, strict=True)), range(counts.size))
        parts.append(
            part.assign(
                measure="confusion",
                emotion=np.repeat(labels, len(labels)),
                predicted=np.tile(labels, len(labels)),
                value=share.ravel(),
                low=np.nan,
                high=np.nan,
                n=counts.ravel(),
                n_seeds=rows["seed"].nunique(),
            )
        )
    return parts


def draw(data: pd.DataFrame) -> Figure:
    """For each corpus a row of confusions, if predictions were given, and a row of scores."""
    if not len(data):
        return style.no_data("There are no cells: no metrics were given.")
    datasets = list(dict.fromkeys(data["dataset"]))
    looks = style.series(list(dict.fromkeys([NONE, *data["curriculum"]])))
    n_classes = data.groupby("dataset")["emotion"].nunique()
    counted = data[data["measure"] == "confusion"]
    rows = [
        (dataset, measure)
        for dataset in datasets
        for measure in ("confusion", "f1")
        if measure == "f1" or (counted["dataset"] == dataset).any()
    ]
    heights = [0.9 + 0.42 * n_classes[name] if m == "confusion" else 2.1 for name, m in rows]
    figure, panels = plt.subplots(
        len(rows),
        2,
        figsize=(max(7.6, 2.2 + 1.04 * n_classes.max()), 1.5 + sum(heights)),
        squeeze=False,
        height_ratios=heights,
    )
    headed = ""
    for (dataset, measure), (left, right) in zip(rows, panels, strict=True):
        shown = data[data["dataset"] == dataset]
        emotions = list(dict.fromkeys(shown["emotion"]))
        if measure == "confusion":
            of_dataset = counted[counted["dataset"] == dataset]
            names = sorted(set(shown["curriculum"]), key=lambda name: name != NONE)
            for axes, name in zip((left, right), [*names, ""], strict=False):
                _confusion(axes, of_dataset[of_dataset["curriculum"] == name], emotions, name)
            left.set_ylabel("True class")
        else:
            _scores(left, shown[shown["measure"] == "f1"], emotions, looks)
            left.set_ylabel("F1 (points)")
            _scores(right, shown[shown["measure"] == "gain"], emotions, looks)
            right.set_ylabel("Gain over none\n(points)")
            if right.axison:
                right.axhline(0, color="black", linewidth=0.8)
        if dataset != headed:
            headed = dataset
            seeds = footnotes.seeds_in_words(shown.loc[shown["measure"] == "f1", "n_seeds"])
            cell = f"{shown['baseline'].iloc[0]}, {shown['modalities'].iloc[0]}"
            absent = "" if measure == "confusion" else "; no predictions were given"
            style.row_title(left, f"{dataset}, {cell}: n = {seeds}{absent}")
    return figure


def _confusion(axes: Axes, rows: pd.DataFrame, emotions: list[str], name: str) -> None:
    """Darker = more; the numbers are white on dark ground."""
    axes.grid(visible=False)
    if not len(rows):
        axes.set_axis_off()
        says = f"{name}: no predictions were given" if name else "no other curriculum"
        axes.text(0.5, 0.5, says, ha="center", transform=axes.transAxes, color="#444444")
        return
    shape = (len(emotions), len(emotions))
    share, n = rows["value"].to_numpy().reshape(shape), rows["n"].to_numpy().reshape(shape)
    axes.pcolormesh(share, cmap="Greys", vmin=0, vmax=100, edgecolors="#BBBBBB", linewidth=0.4)
    axes.invert_yaxis()
    for (i, j), value in np.ndenumerate(share):
        color = "white" if value >= _DARK else "black"
        at: dict[str, Any] = {"ha": "center", "va": "center", "color": color}
        axes.text(j + 0.5, i + 0.34, GAP if np.isnan(value) else f"{value:.0f}", fontsize=8, **at)
        axes.text(j + 0.5, i + 0.74, f"{n[i, j]:,}", fontsize=5.5, **at)
    places = [0.5 + index for index in range(len(emotions))]
    axes.set_xticks(places, emotions, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(places, emotions)
    axes.tick_params(length=0)
    axes.spines[["top", "right"]].set_visible(True)
    axes.set_xlabel("Answer")
    axes.set_title(f"{name}: % of the true class, n answers", fontweight="bold")


def _scores(
    axes: Axes, rows: pd.DataFrame, emotions: list[str], looks: dict[str, style.Series]
) -> None:
    """A mark a class and curriculum, with its interval."""
    if not len(rows):
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no gain: nothing to compare", ha="center", transform=axes.transAxes)
        return
    shown = [name for name in looks if (rows["curriculum"] == name).any()]
    grid.draw_curricula(axes, rows, "emotion", emotions, shown, looks)
    counts = rows.groupby("emotion")["n"].max()
    said = [f"{e}\nn = {counts[e]:,.0f}" if counts.get(e, -1) >= 0 else e for e in emotions]
    style.categories(axes, said)
    axes.tick_params(axis="x", labelsize=6.5)
