"""Differences with their intervals: a row of panels a corpus, a column a baseline."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from spcl.comparison.terminal import is_loud
from spcl.report import footnotes
from spcl.report.analysis.scores import NONE
from spcl.report.drawing import lettering, style
from spcl.report.table import ResultTable, write_frame
from spcl.tables.parquet import Column, Schema

_TEXT, _REAL, _COUNT = pa.string(), pa.float64(), pa.int32()

SCHEMA = Schema(
    "comparison figure",
    (
        Column("dataset", _TEXT, "row of panels"),
        Column("baseline", _TEXT, "column of panels"),
        Column("modalities", _TEXT, "place on the x axis"),
        Column("curriculum", _TEXT, "mark"),
        Column("source", _TEXT, "who published the other score; null between two runs", True),
        Column("value", _REAL, "difference in weighted F1, points"),
        Column("low", _REAL, "95 % interval, points", True),
        Column("high", _REAL, "its upper end, points", True),
        Column("n_seeds", _COUNT, "seeds that it is taken over; of the side with fewer"),
        Column("n_dialogues", _COUNT, "labelled test dialogues; 0 = not known"),
    ),
    key=("dataset", "baseline", "modalities", "curriculum", "source"),
)


def of_runs(data: pd.DataFrame) -> pd.DataFrame:
    """The figure's table from that of `spcl.comparison.cells.compare`."""
    paired = data["n_paired_seeds"]
    fewer = data[["n_seeds_a", "n_seeds_b"]].min(axis=1)
    return _table(data.assign(source=None, n_seeds=paired.where(paired > 0, fewer)))


def of_published(data: pd.DataFrame) -> pd.DataFrame:
    """The figure's table from that of `spcl.comparison.published_table`."""
    return _table(data)


def _table(data: pd.DataFrame) -> pd.DataFrame:
    renamed = data.rename(
        columns={"difference": "value", "difference_low": "low", "difference_high": "high"}
    )
    shown = renamed.loc[renamed["value"].notna(), [column.name for column in SCHEMA.columns]]
    return shown.astype({"value": float, "low": float, "high": float}).reset_index(drop=True)


def plot(
    data: pd.DataFrame, table: ResultTable, folder: Path, *, axis: str, names: str
) -> list[Path]:
    """Write ``differences.parquet`` and, drawn from it, ``differences.svg`` and ``.png``.

    Parameters
    ----------
    data
        What `of_runs` or `of_published` gives.
    table
        That whose differences they are; the figure takes over its title and warnings.
    folder
        Where to.
    axis
        What minus what.
    names
        A sentence that says what these are.

    Returns
    -------
    list of Path
        The files.
    """
    files = [folder / f"differences.{ext}" for ext in ("parquet", "svg", "png")]
    title, simulated = table.title, table.simulated
    caption = (
        f"{names} Mean over seeds and 95 % bootstrap interval over dialogues and seeds. A missing"
        " mark is a cell that cannot be compared, a missing bar missing predictions or no"
        " difference at all."
    )
    caption = " ".join([caption, *(note for note in table.notes if is_loud(note))])
    write_frame(data, files[0], SCHEMA, caption=caption, simulated=list(simulated))
    with style.look():
        drawn = draw(lettering.with_drawable_names(data), axis)
        width, height = drawn.get_size_inches()
        lines = len(caption) / (16 * max(width, style.NARROWEST))
        drawn.set_size_inches(width, height + 0.13 * lines)  # a long caption takes no panel's room
        style.headline(drawn, title, caption if len(data) else "", simulated)
        style.save(drawn, svg=files[1], png=files[2], title=title, caption=caption)
    return files


def draw(data: pd.DataFrame, axis: str) -> Figure:
    """See the module; `axis` says what minus what."""
    if not len(data):
        return style.no_data("No cell can be compared; the table says why.")
    datasets, baselines, modalities, curricula = (
        list(dict.fromkeys(data[name]))
        for name in ("dataset", "baseline", "modalities", "curriculum")
    )
    looks = style.series(curricula)
    width = max(2.3, 0.085 * len(modalities) * len(curricula) + 0.5)
    figure, panels = plt.subplots(
        len(datasets),
        len(baselines),
        figsize=(0.8 + width * len(baselines), 1.2 + 2.1 * len(datasets)),
        sharey="row",
        squeeze=False,
    )
    for dataset, of_row in zip(datasets, panels, strict=True):
        shown = data[data["dataset"] == dataset]
        for baseline, axes in zip(baselines, of_row, strict=True):
            of_panel = shown[shown["baseline"] == baseline]
            for name, offset in zip(curricula, style.offsets(len(curricula)), strict=True):
                rows = of_panel[of_panel["curriculum"] == name]
                x = [modalities.index(one) + offset for one in rows["modalities"]]
                style.draw_intervals(axes, x, rows, looks[name], name, hollow=name == NONE)
            style.categories(axes, modalities)
            axes.axhline(0, color="black", linewidth=0.8)
            axes.set_title(baseline, fontweight="bold")
        of_row[0].set_ylabel(f"{axis}\n(points of W-F1)")
        dialogues = shown["n_dialogues"].max()
        counts = f", {dialogues:,} test dialogues" if dialogues else ""
        seeds = footnotes.seeds_in_words(shown["n_seeds"])
        style.row_title(of_row[0], f"{dataset}: n = {seeds}{counts}")
    return figure
