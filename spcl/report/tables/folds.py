"""The main table fold by fold: how much the scores of a corpus depend on the held-out session.

The results given are those of the folds. The other tables score all folds of a corpus as one.
"""

from collections.abc import Iterator

import pandas as pd

from spcl.report.analysis.results import Results
from spcl.report.tables import main
from spcl.report.tables.main import SCHEMA, caption, compute, panels

__all__ = ["SCHEMA", "TITLE", "caption", "compute", "notes", "panels"]

TITLE = "Main results, fold by fold"


def notes(data: pd.DataFrame, results: Results) -> Iterator[str]:
    yield "A fold has few dialogues. Conclusions are drawn from the corpus as a whole, table main."
    yield from main.notes(data, results)
