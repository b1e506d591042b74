"""The difficulty of conversations: emotion shifts, speakers, length, modality incoherence."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from spcl.tables.arrays import label_indices, strings
from spcl.tables.parquet import describe, metadata
from spcl.tables.schemas import CONVERSATION_DIFFICULTY


def score_conversations(
    utterances: pa.Table, scores: Mapping[str, pa.Table], *, dataset: str
) -> pa.Table:
    """Score every conversation of a corpus.

    Only labels of the training split are used. In other splits, columns that need labels are null.

    Parameters
    ----------
    utterances
        Schema `spcl.tables.schemas.UTTERANCES`.
    scores
        By modality, the result of `score_utterances`.
    dataset
        The value of the key column.

    Returns
    -------
    pyarrow.Table
        Schema `spcl.tables.schemas.CONVERSATION_DIFFICULTY`, in corpus order. ``shift_rate`` is
        the share of adjacent labelled utterances of any speakers with different emotions; null
        if there is no such pair. ``incoherence`` is the standard deviation (divisor M - 1) over the
        modalities of the summed out-of-fold probability of the true class; null with one modality.
    """
    rows = pd.DataFrame(
        {
            "dialogue_id": strings(utterances, "dialogue_id"),
            "split": strings(utterances, "split"),
            "speaker": strings(utterances, "speaker"),
            "position": utterances["position"].to_numpy(),
            "label": label_indices(utterances),
        }
    )
    dialogues = rows.groupby("dialogue_id", sort=False)
    table = pd.DataFrame(
        {
            "split": dialogues["split"].first(),
            "n_utterances": dialogues.size(),
            "n_speakers": dialogues["speaker"].nunique(),
        }
    )
    labelled = rows[(rows["label"] >= 0) & (rows["split"] == "train")]
    labelled = labelled.sort_values("position", kind="stable")
    table["shift_rate"] = _shift_rate(labelled, ["dialogue_id"])
    table["shift_rate_within_speaker"] = _shift_rate(labelled, ["dialogue_id", "speaker"])
    table["incoherence"] = _incoherence(scores)
    columns = table.reset_index().assign(dataset=dataset)
    return describe(
        CONVERSATION_DIFFICULTY.table(
            {name: pa.array(columns[name], from_pandas=True) for name in columns.columns}
        ),
        dataset=dataset,
        modalities="".join(scores),
        simulated=metadata(utterances)["simulated"],
    )


def _shift_rate(labelled: pd.DataFrame, group: list[str]) -> pd.Series:
    """By dialogue, the share of adjacent pairs within each group whose labels differ."""
    before = labelled.groupby(group)["label"].shift()
    pairs = before.notna()
    shifts = (labelled["label"] != before)[pairs]
    return shifts.groupby(labelled.loc[pairs, "dialogue_id"]).mean()


def _incoherence(scores: Mapping[str, pa.Table]) -> pd.Series:
    """By dialogue, the deviation over modalities of the summed probability of the true class."""
    confidence = {}
    for modality, table in scores.items():
        p_true = pd.Series(table["p_true"].to_numpy(zero_copy_only=False))
        dialogue = strings(table, "dialogue_id")
        confidence[modality] = p_true.groupby(dialogue).sum(min_count=1)
    return pd.DataFrame(confidence).std(axis=1, ddof=1, skipna=False).replace(np.nan, None)
