"""Admission by epoch, by offline difficulty and by class, and the threshold."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, MaxNLocator

from spcl.report import footnotes
from spcl.report.analysis import offline
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, CellKey, by_cell
from spcl.report.columns import COUNT, REAL, SIMULATED, TEXT
from spcl.report.drawing import style
from spcl.tables.parquet import Column, Schema

TITLE = "Admission by the curriculum in each epoch"
CAPTION = (
    "Labelled training utterances that have been admitted at least once by an epoch, mean over"
    " seeds: split by terciles of the offline loss (mean over the cell's modalities), and by class."
    " Dashed: the share admitted in that epoch. Below: the threshold; where there are several"
    " curricula, the share that each admits. One modality set is shown, the one with the most"
    " modalities; one curriculum in the splits, spcl if it was trained. A corpus without"
    " probe scores has no row of terciles."
)

SCHEMA = Schema(
    "curriculum figure",
    (
        Column("dataset", TEXT, "block of panels"),
        Column("baseline", TEXT, "column of panels"),
        Column("modalities", TEXT, "the cell's"),
        Column("curriculum", TEXT, "the cell's"),
        Column("split_by", TEXT, "tercile, class, share (in that epoch) or threshold"),
        Column("part", TEXT, "easy, middle, hard; an emotion; empty"),
        Column("epoch", COUNT, "from 1"),
        Column("value", REAL, "% of the part's utterances, or lambda; mean over seeds"),
        Column("n", COUNT, "utterances of the part; seeds for share and threshold"),
        SIMULATED,
    ),
    key=("dataset", "baseline", "modalities", "curriculum", "split_by", "part", "epoch"),
)

_TERCILES = ("easy", "middle", "hard")
_ROWS = {
    "tercile": "Admitted so far (%)\nby offline loss",
    "class": "Admitted so far (%)\nby class",
    "share": "Admitted in the\nepoch (%)",
    "threshold": "Threshold λ",
}


def compute(results: Results) -> pd.DataFrame:
    """The figure's table; see `SCHEMA`."""
    columns = [column.name for column in SCHEMA.columns]
    histories = {key: rows for key, rows in by_cell(results.history) if key[-1] != NONE}
    if not histories:
        return pd.DataFrame({name: [] for name in columns})
    widest = {
        dataset: max((key[2] for key in histories if key[0] == dataset), key=len)
        for dataset in dict.fromkeys(key[0] for key in histories)
    }
    drawn = {key: rows for key, rows in histories.items() if key[2] == widest[key[0]]}
    names = [key[-1] for key in drawn]
    split = "spcl" if "spcl" in names else names[0]
    parts = [frame for key, rows in drawn.items() for frame in _by_epoch(key, rows)]
    n_epochs = {key: int(rows["epoch"].max()) for key, rows in drawn.items()}
    parts += _splits(results, {key: n for key, n in n_epochs.items() if key[-1] == split})
    data = pd.concat(parts, ignore_index=True)
    return data.assign(simulated=data["dataset"].isin(results.simulated))[columns]


