"""The common style of the figures: readable in grey, colour-blind safe, reproducible.

Colours are those of Okabe and Ito (Color Universal Design, 2008). Series also differ by
marker, line or hatch, so colour is never needed.
"""

import math
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd

matplotlib.use("Agg")  # no display is needed

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from spcl.errors import printable
from spcl.report.drawing.lettering import FONT, drawable
from spcl.tables.parquet import write_atomically

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY = "#8C8C8C"
SIMULATED = "#B00020"
NARROWEST = 5.2
"""Inches that the text above and below the panels needs."""

_RC: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8,
    "figure.dpi": 100,
    "font.family": FONT,
    "font.size": 8,
    "grid.color": "#E2E2E2",
    "grid.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "savefig.dpi": 200,
    "svg.fonttype": "path",  # letters as outlines, so the file needs no font
    "text.parse_math": False,  # a $ in a name is not a formula
    "text.hinting": "none",  # otherwise text is wider in the file than when it was measured
    "svg.hashsalt": "spcl",  # the same ids, so the same bytes, in every run
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
}


@dataclass(frozen=True)
class Series:
    """How one series looks."""

    color: str
    marker: str
    line: str | tuple[int, tuple[int, ...]]
    hatch: str


_SERIES = (
    Series(BLACK, "o", "-", ""),
    Series(BLUE, "s", "-", "////"),
    Series(ORANGE, "^", (0, (5, 2)), "...."),
    Series(GREEN, "D", (0, (1, 1)), "xxxx"),
    Series(PURPLE, "v", (0, (5, 1, 1, 1)), "----"),
    Series(VERMILION, "P", (0, (3, 1, 1, 1, 1, 1)), "||||"),
    Series(SKY, "X", (0, (8, 2)), "\\\\\\\\"),
    Series(YELLOW, "*", (0, (2, 3)), "oooo"),
)


def series(names: Sequence[str]) -> dict[str, Series]:
    """Give each name a style, in order; from the ninth on styles repeat."""
    return {name: _SERIES[index % len(_SERIES)] for index, name in enumerate(names)}


def pale(color: str) -> tuple[float, float, float]:
    """A pale version of the colour, as background for hatches and lines."""
    red, green, blue = to_rgb(color)
    return 0.5 + red / 2, 0.5 + green / 2, 0.5 + blue / 2


@contextmanager
def look() -> Iterator[None]:
    """Use the common settings inside the context, and close all figures at its end."""
    with matplotlib.rc_context(_RC):
        try:
            yield
        finally:
            plt.close("all")


def offsets(n: int, *, step: float = 0.2) -> list[float]:
    """Offsets of n series side by side around a whole number, `step` apart or less."""
    step = min(step, 0.74 / max(n - 1, 1))
    return [step * (index - (n - 1) / 2) for index in range(n)]


def draw_intervals(
    axes: Axes,
    x: Sequence[float],
    rows: pd.DataFrame,
    look: Series,
    label: str,
    *,
    hollow: bool = False,
    size: float = 4.8,
) -> None:
    """A mark at each ``value``, with a bar from ``low`` to ``high`` where they are known.

    `size` of the marks is in points.
    """
    axes.vlines(x, rows["low"], rows["high"], color="#555555", linewidth=1)
    axes.plot(
        x,
        rows["value"],
        linestyle="none",
        marker=look.marker,
        color=look.color,
        markersize=size,
        markeredgecolor="black",
        markeredgewidth=0.5,
        markerfacecolor="white" if hollow else look.color,
        label=label,
    )


def categories(axes: Axes, names: Sequence[str]) -> None:
    """Names along the x axis, at 0, 1, ..., with lines between them."""
    for edge in range(1, len(names)):
        axes.axvline(edge - 0.5, color="#E2E2E2", linewidth=0.6)
    axes.set_xticks(range(len(names)), names)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.grid(axis="x", visible=False)
    axes.tick_params(axis="x", length=0)


def row_title(axes: Axes, words: str) -> None:
    """Head a row of panels, above the title of its first one."""
    place = axes.get_subplotspec()
    if place is None or place.get_gridspec().ncols == 1:
        axes.set_title(f"{words}\n", loc="left", fontsize=9)
        return
    # The words may reach over the next panels: only their height takes room.
    title = axes.set_title(" \n", loc="left", fontsize=9)
    above = axes.annotate(words, (0, 1), xycoords=title, fontsize=9, va="top")
    above.set_in_layout(False)


def headline(figure: Figure, title: str, caption: str, simulated: Sequence[str]) -> None:
    """Put title, warning (in red) and legend at the top, the caption at the bottom.

    A figure of few panels is widened to `NARROWEST`. There is one legend for all panels, unless a
    panel has its own. The room that they take is fixed in inches, so the panels keep theirs at
    every size.
    """
    width, height = figure.get_size_inches()
    width = max(width, NARROWEST)
    figure.set_size_inches(width, height)
    x, top = 0.1 / width, 0.08
    figure.text(x, 1 - top / height, drawable(title), fontsize=11, fontweight="bold", va="top")
    top += 0.25
    if simulated:
        says = drawable(f"Simulated data ({', '.join(simulated)}): no real recordings.")
        red: dict[str, Any] = {"color": SIMULATED, "fontsize": 9, "fontweight": "bold"}
        figure.text(x, 1 - top / height, says, va="top", **red)
        top += 0.21
    handles = {
        label: handle
        for axes in figure.axes
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    if handles and not any(axes.get_legend() for axes in figure.axes):
        n_rows = math.ceil(sum(0.5 + 0.07 * len(label) for label in handles) / width)
        columns = math.ceil(len(handles) / n_rows)
        figure.legend(
            list(handles.values()),
            list(handles),
            loc="upper left",
            bbox_to_anchor=(0.02 / width, 1 - (top - 0.04) / height),
            ncols=columns,
        ).set_in_layout(False)
        top += 0.06 + 0.19 * n_rows
    lines = textwrap.wrap(drawable(caption), int(width * 16.5))
    figure.text(x, 0.06 / height, "\n".join(lines), fontsize=7.5, color="#444444", va="bottom")
    bottom = 0.15 + 0.13 * len(lines)
    room = (0, bottom / height, 1, 1 - (top + bottom) / height)
    figure.set_layout_engine("constrained", rect=room)
    _settle(figure)


def _settle(figure: Figure) -> None:
    """Lay the panels out once and for all.

    The solver's last digits differ from run to run; rounded, they give the same bytes.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        x, y, width, height = (round(float(value), 5) for value in axes.get_position().bounds)
        axes.set_position((x, y, width, height))


def no_data(why: str) -> Figure:
    """An empty figure with the reason."""
    figure = plt.figure(figsize=(6, 2), layout="constrained")
    figure.text(0.5, 0.5, textwrap.fill(why, 80), ha="center", va="center", fontsize=10)
    return figure


def save(figure: Figure, *, svg: str | Path, png: str | Path, title: str, caption: str) -> None:
    """Write both files; the same figure gives the same bytes."""
    says = {"Title": printable(title), "Description": printable(caption)}
    for path, metadata in (
        (Path(svg), says | {"Date": None, "Creator": None}),
        (Path(png), says | {"Software": None}),
    ):
        kind = path.suffix[1:]

        def write(temporary: Path, kind: str = kind, metadata: dict = metadata) -> None:
            figure.savefig(temporary, format=kind, metadata=metadata)

        write_atomically(path, write)
