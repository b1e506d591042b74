"""Reliability diagrams: accuracy by confidence, and how often each confidence occurs."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spcl.report import footnotes
from spcl.report.analysis.calibration import answers_on_test
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, CellKey, by_cell
from spcl.report.columns import COUNT, REAL, SIMULATED, TEXT
from spcl.report.drawing import style
from spcl.tables.parquet import Column, Schema
from spcl.training.calibration import N_BINS, confidence_bins

TITLE = "Reliability of the confidence"
_FEW = 20
"""Bins of fewer answers have small hollow marks that no line joins."""
CAPTION = (
    "Accuracy of the joint answers on the labelled test utterances by their confidence (the"
    f" probability of the answer), in {N_BINS} bins of equal width, pooled over seeds. Each mark is"
    " at the mean confidence of its bin; bins without answers have none, and bins of fewer than"
    f" {_FEW} answers a small hollow one off the line. On the dashed line confidence equals"
    " accuracy; below it the model is over-confident. Lower panels: share of the answers in each"
    " bin. One modality set a corpus is shown, the one with the most modalities. Seeds that"
    " diverged in their first epoch have no probabilities and are left out."
)

SCHEMA = Schema(
    "calibration figure",
    (
        Column("dataset", TEXT, "two rows of panels"),
        Column("baseline", TEXT, "column of panels"),
        Column("modalities", TEXT, "the set shown"),
        Column("curriculum", TEXT, "the series"),
        Column("bin", COUNT, "from 1; bin b is of confidences above (b - 1)/15 and up to b/15"),
        Column("n", COUNT, "answers in the bin, over all seeds"),
        Column("share", REAL, "of the cell's answers, %"),
        Column("confidence", REAL, "mean probability of the answers in the bin, %"),
        Column("accuracy", REAL, "of the answers in the bin, %"),
        Column("n_seeds", COUNT, "seeds that are pooled"),
        Column("n_utterances", COUNT, "labelled test utterances"),
        SIMULATED,
    ),
    key=("dataset", "baseline", "modalities", "curriculum", "bin"),
)


def compute(results: Results) -> pd.DataFrame:
    """The figure's table; see `SCHEMA`. Bins without answers have no row."""
    cells = {}
    for key, rows in by_cell(answers_on_test(results)):
        undefined = rows.loc[rows["confidence"].isna(), "seed"]
        defined = rows[~rows["seed"].isin(undefined)]
        if len(defined):
            cells[key] = defined
    widest = {
        dataset: max((key[2] for key in cells if key[0] == dataset), key=len)
        for dataset in dict.fromkeys(key[0] for key in cells)
    }
    bins = [
        row
        for key, of_cell in cells.items()
        if key[2] == widest[key[0]]
        for row in _bins(key, of_cell)
    ]
    data = pd.DataFrame(
        bins, columns=[column.name for column in SCHEMA.columns if column is not SIMULATED]
    )
    return data.assign(simulated=data["dataset"].isin(results.simulated))


def _bins(key: CellKey, answers: pd.DataFrame) -> Iterator[dict[str, object]]:
    """A row for each bin of a cell that has answers."""
    dataset, baseline, modalities, curriculum = key
    n_seeds = answers["seed"].nunique()
    bins = confidence_bins(answers["confidence"].to_numpy())
    for number in np.unique(bins):
        rows = answers[bins == number]
        yield {
            "dataset": dataset,
            "baseline": baseline,
            "modalities": modalities,
            "curriculum": curriculum,
            "bin": int(number) + 1,
            "n": len(rows),
            "share": 100 * len(rows) / len(answers),
            "confidence": 100 * rows["confidence"].mean(),
            "accuracy": 100 * rows["right"].mean(),
            "n_seeds": n_seeds,
            "n_utterances": len(answers) // n_seeds,
        }


def draw(data: pd.DataFrame) -> Figure:
    """For each corpus a row of reliability diagrams above a row of histograms."""
    if not len(data):
        return style.no_data("There are no answers to show: no predictions were given.")
    datasets, baselines, curricula = (
        list(dict.fromkeys(data[name])) for name in ("dataset", "baseline", "curriculum")
    )
    curricula.sort(key=lambda name: name != NONE)
    looks = style.series(list(dict.fromkeys([NONE, *curricula])))
    figure, panels = plt.subplots(
        2 * len(datasets),
        len(baselines),
        figsize=(0.9 + 2.3 * len(baselines), 1.5 + 3.5 * len(datasets)),
        sharex=True,
        sharey="row",
        squeeze=False,
        height_ratios=(2.3, 0.8) * len(datasets),
    )
    pairs = zip(panels[::2], panels[1::2], strict=True)
    for dataset, (diagrams, histograms) in zip(datasets, pairs, strict=True):
        shown = data[data["dataset"] == dataset]
        for baseline, diagram, histogram in zip(baselines, diagrams, histograms, strict=True):
            of_panel = shown[shown["baseline"] == baseline]
            diagram.plot(
                (0, 100),
                (0, 100),
                linestyle="--",
                color=style.GREY,
                linewidth=1,
                label="confidence = accuracy",
            )
            for name in curricula:
                rows = of_panel[of_panel["curriculum"] == name]
                if len(rows):
                    _reliability(diagram, rows, looks[name], name)
                    _histogram(histogram, rows, looks[name])
            if not len(of_panel):
                diagram.text(50, 50, "no answers", ha="center", va="bottom")
            diagram.set_title(baseline, fontweight="bold")
        diagrams[0].set_xlim(-3, 103)
        diagrams[0].set_ylim(-3, 103)
        diagrams[0].set_ylabel("Accuracy (%)")
        histograms[0].set_ylim(bottom=0)
        histograms[0].set_ylabel("Answers (%)")
        style.row_title(diagrams[0], f"{dataset}, {shown['modalities'].iloc[0]}: {_counts(shown)}")
    for axes in panels[-1]:
        axes.set_xticks(range(0, 101, 20))
        axes.set_xlabel("Confidence (%)")
    return figure


def _counts(rows: pd.DataFrame) -> str:
    seeds = footnotes.seeds_in_words(rows["n_seeds"])
    return f"n = {seeds}, {rows['n_utterances'].max():,} labelled test utterances"


def _reliability(axes: Axes, rows: pd.DataFrame, look: style.Series, label: str) -> None:
    """A line through the bins of enough answers; the others are marks beside it."""
    few = rows["n"] < _FEW
    axes.plot(
        rows.loc[few, "confidence"],
        rows.loc[few, "accuracy"],
        linestyle="none",
        marker=look.marker,
        markersize=2.8,
        markeredgecolor=look.color,
        markeredgewidth=0.6,
        markerfacecolor="white",
    )
    axes.plot(
        rows.loc[~few, "confidence"],
        rows.loc[~few, "accuracy"],
        color=look.color,
        linestyle=look.line,
        linewidth=1,
        marker=look.marker,
        markersize=4.6,
        markeredgecolor="black",
        markeredgewidth=0.5,
        label=label,
    )


def _histogram(axes: Axes, rows: pd.DataFrame, look: style.Series) -> None:
    """The outline of the histogram over the bins."""
    share = np.zeros(N_BINS)
    share[rows["bin"].to_numpy() - 1] = rows["share"]
    edges = np.linspace(0, 100, N_BINS + 1)
    axes.stairs(share, edges, color=look.color, linestyle=look.line, linewidth=1.1)
