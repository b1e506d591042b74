"""Weighted F1 with missing modalities and noise, and the change of the drop against none."""

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spcl.report.analysis.results import Results
from spcl.report.analysis.robustness import PERTURBATIONS
from spcl.report.analysis.scores import NONE, shown_beside_none
from spcl.report.columns import COUNT, N_DIALOGUES, REAL, SIMULATED, TEXT, bounds
from spcl.report.drawing import grid, style
from spcl.report.tables import robustness
from spcl.tables.parquet import Column, Schema

TITLE = "Robustness against missing modalities and noise"
_MOST = 5
"""More curricula cannot be told apart in a panel."""
CAPTION = (
    "Weighted F1 on the test split of the modality set with the most modalities, mean over seeds."
    " First row of each corpus: each modality is missing in a share of the utterances. Second row:"
    " one modality is missing everywhere (no a, no t, no v), or its features are noisy (mean over"
    " the levels from 0). Third row: the drop by a perturbation minus the drop of none, paired by"
    " seed, with 95 % bootstrap intervals over dialogues and seeds; below zero, the curriculum is"
    " more robust than none. modality: mean over the modalities; utterances, dialogues, noise:"
    f" means over the levels. Of more than {_MOST} curricula, only none and spcl are shown or,"
    " where spcl was not trained, the first other curriculum."
)

_CURVE, _SCORE, _CHANGE = "curve", "score", "drop_change"
_LABELS = {
    _CURVE: "W-F1 (points)",
    _SCORE: "W-F1 (points)",
    _CHANGE: "Drop minus that\nof none (points)",
}
"""Of the y axes, in the order of the rows of panels."""
_PLACES = dict(zip(PERTURBATIONS, ("modality", "utterances", "dialogues", "noise"), strict=True))
"""By perturbation, its name below the axis of the third row."""

SCHEMA = Schema(
    "robustness figure",
    (
        Column("dataset", TEXT, "block of panels"),
        Column("baseline", TEXT, "column of panels"),
        Column("modalities", TEXT, "the set shown"),
        Column("curriculum", TEXT, "the series"),
        Column("measure", TEXT, "row of panels: curve, score or drop_change"),
        Column("place", TEXT, "on the x axis, for score and drop_change", True),
        Column("level", REAL, "on the x axis, for curve", True),
        Column("value", REAL, "points"),
        *bounds(),
        Column("n_seeds", COUNT, "seeds it is taken over"),
        N_DIALOGUES,
        SIMULATED,
    ),
    key=("dataset", "baseline", "curriculum", "measure", "place", "level"),
)


def compute(results: Results) -> pd.DataFrame:
    """The figure's table; see `SCHEMA`."""
    data = robustness.compute(results)
    names = list(dict.fromkeys(data["curriculum"]))
    if len(names) > _MOST:
        data = data[data["curriculum"].isin([NONE, shown_beside_none(names)])]
    widest = {
        dataset: max(dict.fromkeys(rows["modalities"]), key=len)
        for dataset, rows in data.groupby("dataset", sort=False)
    }
    data = data[data["modalities"] == data["dataset"].map(widest)]
    by_share = data[(data["perturbation"] == "utterances_missing") & ~data["summary"]]
    clean = by_share.drop_duplicates(["dataset", "baseline", "curriculum"])
    clean = clean.assign(level=0.0, score=clean["score"] + clean["drop"])
    alone = data["modality"].str.len() == 1
    missing = data[(data["perturbation"] == "modality_missing") & alone & ~data["summary"]]
    noisy = data[(data["perturbation"] == "noise") & data["level"].isna() & ~data["summary"]]
    scores = pd.concat(
        [
            missing.assign(place="no " + missing["modality"], level=math.nan),
            noisy.assign(place="noise " + noisy["modality"]),
        ]
    )
    change = data[data["summary"] & data["drop_change"].notna()]
    change = grid.with_values(change, "drop_change")
    change = change.assign(
        place=change["perturbation"].map(_PLACES), n_seeds=change["n_paired_seeds"]
    )
    return pd.concat(
        [
            _plain(pd.concat([clean, by_share]).assign(place=None), _CURVE),
            _plain(scores, _SCORE),
            change.assign(measure=_CHANGE),
        ],
        ignore_index=True,
    ).reindex(columns=[column.name for column in SCHEMA.columns])


def _plain(rows: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Scores without an interval."""
    return rows.assign(measure=measure, value=rows["score"], low=math.nan, high=math.nan)


def draw(data: pd.DataFrame) -> Figure:
    """Three rows of panels a corpus, a column a baseline."""
    if not len(data):
        return style.no_data(
            "No perturbation was tried: no cells were given, or the lists of robustness in the"
            " config are empty."
        )
    baselines = list(dict.fromkeys(data["baseline"]))
    looks = style.series(list(dict.fromkeys(data["curriculum"])))
    rows = [
        (str(dataset), measure)
        for dataset, of_dataset in data.groupby("dataset", sort=False)
        for measure in _LABELS
        if (of_dataset["measure"] == measure).any()
    ]
    first = dict(reversed(rows))
    figure, panels = grid.panels(
        len(rows), len(baselines), width=2.3, height=1.8 + 1.65 * len(rows)
    )
    for (dataset, measure), of_row in zip(rows, panels, strict=True):
        shown = data[(data["dataset"] == dataset) & (data["measure"] == measure)]
        places = list(dict.fromkeys(shown["place"].dropna()))
        for baseline, axes in zip(baselines, of_row, strict=True):
            rows_of = shown[shown["baseline"] == baseline]
            if measure == _CURVE:
                _curves(axes, rows_of, looks)
            else:
                names = [name for name in looks if (shown["curriculum"] == name).any()]
                grid.draw_curricula(axes, rows_of, "place", places, names, looks)
                style.categories(axes, [place.replace(" ", "\n") for place in places])
            if measure == _CHANGE:
                axes.axhline(0, color="black", linewidth=0.8)
            if measure == first[dataset]:
                axes.set_title(baseline, fontweight="bold")
        of_row[0].set_ylabel(_LABELS[measure])
        if measure == first[dataset]:
            said = f"{dataset}, {shown['modalities'].iloc[0]}: {grid.counts(shown)}"
            style.row_title(of_row[0], said)
    return figure


def _curves(axes: Axes, data: pd.DataFrame, looks: dict[str, style.Series]) -> None:
    """Weighted F1 by the share of the utterances in which a modality is missing."""
    for name, rows in data.groupby("curriculum", sort=False):
        look = looks[str(name)]
        axes.plot(
            rows["level"],
            rows["value"],
            color=look.color,
            linestyle=look.line,
            linewidth=1.1,
            marker=look.marker,
            markersize=4.4,
            markeredgecolor="black",
            markeredgewidth=0.5,
            markerfacecolor="white" if name == NONE else look.color,
            label=str(name),
        )
    axes.set_xlabel("share missing of each modality", labelpad=1)
