"""Canonical tables as NumPy arrays, row for row."""

import numpy as np
import pyarrow as pa

from spcl.tables.parquet import metadata


def strings(table: pa.Table, column: str) -> np.ndarray:
    """A string column as an (N,) array of objects, None where null."""
    return np.asarray(table[column].cast(pa.string()).to_pylist(), dtype=object)


def label_indices(utterances: pa.Table) -> np.ndarray:
    """(N,) int64: the index of each emotion in the corpus' label order, -1 = unlabelled."""
    place = {name: index for index, name in enumerate(metadata(utterances)["labels"])}
    return np.array([place.get(name, -1) for name in strings(utterances, "emotion")], np.int64)


def feature_matrix(features: pa.Table, utterance_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features in the order of `utterance_ids`, which may name rows that the table lacks.

    Returns
    -------
    (N, D) float32
        0 where not observed.
    (N,) bool
        Whether the modality was observed.
    """
    column = features["features"].combine_chunks()
    width = column.type.list_size
    values = np.zeros((len(features) + 1, width), np.float32)  # the last row: an absent utterance
    values[:-1] = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)
    observed = np.append(features["observed"].to_numpy(zero_copy_only=False), False).astype(bool)
    row = {name: index for index, name in enumerate(features["utterance_id"].to_pylist())}
    rows = np.array([row.get(name, -1) for name in utterance_ids], np.int64)
    found, seen = values[rows], observed[rows]
    found[~seen] = 0
    return found, seen
