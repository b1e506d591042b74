"""The confidence of every joint answer on test, and whether the answer is right."""

import numpy as np
import pandas as pd
import pyarrow as pa

from spcl.report.analysis.results import Results
from spcl.tables import parquet
from spcl.tables.schemas import CELL_KEY

_COLUMNS = (*CELL_KEY, "seed", "confidence", "right")


def answers_on_test(results: Results) -> pd.DataFrame:
    """The answers to the labelled test utterances; empty without predictions.

    Returns
    -------
    DataFrame
        The columns of a cell, ``seed``, ``confidence`` (probability of the answer, 0..1; NaN where
        the training diverged in its first epoch), ``right`` (bool).
    """
    predictions = results.predictions
    if not len(predictions):
        return pd.DataFrame({name: [] for name in _COLUMNS})
    by_file = [_confidence(t) for t in results.columns("predictions", ("probabilities",))]
    rows = predictions.assign(confidence=np.concatenate(by_file))
    rows = rows[(rows["split"] == "test") & rows["emotion"].notna()]
    # Categoricals are comparable only if they have the same categories.
    answer = rows["predicted"].cat.set_categories(rows["emotion"].cat.categories)
    return rows.assign(right=answer == rows["emotion"])[list(_COLUMNS)]


def _confidence(table: pa.Table) -> np.ndarray:
    """(N,) the largest probability of each row, which is that of the answer."""
    labels = parquet.metadata(table)["labels"]
    flat = table["probabilities"].combine_chunks().flatten().to_numpy()
    largest: np.ndarray = flat.reshape(-1, len(labels)).astype(float).max(1)
    return largest
