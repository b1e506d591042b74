"""Result tables, one a module, found by name.

A table's module has ``SCHEMA`` and ``make(results) -> ResultTable``. It is imported only when it is
asked for, so that the code of one table is no part of another's digest.
"""

import importlib
import pkgutil
from typing import TYPE_CHECKING

from spcl.errors import UserError

if TYPE_CHECKING:
    from spcl.report.analysis.results import Results
    from spcl.report.table import ResultTable


def tabulate(name: str, results: "Results") -> "ResultTable":
    """Make the table `name` of `results`.

    Raises
    ------
    UserError
        There is no such table, or an input is damaged.
    """
    known = sorted(module.name for module in pkgutil.iter_modules(__path__))
    if name not in known:
        raise UserError(f"table '{name}': no such table; choose one of {', '.join(known)}")
    table: ResultTable = importlib.import_module(f"{__name__}.{name}").make(results)
    return table
