"""Features of each corpus and modality: projection by emotion and by speaker, and norms."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spcl.report.analysis.feature_space import feature_spaces
from spcl.report.analysis.results import Results
from spcl.report.columns import COUNT, REAL, SIMULATED, TEXT
from spcl.report.drawing import style
from spcl.report.panels import signed
from spcl.report.table import frame_of
from spcl.report.tables import features as table
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import MODALITIES

TITLE = "What the features hold: emotion or speaker"
CAPTION = (
    "Each point is one of at most 2,000 observed labelled utterances of all splits, evenly spaced"
    " in the corpus. Left and middle are the same points, by emotion and by speaker: the first two"
    " principal components of the standardised features (with one feature, a line for each group)."
    " The eight most frequent emotions and speakers of a corpus have colours, the others are grey."
    " Silhouette: mean over these utterances, in the first 50 principal components; 1 = compact"
    " groups far apart, 0 = groups that overlap, below 0 = nearer to another group; chance = the"
    " same for random groups of the same sizes, which is lower for more groups. Right:"
    " Euclidean norms of all observed vectors, as extracted; % = share of the corpus' utterances"
    " that are observed."
)


_KEY = ("dataset", "modality")
_OF_NUMBERS = [c for c in table.SCHEMA.columns if c.name not in (*_KEY, "simulated")]

SCHEMA = Schema(
    "features figure",
    (
        Column("dataset", TEXT, "block of rows of panels"),
        Column("modality", TEXT, "row of panels: a, t or v"),
        Column("part", TEXT, "numbers (of the titles), utterance (a point) or norm (a bar)"),
        *(replace(column, nullable=True) for column in _OF_NUMBERS),
        Column("explained_x", REAL, "share of the variance in x, %; of numbers", True),
        Column("explained_y", REAL, "share of the variance in y, %; of numbers", True),
        Column("row", COUNT, "of the utterance in the table of utterances, from 0", True),
        Column("x", REAL, "first principal component; null = all vectors are equal", True),
        Column("y", REAL, "second principal component; null = there is none", True),
        Column("emotion", TEXT, "of the utterance", True),
        Column("speaker", TEXT, "a name for each person; null = unknown", True),
        Column("low", REAL, "lower end of the norms of a bar", True),
        Column("high", REAL, "upper end of the norms of a bar", True),
        Column("n", COUNT, "observed utterances of a bar", True),
        SIMULATED,
    ),
    key=(*_KEY, "part", "row", "low"),
)

_N_COLOURS = 8
_OTHERS = style.Series(style.GREY, "o", "-", "")
_N_BARS = 31  # odd, so that equal norms are in one bar


def compute(results: Results) -> pd.DataFrame:
    """The figure's table; see `SCHEMA`."""
    rows = []
    for space in feature_spaces(results):
        numbers = table.row(space, results)
        key = {name: numbers[name] for name in (*_KEY, "simulated")}
        shares = [100 * share for share in space.explained]
        explained = dict(zip(("explained_x", "explained_y"), shares, strict=False))
        rows.append(numbers | explained | {"part": "numbers"})
        points = space.sample.to_dict("records")
        rows += [key | {"part": "utterance"} | {str(c): v for c, v in p.items()} for p in points]
        rows += [key | {"part": "norm"} | bar for bar in _bars(space.norms)]
    return frame_of(rows, SCHEMA)


def _bars(norms: np.ndarray) -> Iterator[dict[str, float]]:
    """A histogram. Norms that hardly differ, as of normalised vectors, are in its middle."""
    if not len(norms):
        return
    middle = (norms.min() + norms.max()) / 2
    half = max(np.ptp(norms) / 2, 0.05 * middle) or 0.5
    counts, edges = np.histogram(norms, _N_BARS, (middle - half, middle + half))
    for low, high, n in zip(edges, edges[1:], counts, strict=False):
        yield {"low": low, "high": high, "n": n}


