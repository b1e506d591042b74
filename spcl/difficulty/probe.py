"""The difficulty of utterances in one modality, from a probe that is cross-fitted over dialogues.

The probe that scores a training utterance was not fitted on its dialogue. Only labels of the
training split are used. Utterances of dev and test are scored by a probe fitted on the whole
training split.
"""

import numpy as np
import pyarrow as pa
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from spcl.errors import UserError
from spcl.tables.arrays import feature_matrix, label_indices, strings
from spcl.tables.parquet import describe, metadata
from spcl.tables.schemas import UTTERANCE_DIFFICULTY

_PENALTY = 0.01
"""C of the logistic regression. Small, because features are about as many as utterances."""

_FLOOR = 1e-6
"""The smallest probability, so that every loss is finite."""


def score_utterances(
    utterances: pa.Table,
    features: pa.Table,
    *,
    dataset: str,
    modality: str,
    folds: int,
    seed: int = 0,
) -> pa.Table:
    """Score every utterance of a corpus by a logistic regression on one modality.

    Parameters
    ----------
    utterances, features
        Schemas `spcl.tables.schemas.UTTERANCES` and `FEATURES`.
    dataset, modality
        The values of the key columns.
    folds
        The number of folds of the cross-fitting, at most the number of training dialogues.
    seed
        Determines the assignment of dialogues to folds.

    Returns
    -------
    pyarrow.Table
        Schema `spcl.tables.schemas.UTTERANCE_DIFFICULTY`, in the order of `utterances`. An
        utterance with an unobserved modality gets the frequencies of the classes in the training
        split.

    Raises
    ------
    UserError
        The training split has fewer than two labelled dialogues or classes.
    """
    labels = metadata(utterances)["labels"]
    dialogue, split = strings(utterances, "dialogue_id"), strings(utterances, "split")
    y = label_indices(utterances)
    x, observed = feature_matrix(features, strings(utterances, "utterance_id"))
    in_train = split == "train"
    learnt = in_train & (y >= 0)
    if len(np.unique(dialogue[learnt])) < 2 or len(np.unique(y[learnt])) < 2:
        raise UserError(
            f"datasets.{dataset}: the training split has fewer than two labelled dialogues or"
            " emotions, so cross-fitting is not possible; add training dialogues"
        )

    fold = _folds(dialogue, in_train, folds, seed)
    probability = np.empty((len(y), len(labels)))
    for held_out in range(-1, fold.max() + 1):  # -1: dev and test
        target = fold == held_out
        fitted = learnt & ~target
        probability[target] = _predict(x, y, observed, fitted, target, len(labels))

    p_true = np.where(learnt, probability[np.arange(len(y)), y], np.nan)
    columns = {
        "dataset": [dataset] * len(y),
        "modality": [modality] * len(y),
        "dialogue_id": dialogue,
        "utterance_id": utterances["utterance_id"],
        "split": split,
        "fold": pa.array(fold, mask=~in_train),
        "predicted": [labels[best] for best in probability.argmax(1)],
        "probabilities": list(probability.astype(np.float32)),
        "p_true": pa.array(p_true, from_pandas=True),
        "loss": pa.array(-np.log(np.maximum(p_true, _FLOOR)), from_pandas=True),
    }
    return describe(
        UTTERANCE_DIFFICULTY.table(columns),
        dataset=dataset,
        modality=modality,
        labels=labels,
        simulated=metadata(utterances)["simulated"],
    )


def _folds(dialogue: np.ndarray, in_train: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """(N,) int32: the fold of each training utterance's dialogue, -1 outside train.

    The dialogues are shuffled and sorted by length, longest first. Each is assigned to the fold
    with the fewest utterances.
    """
    names, length = np.unique(dialogue[in_train], return_counts=True)
    shuffled = np.random.default_rng(seed).permutation(len(names))
    fold_of, size = {}, np.zeros(min(folds, len(names)), np.int64)
    for index in shuffled[np.argsort(-length[shuffled], kind="stable")]:
        fold_of[names[index]] = int(size.argmin())
        size[size.argmin()] += length[index]
    return np.array([fold_of.get(name, -1) for name in dialogue], np.int32)


def _predict(
    x: np.ndarray,
    y: np.ndarray,
    observed: np.ndarray,
    fitted: np.ndarray,
    target: np.ndarray,
    n_classes: int,
) -> np.ndarray:
    """Fit the probe on the rows `fitted` and return the (n, C) probabilities of the rows `target`.

    If the modality is unobserved, the probabilities are the frequencies of the classes.
    """
    frequency = np.bincount(y[fitted], minlength=n_classes) / max(fitted.sum(), 1)
    predicted = np.tile(frequency, (target.sum(), 1))
    fitted, asked = fitted & observed, observed[target]
    classes = np.unique(y[fitted])
    if len(classes) < 2 or not asked.any():
        return predicted
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=_PENALTY, max_iter=1000))
    probe.fit(x[fitted], y[fitted])
    known = np.zeros((asked.sum(), n_classes))
    known[:, classes] = probe.predict_proba(x[target][asked])
    predicted[asked] = known
    return predicted
