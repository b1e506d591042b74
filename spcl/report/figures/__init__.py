"""Figures, one a module, found by name.

A figure's module has ``SCHEMA``, ``TITLE``, ``CAPTION``, ``compute(results) -> DataFrame`` and
``draw(data) -> Figure``, which sees nothing but that table. It is imported only when it is asked
for, so that the code of one figure is no part of another's digest.
"""

import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING

from spcl.errors import UserError

if TYPE_CHECKING:
    from spcl.report.analysis.results import Results


def plot(
    name: str, results: "Results", *, parquet: str | Path, svg: str | Path, png: str | Path
) -> None:
    """Compute the table of the figure `name`, write it, and draw the figure from it alone.

    Raises
    ------
    UserError
        There is no such figure, or an input is damaged.
    """
    known = sorted(module.name for module in pkgutil.iter_modules(__path__))
    if name not in known:
        raise UserError(f"figure '{name}': no such figure; choose one of {', '.join(known)}")
    from spcl.report import footnotes
    from spcl.report.drawing import lettering, style
    from spcl.report.table import write_frame

    figure = importlib.import_module(f"{__name__}.{name}")
    data = figure.compute(results)[[column.name for column in figure.SCHEMA.columns]]
    simulated = list(dict.fromkeys(data.loc[data["simulated"].astype(bool), "dataset"]))
    caption = " ".join([figure.CAPTION, *footnotes.class_rules(results)])
    with style.look():
        drawn = figure.draw(lettering.with_drawable_names(data))
        style.headline(drawn, figure.TITLE, caption, simulated)
        style.save(drawn, svg=svg, png=png, title=figure.TITLE, caption=caption)
    write_frame(data, parquet, figure.SCHEMA, caption=caption, simulated=simulated)
