"""The main table, fold by fold: how much a corpus' numbers depend on the session left out."""

from dataclasses import replace

from spcl.report.analysis.results import Results
from spcl.report.table import ResultTable
from spcl.report.tables import main

SCHEMA = main.SCHEMA


def make(results: Results) -> ResultTable:
    """Make the table; its columns are those of `spcl.report.tables.main.SCHEMA`.

    `results` are those of the folds. The other tables score all folds of a corpus as one.
    """
    table = main.make(results)
    few = "A fold has few dialogues. Conclusions are drawn from the corpus as a whole, table main."
    return replace(
        table, name="folds", title="Main results, fold by fold", notes=(few, *table.notes)
    )
