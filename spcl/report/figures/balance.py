"""How far each modality's head stays below its probe, without a curriculum and with one."""

from typing import Any

import pandas as pd
import pyarrow as pa
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spcl.report import footnotes
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, shown_beside_none
from spcl.report.drawing import style
from spcl.report.tables.balance import balances
from spcl.tables.parquet import Column, Schema

_TEXT, _REAL, _COUNT = pa.string(), pa.float64(), pa.int32()

TITLE = "Balance of the modalities"
CAPTION = (
    "Upper row of each corpus: weighted F1 on the test split of each modality's own head inside the"
    " joint model, mean over seeds (mark); thick line: a probe (logistic regression) on that"
    " modality alone. The column between them is the gap, which would be nil for a modality that"
    " joint training uses as fully as the probe. Lower row: what the curriculum changes in the"
    " head, and so in the gap, paired by seed, with 95 % bootstrap intervals over dialogues and"
    " seeds; compare by it. Beside none stands spcl or, where it was not trained, the first other"
    " curriculum. On the x axis: modality set, then modality (a audio, t text, v visual)."
)

SCHEMA = Schema(
    "balance figure",
    (
        Column("dataset", _TEXT, "block of panels"),
        Column("baseline", _TEXT, "column of panels"),
        Column("modalities", _TEXT, "place on the x axis"),
        Column("modality", _TEXT, "place inside it: a, t or v"),
        Column("curriculum", _TEXT, "mark: none or the one beside it"),
        Column("measure", _TEXT, "head or change"),
        Column("value", _REAL, "mean over seeds, points"),
        Column("low", _REAL, "95 % interval of a change, points", True),
        Column("high", _REAL, "its upper end, points", True),
        Column("probe", _REAL, "weighted F1 of the probe, points", True),
        Column("n_seeds", _COUNT, "seeds it is taken over"),
        Column("n_dialogues", _COUNT, "labelled test dialogues; 0 = no predictions were given"),
        Column("n_utterances", _COUNT, "labelled test utterances"),
        Column("simulated", pa.bool_(), "the corpus is simulated"),
    ),
    key=("dataset", "baseline", "modalities", "modality", "curriculum", "measure"),
)


def compute(results: Results) -> pd.DataFrame:
    """The figure's table; see `SCHEMA`."""
    cells = balances(results)
    cells = cells[cells["curriculum"].isin([NONE, shown_beside_none(cells["curriculum"])])]
    head = cells.assign(measure="head", value=cells["head"], low=float("nan"), high=float("nan"))
    change = cells.assign(
        measure="change",
        value=cells["change"],
        low=cells["change_low"],
        high=cells["change_high"],
        n_seeds=cells["n_paired_seeds"],
    )
    data = pd.concat([head, change[change["value"].notna()]], ignore_index=True)
    return data[[column.name for column in SCHEMA.columns]]


def draw(data: pd.DataFrame) -> Figure:
    """Two rows of panels a corpus, a column a baseline."""
    if not len(data):
        return style.no_data("There are no cells: the figure was given no metrics.")
    datasets = list(dict.fromkeys(data["dataset"]))
    baselines = list(dict.fromkeys(data["baseline"]))
    curricula = sorted(dict.fromkeys(data["curriculum"]), key=lambda name: name != NONE)
    measures = [m for m in ("head", "change") if (data["measure"] == m).any()]
    rows = [(dataset, measure) for dataset in datasets for measure in measures]
    n_places = max(len(_places(data[data["dataset"] == name])) for name in datasets)
    width = max(2.3, 0.3 * n_places + 0.4)
    figure, panels = plt.subplots(
        len(rows),
        len(baselines),
        figsize=(0.8 + width * len(baselines), 1.6 + 1.95 * len(rows)),
        sharey="row",
        squeeze=False,
    )
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
            style.row_title(of_row[0], f"{dataset}: {_counts(shown)}")
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


def _counts(rows: pd.DataFrame) -> str:
    """Over how much the row is taken."""
    dialogues = rows["n_dialogues"].max()
    seeds = footnotes.seeds_in_words(rows["n_seeds"])
    of_dialogues = f"{dialogues:,} test dialogues, " if dialogues else ""
    return f"n = {seeds}, {of_dialogues}{rows['n_utterances'].max():,} test utterances"
