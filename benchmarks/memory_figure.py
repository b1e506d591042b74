"""The memory of a step against utterances and against squared dialogue lengths, as one figure."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt

from benchmarks.memory import by_case, slopes
from spcl.report.drawing.style import headline, look, save, series

TITLE = "Memory of a training step"
PANELS = {"utterances": "utterances", "squared_lengths": "sum of squared dialogue lengths"}


def draw(rows: Sequence[dict[str, Any]], folder: Path) -> None:
    """Write ``memory.svg`` and ``memory.png``.

    Parameters
    ----------
    rows
        Of `benchmarks.memory`; batches of 8, 32, 128 and 512 dialogues.
    folder
        Created where it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cases = by_case(rows)
    looks = series(sorted({baseline for _, baseline in cases}))
    caption = (
        "Bytes of tensors beyond weights, gradients and the batch, at 8, 32, 128 and 512 dialogues"
        " drawn with replacement, modalities atv. Numbers are slopes: 1 grows in proportion, and"
        " the square of the batch would be 2. Solid: lengths as in IEMOCAP; hollow: as in MELD."
    )
    with look():
        figure, panels = plt.subplots(1, len(PANELS), figsize=(7.6, 3.6), sharey=True)
        for axes, (against, words) in zip(panels, PANELS.items(), strict=True):
            for (shape, baseline), found in cases.items():
                own = looks[baseline]
                axes.loglog(
                    [row[against] for row in found],
                    [row["bytes"] / 2**20 for row in found],
                    color=own.color,
                    marker=own.marker,
                    markersize=4.5,
                    markerfacecolor=own.color if shape == "iemocap" else "white",
                    linestyle=own.line,
                    label=baseline,
                )
            axes.set_xlabel(words)
            axes.text(
                0.03, 0.97, _legend(cases, against), transform=axes.transAxes, va="top",
                fontsize=6.5, family="DejaVu Sans Mono",
            )  # fmt: skip
        panels[0].set_ylabel("MiB")
        headline(figure, TITLE, caption, [])
        files = {kind: folder / f"memory.{kind}" for kind in ("svg", "png")}
        save(figure, **files, title=TITLE, caption=caption)


def _legend(cases: dict[tuple[str, str], list[dict[str, Any]]], against: str) -> str:
    """The slopes, a line a baseline and shape."""
    return "\n".join(
        f"{slopes(found)[against]:.2f} {baseline}, {shape}"
        for (shape, baseline), found in sorted(cases.items())
    )