def _by_epoch(key: CellKey, history: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The share in each epoch and the threshold, mean over the seeds that train this long."""
    for split_by, column, unit in (("share", "admitted_share", 100), ("threshold", "threshold", 1)):
        known = history[history[column].notna()]
        if len(known):
            by_epoch = unit * known.groupby("epoch")[column].mean()
            yield _frame(key, split_by, "", by_epoch, known["seed"].nunique())


def _splits(results: Results, n_epochs: dict[CellKey, int]) -> Iterator[pd.DataFrame]:
    """Admitted at least once, by tercile of the offline loss and by class."""
    losses, emotions = offline.losses(results), offline.emotions(results)
    for key, first in offline.first_epochs(results):
        if key not in n_epochs:
            continue
        epochs = range(1, n_epochs[key] + 1)
        loss = offline.loss_of(losses, key)
        loss = loss[loss.index.isin(first.columns)]
        third = offline.thirds(loss)
        parts = [("tercile", name, third.index[third == i]) for i, name in enumerate(_TERCILES)]
        if key[0] in emotions:
            emotion = emotions[key[0]].reindex(first.columns)
            labels = results.labels[key[0]]
            parts += [("class", name, emotion.index[emotion == name]) for name in labels]
        for split_by, part, ids in parts:
            if len(ids) and (split_by == "class" or len(loss) >= len(_TERCILES)):
                yield _frame(key, split_by, part, _so_far(first[ids], epochs), len(ids))


def _so_far(first: pd.DataFrame, epochs: range) -> pd.Series:
    """% of the (S, U) first epochs that are not after each of `epochs`."""
    values = first.to_numpy()
    return pd.Series([100 * float(np.mean(values <= epoch)) for epoch in epochs], epochs)


def _frame(key: CellKey, split_by: str, part: str, by_epoch: pd.Series, n: int) -> pd.DataFrame:
    frame = pd.DataFrame({"epoch": by_epoch.index, "value": by_epoch.to_numpy()})
    dataset, baseline, modalities, curriculum = key
    return frame.assign(
        dataset=dataset,
        baseline=baseline,
        modalities=modalities,
        curriculum=curriculum,
        split_by=split_by,
        part=part,
        n=n,
    )


def draw(data: pd.DataFrame) -> Figure:
    """For each corpus a row of panels a split; a column a baseline."""
    if not len(data):
        return style.no_data(
            "There is nothing to show: no history of a curriculum other than none was given."
        )
    baselines = list(dict.fromkeys(data["baseline"]))
    curricula = list(dict.fromkeys(data["curriculum"]))
    several = len(curricula) > 1
    rows = [
        (dataset, split_by)
        for dataset in dict.fromkeys(data["dataset"])
        for split_by in _ROWS
        if _shown(data, dataset, split_by, several)
    ]
    figure, panels = plt.subplots(
        len(rows),
        len(baselines),
        figsize=(2.9 + 2.3 * len(baselines), 1.2 + 1.75 * len(rows)),
        sharey="row",
        squeeze=False,
    )
    headed = ""
    for (dataset, split_by), of_row in zip(rows, panels, strict=True):
        of_dataset = data[data["dataset"] == dataset]
        for baseline, axes in zip(baselines, of_row, strict=True):
            of_panel = of_dataset[of_dataset["baseline"] == baseline]
            _panel(axes, of_panel, split_by, curricula)
            if dataset != headed:
                axes.set_title(baseline, fontweight="bold")
        of_row[0].set_ylabel(_ROWS[split_by])
        if dataset != headed:
            headed = dataset
            seeds = footnotes.seeds_in_words(of_dataset.loc[of_dataset["split_by"] == "share", "n"])
            modalities = of_dataset["modalities"].iloc[0]
            style.row_title(of_row[0], f"{dataset}, {modalities}: n = {seeds}")
        fullest = max(of_row, key=lambda axes: len(axes.get_legend_handles_labels()[1]))
        handles, labels = fullest.get_legend_handles_labels()
        if labels:
            of_row[-1].legend(
                handles, labels, loc="center left", bbox_to_anchor=(1, 0.5), fontsize=7
            )
    for axes in panels[-1]:
        axes.set_xlabel("Epoch")
    return figure


def _shown(data: pd.DataFrame, dataset: str, split_by: str, several: bool) -> bool:
    """Whether there is such a row; one curriculum's share is drawn with the terciles."""
    present = ((data["dataset"] == dataset) & (data["split_by"] == split_by)).any()
    of_terciles = ((data["dataset"] == dataset) & (data["split_by"] == "tercile")).any()
    return bool(present and (split_by != "share" or several or not of_terciles))


class _PlainLogFormatter(LogFormatter):
    """Labels the ticks that matplotlib would label, without its formulas: 0.4, 1, 10."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""


def _panel(axes: Axes, data: pd.DataFrame, split_by: str, curricula: list[str]) -> None:
    rows = data[data["split_by"] == split_by]
    name = "part" if split_by in ("tercile", "class") else "curriculum"
    parts = list(dict.fromkeys(rows["part"]))
    looks = style.series(parts if name == "part" else [NONE, *curricula])
    for index, (label, line) in enumerate(rows.groupby(name, sort=False)):
        look = looks[str(label)]
        said = f"{label} (n = {line['n'].iloc[0]:,})" if name == "part" else str(label)
        _line(axes, line, look, said, index)
    if split_by == "tercile" and len(rows):
        cell = rows["curriculum"].iloc[0]
        now = data[(data["split_by"] == "share") & (data["curriculum"] == cell)]
        axes.plot(
            now["epoch"], now["value"], "--", color=style.GREY, linewidth=1, label="this epoch"
        )
    if split_by == "threshold":
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(_PlainLogFormatter())
        axes.yaxis.set_minor_formatter(_PlainLogFormatter())
    else:
        axes.set_ylim(-4, 104)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def _line(axes: Axes, rows: pd.DataFrame, look: style.Series, label: str, index: int) -> None:
    """Draw a line; markers are staggered, so that lines that coincide can be distinguished."""
    step = max(len(rows) // 8, 1)
    axes.plot(
        rows["epoch"],
        rows["value"],
        color=look.color,
        linestyle=look.line,
        linewidth=1.1,
        marker=look.marker,
        markersize=3.6,
        markevery=(index % step, step),
        markeredgecolor="black",
        markeredgewidth=0.4,
        label=label,
    )
