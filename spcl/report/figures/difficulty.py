"""Difficulty of each class for a probe on one modality alone."""

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spcl.report.analysis import offline
from spcl.report.analysis.results import Results
from spcl.report.columns import COUNT, REAL, SIMULATED, TEXT
from spcl.report.drawing import style
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import MODALITIES

TITLE = "Difficulty of each emotion in each modality"
CAPTION = (
    "A probe (logistic regression) on one modality alone, cross-fitted over the dialogues of train:"
    " no utterance is scored by a probe that was fitted on its dialogue. Left: loss of the true"
    " class; box = quartiles, line = median, whiskers = 5 % and 95 %. Right: F1 by class; W ="
    " weighted F1 over all classes. A corpus without probe scores is not shown."
)

SCHEMA = Schema(
    "difficulty figure",
    (
        Column("dataset", TEXT, "row of panels"),
        Column("modality", TEXT, "a, t or v: box and mark"),
        Column("emotion", TEXT, "place on the x axis; empty = all"),
        Column("n", COUNT, "labelled training utterances"),
        Column("loss_q05", REAL, "5 % quantile of the out-of-fold loss, nats"),
        Column("loss_q25", REAL, "first quartile"),
        Column("loss_q50", REAL, "median"),
        Column("loss_q75", REAL, "third quartile"),
        Column("loss_q95", REAL, "95 % quantile"),
        Column("f1", REAL, "of the class, weighted over all; out-of-fold, points", True),
        SIMULATED,
    ),
    key=("dataset", "modality", "emotion"),
)

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_COLUMNS = tuple(f"loss_q{100 * q:02.0f}" for q in _QUANTILES)


def compute(results: Results) -> pd.DataFrame:
    """The figure's table; see `SCHEMA`. Without the corpora's utterances there are no classes."""
    scored = offline.with_emotion(results)
    scored = scored[scored["loss"].notna()]
    rows = []
    for (dataset, modality), of_probe in scored.groupby(["dataset", "modality"], sort=False):
        known = of_probe[of_probe["emotion"].notna()]
        weighted, by_class = offline.probe_scores(known) if len(known) else (np.nan, {})
        for emotion in ("", *results.labels[str(dataset)]):
            chosen = known[known["emotion"] == emotion] if emotion else of_probe
            if len(chosen):
                rows.append(
                    {
                        "dataset": dataset,
                        "modality": modality,
                        "emotion": emotion,
                        "n": len(chosen),
                        "f1": by_class[emotion] if emotion else weighted,
                        "simulated": dataset in results.simulated,
                        **dict(zip(_COLUMNS, chosen["loss"].quantile(_QUANTILES), strict=True)),
                    }
                )
    return pd.DataFrame(rows, columns=[column.name for column in SCHEMA.columns])


def draw(data: pd.DataFrame) -> Figure:
    """A row of two panels a corpus: losses and F1 by class."""
    if not len(data):
        return style.no_data("There are no probe scores: no offline difficulty was given.")
    datasets = list(dict.fromkeys(data["dataset"]))
    figure, panels = plt.subplots(
        len(datasets),
        2,
        figsize=(10.8, 1.3 + 2.7 * len(datasets)),
        squeeze=False,
        width_ratios=(3, 2),
    )
    for dataset, (losses, scores) in zip(datasets, panels, strict=True):
        rows = data[data["dataset"] == dataset]
        count = rows.groupby("emotion", sort=False)["n"].max()
        emotions = [name for name in count.index if name]
        letters = [letter for letter in MODALITIES if (rows["modality"] == letter).any()]
        looks = style.series(list(MODALITIES))
        for letter, offset in zip(letters, style.offsets(len(letters)), strict=True):
            of_probe = rows[rows["modality"] == letter].set_index("emotion")
            present = [name for name in ("", *emotions) if name in of_probe.index]
            x = [("", *emotions).index(name) + 1.1 * offset for name in present]
            _boxes(losses, x, of_probe.loc[present], looks[letter])
            _marks(scores, x, of_probe.loc[present, "f1"], looks[letter], MODALITIES[letter])
        style.categories(losses, [f"{e or 'all'}\nn = {count[e]:,}" for e in ("", *emotions)])
        style.categories(scores, ["W", *emotions])
        for axes in (losses, scores):
            axes.axvline(0.5, color="black", linewidth=0.6)
            axes.tick_params(axis="x", labelsize=6.5 if len(emotions) > 5 else 7)
        losses.set_ylim(bottom=0)
        losses.set_ylabel("Out-of-fold loss (nats)")
        scores.set_ylim(0, 100)
        scores.set_ylabel("Out-of-fold F1 (points)")
        if scores.lines and rows["f1"].isna().all():
            scores.text(0.5, 0.5, "no labels were given", transform=scores.transAxes, ha="center")
        losses.set_title(
            f"{dataset}: n = {count['']:,} labelled training utterances", loc="left", fontsize=9
        )
    return figure


def _boxes(axes: Axes, x: list[float], rows: pd.DataFrame, look: style.Series) -> None:
    names = ("whislo", "q1", "med", "q3", "whishi")
    boxes = [
        dict(zip(names, (row[column] for column in _COLUMNS), strict=True))
        for _, row in rows.iterrows()
    ]
    drawn = axes.bxp(
        boxes,
        positions=x,
        widths=0.19,
        showfliers=False,
        patch_artist=True,
        manage_ticks=False,
        medianprops={"color": "black", "linewidth": 1.6},
        whiskerprops={"linewidth": 0.7},
        capprops={"linewidth": 0.7},
    )
    for box in drawn["boxes"]:
        box.set(
            facecolor=style.pale(look.color), edgecolor="black", linewidth=0.7, hatch=look.hatch
        )


def _marks(axes: Axes, x: list[float], f1: pd.Series, look: style.Series, label: str) -> None:
    axes.plot(
        x,
        f1,
        linestyle="none",
        marker=look.marker,
        color=look.color,
        markersize=6,
        markeredgecolor="black",
        markeredgewidth=0.5,
        label=label,
    )
