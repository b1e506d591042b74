"""Differences with their intervals: a row of panels a corpus, a column a baseline."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from spcl.comparison.terminal import is_loud
from spcl.report.columns import CELL, COUNT, N_DIALOGUES, REAL, TEXT, bounds
from spcl.report.drawing import grid, lettering, style
from spcl.report.table import ResultTable, write_frame
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY

SCHEMA = Schema(
    "comparison figure",
    (
        *CELL,
        Column("source", TEXT, "who published the other score; null between two runs", True),
        Column("value", REAL, "difference in weighted F1, points"),
        *bounds(),
        Column("n_seeds", COUNT, "seeds that it is taken over"),
        N_DIALOGUES,
    ),
    key=(*CELL_KEY, "source"),
)


def plot(table: ResultTable, folder: Path, *, axis: str, names: str) -> list[Path]:
    """Write ``differences.parquet`` and, drawn from it, ``differences.svg`` and ``.png``.

    Parameters
    ----------
    table
        That of `spcl.comparison.runs_table` or `published_table`; the figure shows its differences
        and takes its title and warnings.
    folder
        The folder for the files.
    axis
        What minus what.
    names
        A sentence that names the two sides.

    Returns
    -------
    list of Path
        The files.
    """
    data = _differences(table.data)
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
        drawn = _draw(lettering.with_drawable_names(data), axis)
        width, height = drawn.get_size_inches()
        lines = len(caption) / (16 * max(width, style.NARROWEST))
        drawn.set_size_inches(width, height + 0.13 * lines)  # a long caption takes no panel's room
        style.headline(drawn, title, caption if len(data) else "", simulated)
        style.save(drawn, svg=files[1], png=files[2], title=title, caption=caption)
    return files


def _differences(data: pd.DataFrame) -> pd.DataFrame:
    """The figure's table; between two runs the seeds are those that both have."""
    if "source" not in data:
        data = data.assign(source=None, n_seeds=data["n_paired_seeds"])
    shown = data.rename(
        columns={"difference": "value", "difference_low": "low", "difference_high": "high"}
    )[[column.name for column in SCHEMA.columns]]
    return shown[shown["value"].notna()].astype({"value": float, "low": float, "high": float})


def _draw(data: pd.DataFrame, axis: str) -> Figure:
    """Differences by modality set; `axis` says what minus what."""
    if not len(data):
        return style.no_data("No cell can be compared; the table gives the reasons.")
    labels = {name: name for name in dict.fromkeys(data["modalities"])}
    return grid.draw_differences(data, "modalities", [labels], f"{axis}\n(points of W-F1)")
