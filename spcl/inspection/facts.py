"""Statistics of a corpus."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spcl.data.checks import constant_columns
from spcl.data.records import Features, Utterance
from spcl.tables.schemas import SPLITS

NO_SPLIT = "no split"
"""The name of the split of dialogues without one."""


def frame(utterances: Sequence[Utterance]) -> pd.DataFrame:
    """The utterances as N rows in dialogue order, with the attributes of `Utterance` as columns."""
    rows = pd.DataFrame(
        {
            field.name: pd.Series([getattr(u, field.name) for u in utterances], dtype=object)
            for field in dataclasses.fields(Utterance)
        }
    )
    rows["split"] = [split or NO_SPLIT for split in rows["split"]]
    return rows


def splits(rows: pd.DataFrame) -> list[str]:
    """The splits of the corpus, in the usual order."""
    present = set(rows["split"])
    return [split for split in (*SPLITS, NO_SPLIT) if split in present]


def sizes(rows: pd.DataFrame) -> pd.DataFrame:
    """The number of ``dialogues``, ``utterances`` and ``speakers`` (columns) of each split.

    A speaker counts once in each split.
    """
    by_split = rows.groupby("split", sort=False)
    table = pd.DataFrame(
        {
            "dialogues": by_split["dialogue_id"].nunique(),
            "utterances": by_split.size(),
            "speakers": by_split["speaker"].nunique(),
        }
    )
    return table.reindex(splits(rows))


def classes(rows: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """The number of utterances of each label (rows, in order; ``None`` last) in each split."""
    table = {}
    for split in splits(rows):
        emotions = rows.loc[rows["split"] == split, "emotion"]
        table[split] = [*((emotions == label).sum() for label in labels), emotions.isna().sum()]
    return pd.DataFrame(table, index=pd.Index([*labels, None], dtype=object))


def lengths(rows: pd.DataFrame) -> pd.DataFrame:
    """By dialogue: its ``split``, number of ``utterances`` and of ``speakers``."""
    dialogues = rows.groupby("dialogue_id", sort=False)
    return pd.DataFrame(
        {
            "split": dialogues["split"].first(),
            "utterances": dialogues.size(),
            "speakers": dialogues["speaker"].nunique(),
        }
    )


def shifts(rows: pd.DataFrame, *, within_speaker: bool = False) -> pd.DataFrame:
    """The pairs of successive labelled utterances in a dialogue.

    Parameters
    ----------
    rows
        Of `frame`.
    within_speaker
        Pairs of successive utterances of one speaker.

    Returns
    -------
    pandas.DataFrame
        For each pair its ``split``, the label ``before`` and the label ``after``.
    """
    labelled = rows[rows["emotion"].notna()]
    group = ["dialogue_id", "speaker"] if within_speaker else ["dialogue_id"]
    before = labelled.groupby(group, sort=False)["emotion"].shift()
    pairs = labelled.assign(before=before, after=labelled["emotion"])[before.notna()]
    return pairs[["split", "before", "after"]]


def shift_rate(pairs: pd.DataFrame) -> float:
    """The share of pairs with two different labels, 0 to 1; NaN without pairs."""
    return float((pairs["before"] != pairs["after"]).mean()) if len(pairs) else float("nan")


def transitions(pairs: pd.DataFrame, labels: Sequence[str]) -> np.ndarray:
    """(C, C): how often label j (column) follows label i (row)."""
    counts = pd.crosstab(pairs["before"], pairs["after"])
    return counts.reindex(index=list(labels), columns=list(labels), fill_value=0).to_numpy()


@dataclass(frozen=True)
class FeatureFacts:
    """Statistics of the features of one modality.

    Attributes
    ----------
    width
        D.
    missing
        Rows that are not observed.
    zero
        Observed rows of zeros only, which some preprocessing writes for missing vectors.
    constant
        Columns with the same value in all observed rows.
    low, high, mean, deviation
        Over all numbers of the observed rows; NaN if there are none.
    """

    width: int
    missing: int
    zero: int
    constant: int
    low: float
    high: float
    mean: float
    deviation: float


def feature_facts(features: Features) -> FeatureFacts:
    """Describe the features of one modality."""
    rows = features.values[features.observed].astype(np.float64)
    nothing = not len(rows)
    return FeatureFacts(
        width=features.values.shape[1],
        missing=int((~features.observed).sum()),
        zero=int((rows == 0).all(axis=1).sum()),
        constant=constant_columns(features) if len(rows) > 1 else 0,
        low=np.nan if nothing else float(rows.min()),
        high=np.nan if nothing else float(rows.max()),
        mean=np.nan if nothing else float(rows.mean()),
        deviation=np.nan if nothing else float(rows.std()),
    )
