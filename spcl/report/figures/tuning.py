"""How the score on dev depends on each tuned setting, and on threshold and growth together."""

from collections.abc import Sequence

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spcl.report.analysis.results import Results
from spcl.report.analysis.tunings import tunings
from spcl.report.columns import CELL, COUNT, FLAG, REAL, SIMULATED, TEXT
from spcl.report.drawing import style
from spcl.tables.parquet import Column, Schema

TITLE = "Score on dev by tuned setting"
CAPTION = (
    "Weighted F1 on dev of a candidate, mean over the tuning seeds, above the mean of all"
    " candidates of its cell. Lines: the mean over the candidates with a value and over cells"
    " (corpus by modality set). Other settings differ between candidates, so a line is not the"
    " effect of one setting alone where the candidates are a sample. Squares: threshold and growth"
    " together, for curricula that tune both. Candidates that halving stopped early have the mean"
    " over fewer seeds."
)
_PAIR = ("growth", "threshold")

SCHEMA = Schema(
    "tuning figure",
    (
        *CELL,
        Column("candidate", COUNT, "its number; 0 has the config's settings"),
        Column("setting", TEXT, "the name"),
        Column("value", TEXT, "of the setting in this candidate"),
        Column("above_mean", REAL, "W-F1 on dev above the mean of the cell's candidates, points"),
        Column("n_trial_seeds", COUNT, "seeds of the candidate"),
        Column("chosen", FLAG, "the candidate was chosen"),
        SIMULATED,
    ),
    key=("dataset", "baseline", "modalities", "curriculum", "candidate", "setting"),
)


def compute(results: Results) -> pd.DataFrame:
    """The figure's table; see `SCHEMA`."""
    rows = []
    for key, own in tunings(results).items():
        above = own.points.mean() - own.points.mean().mean()
        rows += [
            (
                *key,
                number,
                setting,
                str(value),
                above[number],
                own.points[number].notna().sum(),
                number == own.chosen,
                own.simulated,
            )
            for number, candidate in own.candidates.items()
            for setting, value in candidate.items()
        ]
    return pd.DataFrame(rows, columns=[column.name for column in SCHEMA.columns])


def draw(data: pd.DataFrame) -> Figure:
    """A row a baseline, a column a setting, and a column a curriculum with a pair of settings."""
    if not len(data):
        return style.no_data("No setting was tuned.")
    baselines, curricula, settings = (
        list(dict.fromkeys(data[name])) for name in ("baseline", "curriculum", "setting")
    )
    paired = [name for name in curricula if len(_pairs(data[data["curriculum"] == name]))]
    looks = style.series(curricula)
    n_columns = len(settings) + len(paired)
    figure, panels = plt.subplots(
        len(baselines),
        n_columns,
        figsize=(0.8 + 2.4 * n_columns, 1.4 + 2.1 * len(baselines)),
        squeeze=False,
    )
    for baseline, of_row in zip(baselines, panels, strict=True):
        shown = data[data["baseline"] == baseline]
        for setting, axes in zip(settings, of_row[: len(settings)], strict=True):
            rows = shown[shown["setting"] == setting]
            _means(axes, rows, curricula, looks)
            axes.set_xlabel(setting)
        for curriculum, axes in zip(paired, of_row[len(settings) :], strict=True):
            _squares(figure, axes, _pairs(shown[shown["curriculum"] == curriculum]), curriculum)
        of_row[0].set_ylabel("W-F1 on dev above\nthe cell's mean (points)")
        n_cells = len(shown[["dataset", "modalities"]].drop_duplicates())
        cells = f"{n_cells} cell" + ("" if n_cells == 1 else "s")
        style.row_title(of_row[0], f"{baseline}: n = {cells} a curriculum")
    return figure


def _means(
    axes: Axes, rows: pd.DataFrame, curricula: Sequence[str], looks: dict[str, style.Series]
) -> None:
    """A line a curriculum through the means by value; text is in the order of appearance."""
    number = pd.to_numeric(rows["value"], errors="coerce")
    order = list(dict.fromkeys(rows["value"].iloc[number.argsort(kind="stable")]))
    for name in curricula:
        means = rows[rows["curriculum"] == name].groupby("value", sort=False)["above_mean"].mean()
        means = means.reindex([value for value in order if value in means.index])
        axes.plot(
            [order.index(value) for value in means.index],
            means,
            color=looks[name].color,
            linestyle=looks[name].line,
            marker=looks[name].marker,
            markersize=4,
            linewidth=1,
            label=name,
        )
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xticks(range(len(order)), order, rotation=90 if len(order) > 4 else 0)


def _pairs(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean over cells by growth and threshold, for candidates that have both as numbers."""
    of_pair = rows[rows["setting"].isin(_PAIR)]
    key = ["dataset", "baseline", "modalities", "curriculum", "candidate", "above_mean"]
    wide = of_pair.pivot(index=key, columns="setting", values="value").reset_index()
    if not {*_PAIR} <= {*wide.columns}:
        return pd.DataFrame(columns=[*_PAIR, "above_mean"])
    wide = wide.assign(**{name: pd.to_numeric(wide[name], errors="coerce") for name in _PAIR})
    return wide.dropna().groupby(list(_PAIR))["above_mean"].mean().reset_index()


def _squares(figure: Figure, axes: Axes, pairs: pd.DataFrame, curriculum: str) -> None:
    """A square for each pair of values; light is high."""
    axes.set_xlabel(_PAIR[0])
    axes.set_ylabel(_PAIR[1])
    axes.set_title(curriculum, fontweight="bold")
    if len(pairs):
        squares = axes.scatter(
            pairs[_PAIR[0]],
            pairs[_PAIR[1]],
            c=pairs["above_mean"],
            marker="s",
            s=70,
            cmap="cividis",
        )
        squares.set_edgecolor("black")
        squares.set_linewidth(0.5)
        axes.margins(0.2)
        figure.colorbar(squares, ax=axes, use_gridspec=False).ax.tick_params(labelsize=7)
