"""Gap between the head and the probe of each modality, without and with a curriculum."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, shown_beside_none
from spcl.report.columns import COUNT, N_DIALOGUES, N_UTTERANCES, REAL, SIMULATED, TEXT
from spcl.report.drawing import grid, style
from spcl.report.tables import balance
from spcl.tables.parquet import Column, Schema

TITLE = "Balance of the modalities"
CAPTION = (
    "Upper row of each corpus: weighted F1 on the test split of each modality's head in the joint"
    " model, mean over seeds (mark); thick line: a probe (logistic regression) on that"
    " modality alone. The column between them is the gap, which is zero for a modality that"
    " joint training uses as fully as the probe does. Lower row: change of the head, and so of the"
    " gap, by the curriculum, paired by seed, with 95 % bootstrap intervals over dialogues and"
    " seeds. Compare curricula by the lower row. The figure shows none and spcl or, where spcl was"
    " not trained, the first other curriculum. On the x axis: modality set, then modality (a audio,"
    " t text, v visual)."
)

SCHEMA = Schema(
    "balance figure",
    (
        Column("dataset", TEXT, "block of panels"),
        Column("baseline", TEXT, "column of panels"),
        Column("modalities", TEXT, "place on the x axis"),
        Column("modality", TEXT, "place inside it: a, t or v"),
        Column("curriculum", TEXT, "mark: none or the one compared with it"),
        Column("measure", TEXT, "head or change"),
        Column("value", REAL, "mean over seeds, points"),
        Column("low", REAL, "95 % interval of a change, points", True),
        Column("high", REAL, "its upper end, points", True),
        Column("probe", REAL, "weighted F1 of the probe, points", True),
        Column("n_seeds", COUNT, "seeds it is taken over"),
        N_DIALOGUES,
        N_UTTERANCES,
        SIMULATED,
    ),
    key=("dataset", "baseline", "modalities", "modality", "curriculum", "measure"),
)


def compute(results: Results) -> pd.DataFrame:
    """The figure's table; see `SCHEMA`."""
    cells = balance.compute(results)
    cells = cells[cells["curriculum"].isin([NONE, shown_beside_none(cells["curriculum"])])]
    head = cells.assign(measure="head", value=cells["head"], low=float("nan"), high=float("nan"))
    change = grid.with_values(cells, "change")
    change = change.assign(measure="change", n_seeds=cells["n_paired_seeds"])
    return pd.concat([head, change[change["value"].notna()]], ignore_index=True)


def draw(data: pd.DataFrame) -> Figure:
    """Two rows of panels a corpus, a column a baseline."""
    if not len(data):
        return style.no_data("There are no cells: no metrics were given.")
    datasets = list(dict.fromkeys(data["dataset"]))
    baselines = list(dict.fromkeys(data["baseline"]))
    curricula = sorted(dict.fromkeys(data["curriculum"]), key=lambda name: name != NONE)
    measures = [m for m in ("head", "change") if (data["measure"] == m).any()]
    rows = [(dataset, measure) for dataset in datasets for measure in measures]
    n_places = max(len(_places(data[data["dataset"] == name])) for name in datasets)
    width = max(2.3, 0.3 * n_places + 0.4)
    height = 1.6 + 1.95 * len(rows)
    figure, panels = grid.panels(len(rows), len(baselines), width=width, height=height)
    for (dataset, measure), of_row in zip(rows, panels, strict=True):
        of_dataset = data[data["dataset"] == dataset]
        places = _places(of_dataset)
        shown = of_dataset[of_dataset["measure"] == measure]
        for baseline, axes in zip(baselines, of_row, strict=True):
            _panel(axes, shown[shown["baseline"] == baseline], places, curricula)
            if measure == "head":
                axes.set_title(baseline, fontweight="bold")
                axes.use_sticky_edges = False
                axes.set_ylim(0, 1.05 * axes.get_ylim()[1])
            else:
                axes.axhline(0, color="black", linewidth=0.8)
        if measure == "head":
            of_row[0].set_ylabel("W-F1 of the head\n(points)")
            style.row_title(of_row[0], f"{dataset}: {grid.counts(shown)}")
        else:
            of_row[0].set_ylabel("Change against none\n(points)")
    return figure


def _places(data: pd.DataFrame) -> list[tuple[str, str]]:
    """Modality set and modality, from the left."""
    return list(dict.fromkeys(zip(data["modalities"], data["modality"], strict=True)))


def _panel(
    axes: Axes, data: pd.DataFrame, places: list[tuple[str, str]], curricula: list[str]
) -> None:
    """A mark a head; where its probe is known, a column up (or down) to it."""
    looks = style.series(list(dict.fromkeys([NONE, *curricula])))
    shown = [name for name in curricula if (data["curriculum"] == name).any()]
    for name, offset in zip(shown, style.offsets(len(shown)), strict=True):
        rows = data[data["curriculum"] == name]
        pairs = zip(rows["modalities"], rows["modality"], strict=True)
        at = [places.index(pair) for pair in pairs]
        x = [place + 1.6 * offset for place in at]
        if (data["measure"] == "head").all() and rows["probe"].notna().any():
            gap = rows["probe"] - rows["value"]
            ground = style.pale(style.GREY if name == NONE else looks[name].color)
            line: dict[str, Any] = {
                "edgecolor": "#555555",
                "linewidth": 0.5,
                "hatch": looks[name].hatch,
            }
            axes.bar(x, gap, 0.3, rows["value"], color=ground, **line)
            ends = [place - 0.42 for place in at], [place + 0.42 for place in at]
            label = "probe on the modality alone"
            axes.hlines(rows["probe"], *ends, color="black", linewidth=2, label=label, zorder=3)
        style.draw_intervals(axes, x, rows, looks[name], name, hollow=name == NONE)
    style.categories(axes, [letter for _, letter in places])
    sets = list(dict.fromkeys(modalities for modalities, _ in places))
    for modalities in sets:
        inside = [index for index, place in enumerate(places) if place[0] == modalities]
        middle = sum(inside) / len(inside)
        below = axes.get_xaxis_transform()
        axes.text(middle, -0.16, modalities, transform=below, ha="center", va="top", fontsize=7.5)
        if modalities != sets[-1]:
            axes.axvline(inside[-1] + 0.5, color="black", linewidth=0.6)
