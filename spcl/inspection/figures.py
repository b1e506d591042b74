"""Figures of a corpus: dialogue lengths, classes, emotion shifts."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spcl.data.counts import UNLABELLED
from spcl.inspection import facts
from spcl.inspection.find import Found
from spcl.inspection.paste import name
from spcl.report.drawing import lettering, style

_MOST_BARS = 40

_Draw = Callable[[pd.DataFrame, Sequence[str]], Figure]


def plot(found: Found, folder: Path) -> list[Path]:
    """Draw every figure into `folder`, as SVG and PNG.

    Returns the paths of the files.
    """
    names = lettering.drawable_names(found.reading.labels)
    rows = facts.frame(found.reading.utterances)
    rows["emotion"] = rows["emotion"].map(names)
    simulated = [name(found)] if found.simulated else []
    written = []
    for stem, (draw, title, caption) in _FIGURES.items():
        title = f"{name(found)}: {title}"
        svg, png = folder / f"{stem}.svg", folder / f"{stem}.png"
        with style.look():
            figure = draw(rows, list(names.values()))
            if not figure.axes:  # it shows why it is empty
                caption = ""
            style.headline(figure, title, caption, simulated)
            style.save(figure, svg=svg, png=png, title=title, caption=caption)
        written += [svg, png]
    return written


def draw_lengths(rows: pd.DataFrame, labels: Sequence[str]) -> Figure:
    """Histogram of dialogue lengths, a panel for each split."""
    dialogues = facts.lengths(rows)
    splits = facts.splits(rows)
    width = int(np.ceil(dialogues["utterances"].max() / _MOST_BARS))
    figure, panels = plt.subplots(
        1, len(splits), figsize=(1.2 + 2.6 * len(splits), 3.0), sharex=True, squeeze=False
    )
    edges = np.arange(0.5, dialogues["utterances"].max() + width + 0.5, width)
    for split, axes in zip(splits, panels[0], strict=True):
        n = dialogues.loc[dialogues["split"] == split, "utterances"]
        axes.hist(n, edges, color=style.pale(style.BLUE), edgecolor="black", linewidth=0.5)
        axes.axvline(n.median(), color="black", linestyle=(0, (4, 2)), linewidth=1.4)
        axes.set_title(f"{split}: n = {len(n):,}, median {n.median():g}")
        axes.set_xlabel("Utterances")
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlim(0, max(edges[-1] + 0.5, 6))
        axes.grid(axis="x", visible=False)
    panels[0, 0].set_ylabel("Dialogues" if width == 1 else f"Dialogues, {width} lengths per bar")
    return figure


def draw_classes(rows: pd.DataFrame, labels: Sequence[str]) -> Figure:
    """Share of each class in each split, with the number of utterances."""
    counts = facts.classes(rows, labels)
    counts.index = [*labels, UNLABELLED]
    if not counts.iloc[-1].any():
        counts = counts.iloc[:-1]
    looks = style.series(list(counts.columns))
    figure, axes = plt.subplots(figsize=(max(5.0, 1.6 + 1.05 * len(counts)), 3.6))
    offsets = style.offsets(len(counts.columns))
    for split, offset in zip(counts.columns, offsets, strict=True):
        n, total = counts[split].to_numpy(), counts[split].sum()
        x = np.arange(len(n)) + offset
        label = f"{split} (n = {total:,})"
        _bars(axes, x, 100 * n / total, [f"{one:,}" for one in n], looks[split], label, 0.2)
    axes.margins(y=0.18)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("Share of the split's utterances (%)")
    style.categories(axes, list(counts.index))
    return figure


def draw_shifts(rows: pd.DataFrame, labels: Sequence[str]) -> Figure:
    """Transition matrix of labels, and the rate of emotion shifts."""
    pairs = facts.shifts(rows)
    if not len(pairs):
        return style.no_data("No dialogue has two labelled utterances: there are no shifts.")
    size = 1.4 + 0.5 * max(len(labels), 5)
    figure, (matrix, rates) = plt.subplots(
        1, 2, figsize=(size + 4.2, max(3.6, size)), width_ratios=(size, 3.2)
    )
    _matrix(matrix, facts.transitions(pairs, labels), labels)
    matrix.set_title(f"From row to column, in % (n = {len(pairs):,})", loc="left")
    _rates(rates, rows)
    return figure


def _matrix(axes: Axes, counts: np.ndarray, labels: Sequence[str]) -> None:
    """Transitions in percent of each row; dark = frequent."""
    totals = counts.sum(axis=1)
    share = 100 * counts / np.maximum(totals, 1)[:, None]
    axes.imshow(share, cmap="Greys", vmin=0, vmax=100, aspect="auto")
    for (row, column), value in np.ndenumerate(share):
        if totals[row]:
            color = "white" if value > 55 else "black"
            axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=color)
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right", rotation_mode="anchor")
    names = [f"{label} (n = {total:,})" for label, total in zip(labels, totals, strict=True)]
    axes.set_yticks(range(len(labels)), names)
    axes.grid(visible=False)
    axes.spines[:].set_visible(True)


def _rates(axes: Axes, rows: pd.DataFrame) -> None:
    """The share of shifts in each split."""
    splits = facts.splits(rows)
    kinds = {"any speaker": False, "the same speaker": True}
    looks = style.series(list(kinds))
    for (kind, within), offset in zip(kinds.items(), (-0.19, 0.19), strict=True):
        pairs = facts.shifts(rows, within_speaker=within)
        by_split = [pairs[pairs["split"] == split] for split in splits]
        x = np.arange(len(splits)) + offset
        share = np.array([100 * facts.shift_rate(one) for one in by_split])
        over = [f"n = {len(one):,}" for one in by_split]
        _bars(axes, x, np.nan_to_num(share), over, looks[kind], kind, 0.36)
    axes.set_ylim(0, 100)
    axes.set_ylabel("Pairs whose emotions differ (%)")
    axes.set_title("Emotion shifts", loc="left")
    style.categories(axes, splits)


def _bars(
    axes: Axes,
    x: np.ndarray,
    heights: np.ndarray,
    over: Sequence[str],
    look: style.Series,
    label: str,
    width: float,
) -> None:
    """Bars with the vertical text `over` above them."""
    color = style.pale(look.color)
    bars = axes.bar(
        x, heights, width, color=color, hatch=look.hatch, ec="black", lw=0.6, label=label
    )
    axes.bar_label(bars, over, padding=2, rotation=90, fontsize=6.5)


_FIGURES: dict[str, tuple[_Draw, str, str]] = {
    "lengths": (
        draw_lengths,
        "dialogue lengths",
        "Utterances per dialogue, labelled or not. Dashed line: median.",
    ),
    "classes": (
        draw_classes,
        "class frequencies",
        "Share of each split's utterances. Above each bar: number of utterances.",
    ),
    "shifts": (
        draw_shifts,
        "emotion shifts",
        "Pairs of successive labelled utterances in a dialogue; unlabelled ones are skipped."
        " Left: each row sums to 100 %. Right: pairs with two different emotions, of any speakers"
        " and of the same speaker. Above each bar: number of pairs.",
    ),
}
