"""Result tables, one a module, found by name.

A table's module has

==================  ==============================================================
``TITLE``           a few words
``SCHEMA``          the columns of its Parquet file; `spcl.report.columns` has the
                    ones that several tables share
``compute``         ``(results) -> DataFrame`` with these columns
``caption``         ``(data) -> str``: what is measured over what, in which unit
``panels``          ``(data, results) -> Panels``: the data as readers see it, laid
                    out with `spcl.report.fields`
``notes``           ``(data, results) -> strings``: explanations of gaps; those of
                    the signs in the panels are added
==================  ==============================================================

It is imported only when it is asked for, so that the code of one table is no part of another's
digest.
"""

import importlib
import pkgutil
from typing import TYPE_CHECKING

from spcl.errors import UserError

if TYPE_CHECKING:
    from spcl.report.analysis.results import Results
    from spcl.report.table import ResultTable


def tabulate(name: str, results: "Results", **options: float) -> "ResultTable":
    """Make the table `name` of `results`; its `compute` receives the `options`.

    Raises
    ------
    UserError
        There is no such table, or an input is damaged.
    """
    known = sorted(module.name for module in pkgutil.iter_modules(__path__))
    if name not in known:
        raise UserError(f"table '{name}': no such table; choose one of {', '.join(known)}")
    from spcl.report import footnotes
    from spcl.report.table import ResultTable

    table = importlib.import_module(f"{__name__}.{name}")
    data = table.compute(results, **options)
    panels = tuple(table.panels(data, results))
    return ResultTable(
        name=name,
        title=table.TITLE,
        caption=table.caption(data),
        data=data,
        schema=table.SCHEMA,
        panels=panels,
        notes=(
            *footnotes.explained(panels),
            *table.notes(data, results),
            *footnotes.class_rules(results),
        ),
        simulated=results.simulated,
    )
