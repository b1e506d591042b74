"""Marks with intervals in a grid of panels: a row a corpus, a column a baseline."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spcl.report import footnotes
from spcl.report.analysis.scores import NONE
from spcl.report.drawing import style


def with_values(data: pd.DataFrame, name: str) -> pd.DataFrame:
    """`data` with the columns ``value``, ``low`` and ``high`` of the estimate `name`."""
    return data.assign(value=data[name], low=data[f"{name}_low"], high=data[f"{name}_high"])


def panel_width(n_marks: int) -> float:
    """Inches of a panel with `n_marks` marks side by side."""
    return max(2.3, 0.085 * n_marks + 0.5)


def panels(
    n_rows: int, n_columns: int, *, width: float, height: float
) -> tuple[Figure, np.ndarray]:
    """A figure with its (n_rows, n_columns) panels.

    `width` is of a panel, `height` of the figure, in inches. A row shares its y axis.
    """
    size = (0.8 + width * n_columns, height)
    return plt.subplots(n_rows, n_columns, figsize=size, sharey="row", squeeze=False)


def draw_curricula(
    axes: Axes,
    data: pd.DataFrame,
    x: str,
    places: Sequence[str],
    curricula: Sequence[str],
    looks: Mapping[str, style.Series],
) -> None:
    """A mark with its interval for each row, the `curricula` side by side at every place.

    Parameters
    ----------
    data
        Columns ``value``, ``low``, ``high``, ``curriculum`` and `x`, which is one of `places`.
    looks
        By curriculum.
    """
    for name, offset in zip(curricula, style.offsets(len(curricula)), strict=True):
        rows = data[data["curriculum"] == name]
        at = [places.index(place) + offset for place in rows[x]]
        style.draw_intervals(axes, at, rows, looks[name], name, hollow=name == NONE)


def draw_differences(
    data: pd.DataFrame, x: str, labels: Sequence[Mapping[str, str]], y_label: str
) -> Figure:
    """Differences by curriculum, above and below a line at zero.

    Parameters
    ----------
    data
        As for `draw_curricula`, with ``dataset``, ``baseline``, ``n_seeds`` and ``n_dialogues``.
    labels
        For each row of panels of a corpus: by value of the column `x`, what to write below the
        axis. A row without data is left out.
    y_label
        What minus what.
    """
    datasets, baselines, curricula = (
        list(dict.fromkeys(data[name])) for name in ("dataset", "baseline", "curriculum")
    )
    looks = style.series(curricula)
    width = panel_width(max(map(len, labels)) * len(curricula))
    rows = [
        (dataset, below, shown)
        for dataset in datasets
        for below in labels
        for shown in [data[(data["dataset"] == dataset) & data[x].isin(below)]]
        if len(shown)
    ]
    height = 1.4 + 2.1 * len(rows)
    figure, grid = panels(len(rows), len(baselines), width=width, height=height)
    titled = set()
    for (dataset, below, shown), of_row in zip(rows, grid, strict=True):
        for baseline, axes in zip(baselines, of_row, strict=True):
            of_panel = shown[shown["baseline"] == baseline]
            draw_curricula(axes, of_panel, x, list(below), curricula, looks)
            style.categories(axes, list(below.values()))
            axes.axhline(0, color="black", linewidth=0.8)
            if dataset not in titled:
                axes.set_title(baseline, fontweight="bold")
        of_row[0].set_ylabel(y_label)
        if dataset not in titled:
            style.row_title(of_row[0], f"{dataset}: {counts(data[data['dataset'] == dataset])}")
        titled.add(dataset)
    return figure


def counts(rows: pd.DataFrame, *more: str) -> str:
    """Over how much `rows` are taken: ``n = 5 seeds, 31 test dialogues``."""
    said = [*more, footnotes.seeds_in_words(rows["n_seeds"])]
    for column, what in (("n_dialogues", "test dialogues"), ("n_utterances", "test utterances")):
        if column in rows and rows[column].max():
            said.append(f"{rows[column].max():,} {what}")
    return f"n = {', '.join(said)}"