def draw(data: pd.DataFrame) -> Figure:
    """A row of three panels for each corpus and modality."""
    if not len(data):
        return style.no_data("There is nothing to show: no features were given.")
    numbers = data[data["part"] == "numbers"]
    figure, panels = plt.subplots(
        len(numbers), 3, figsize=(10.8, 1.4 + 2.25 * len(numbers)), squeeze=False
    )
    points, bars = (data[data["part"] == part] for part in ("utterance", "norm"))
    looks = {
        (dataset, group): _looks(rows[group])
        for dataset, rows in points.groupby("dataset", sort=False)
        for group in table.GROUPS
    }
    for (_, of_row), panel in zip(numbers.iterrows(), panels, strict=True):
        dataset, modality = key = tuple(of_row[name] for name in _KEY)
        for axes, group in zip(panel, table.GROUPS, strict=False):
            _projection(axes, _of(points, key), of_row, group, looks.get((dataset, group), {}))
        _norms(panel[2], _of(bars, key), of_row)
        style.row_title(
            panel[0],
            f"{dataset}, {MODALITIES[modality]}: {of_row['extractor']}, width"
            f" {of_row['width']:,.0f}, n = {of_row['n_sample']:,.0f} of"
            f" {of_row['n_utterances']:,.0f} utterances",
        )
    return figure


def _of(data: pd.DataFrame, key: tuple[str, ...]) -> pd.DataFrame:
    dataset, modality = key
    return data[(data["dataset"] == dataset) & (data["modality"] == modality)]


def _looks(names: pd.Series) -> dict[str, style.Series]:
    """The looks of the most frequent, in this order."""
    return style.series([name for name, _ in Counter(names.dropna()).most_common(_N_COLOURS)])


def _projection(
    axes: Axes, points: pd.DataFrame, numbers: pd.Series, group: str, looks: dict[str, style.Series]
) -> None:
    value, why = numbers[f"silhouette_{group}"], numbers[f"undefined_{group}"]
    chance = signed(numbers[f"chance_{group}"], 3).text
    said = f"silhouette {signed(value, 3).text} (chance {chance})"
    if pd.notna(why):
        said = f"no silhouette, {why}"
    axes.set_title(f"{group.capitalize()}: {said}", fontsize=7.5, fontweight="bold")
    axes.set_xticks([])
    axes.set_yticks([])
    points = points[points["x"].notna()]
    if not len(points):
        axes.text(0.5, 0.5, "no projection", ha="center", transform=axes.transAxes)
        return
    for place, (name, look) in enumerate(looks.items(), 1):
        _marks(axes, points[points[group] == name], place, look, name)
    label = "unknown" if points[group].isna().all() else "others"
    _marks(axes, points[~points[group].isin(looks)], 0, _OTHERS, label)
    axes.set_xlabel(f"Component 1 ({numbers['explained_x']:.0f} % of the variance)")
    if pd.notna(numbers["explained_y"]):
        axes.set_ylabel(f"Component 2 ({numbers['explained_y']:.0f} %)")
    axes.legend(
        loc="center left",
        bbox_to_anchor=(1, 0.5),
        fontsize=7,
        handletextpad=0.1,
        markerscale=1.6,
    )


def _marks(axes: Axes, points: pd.DataFrame, place: int, look: style.Series, label: str) -> None:
    """A mark a point; without a second component they are in a line at `place`."""
    if len(points):
        axes.plot(
            points["x"],
            points["y"].fillna(place),
            linestyle="none",
            marker=look.marker,
            color=look.color,
            markersize=2.6,
            markeredgewidth=0,
            alpha=0.75,
            zorder=1.9 if look is _OTHERS else 2,
            label=label,
        )


def _norms(axes: Axes, bars: pd.DataFrame, numbers: pd.Series) -> None:
    axes.set_title(f"Norms: {numbers['observed']:.1f} % observed", fontsize=7.5, fontweight="bold")
    if not len(bars):
        axes.set_axis_off()
        return
    width = bars["high"] - bars["low"]
    axes.bar(bars["low"], bars["n"], width, align="edge", color=style.GREY, edgecolor="white")
    axes.set_xlabel("Norm")
    axes.set_ylabel("Utterances")
