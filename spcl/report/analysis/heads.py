"""The head of each modality in the joint model, and a probe on that modality alone."""

import numpy as np
import pandas as pd
import pyarrow as pa

from spcl.report.analysis import offline
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import CellKey, tallies
from spcl.report.analysis.statistics import Tally
from spcl.tables import parquet
from spcl.tables.schemas import MODALITIES


def head_tallies(results: Results) -> dict[tuple[CellKey, str], Tally]:
    """Count the predictions of each modality's head on test, by cell and modality (a, t or v).

    The probabilities of the heads are read file by file, and only the predictions are kept.
    """
    columns = ("modalities", "modality_probabilities")
    answers = [_answers(table) for table in results.columns("predictions", columns)]
    found: dict[tuple[CellKey, str], Tally] = {}
    for letter in MODALITIES:
        of_letter = [pd.Series(of_file[letter]) for of_file in answers]
        if not of_letter:
            continue
        answered = pd.concat(of_letter, ignore_index=True).astype("category")
        has = answered.notna().to_numpy()
        predictions = results.predictions[has].assign(predicted=answered[has].array)
        counted = tallies(predictions, results.labels)
        found |= {(key, letter): tally for key, tally in counted}
    return found


def _answers(table: pa.Table) -> dict[str, np.ndarray]:
    """(N,) the likeliest emotion by each modality's head; None where the cell has no such head."""
    labels = np.array(parquet.metadata(table)["labels"], object)
    heads = table["modality_probabilities"].combine_chunks().flatten()
    answer = heads.flatten().to_numpy().reshape(-1, len(labels)).argmax(1)
    modalities = np.array(table["modalities"].to_pylist(), str)
    first = np.r_[0, np.cumsum(np.char.str_len(modalities))][:-1]
    found = {}
    for letter in MODALITIES:
        place = np.char.find(modalities, letter)
        found[letter] = np.full(len(table), None, object)
        found[letter][place >= 0] = labels[answer[(first + place)[place >= 0]]]
    return found


def probe_points(results: Results) -> dict[tuple[str, str], float]:
    """By dataset and modality: weighted F1 of the probe on the labelled test utterances, points.

    The probe is fitted on all of train. Without the corpora's utterances there are no labels.
    """
    if not len(results.utterance_difficulty):
        return {}
    scored = offline.with_emotion(results)
    scored = scored[(scored["split"] == "test") & scored["emotion"].notna()]
    return {
        (str(dataset), str(modality)): offline.probe_scores(rows)[0]
        for (dataset, modality), rows in scored.groupby(["dataset", "modality"], sort=False)
    }
