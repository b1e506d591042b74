"""The offline difficulty, with the labels and with the order of admission."""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, CellKey, by_cell
from spcl.report.analysis.statistics import f1_by_class, weighted_f1


def with_emotion(results: Results) -> pd.DataFrame:
    """The utterance difficulty with its labels: a column ``emotion``, null = unlabelled.

    Without the corpora's utterances every emotion is null. Strings are objects here.
    """
    offline = _as_objects(results.utterance_difficulty)
    utterances = _as_objects(results.utterances[["dataset", "utterance_id", "emotion"]])
    return offline.merge(utterances, on=["dataset", "utterance_id"], how="left")


def _as_objects(frame: pd.DataFrame) -> pd.DataFrame:
    """Categoricals of different frames do not compare; objects do."""
    texts = [name for name, type_ in frame.dtypes.items() if isinstance(type_, pd.CategoricalDtype)]
    return frame.astype(dict.fromkeys(texts, object))


def losses(results: Results) -> dict[str, pd.DataFrame]:
    """By dataset: the probes' losses on train, a row an utterance (id), a column a modality."""
    frames = {}
    offline = results.utterance_difficulty
    offline = offline[offline["loss"].notna()]
    for dataset, rows in offline.groupby("dataset", observed=True):
        rows = _as_objects(rows)
        frames[str(dataset)] = rows.pivot(index="utterance_id", columns="modality", values="loss")
    return frames


def loss_of(losses: dict[str, pd.DataFrame], cell: CellKey) -> pd.Series:
    """Each utterance's loss, mean over the modalities of `cell`; empty without probe scores."""
    of_dataset = losses.get(cell[0], pd.DataFrame())
    return of_dataset[[m for m in cell[2] if m in of_dataset]].mean(axis=1).dropna()


def thirds(loss: pd.Series) -> pd.Series:
    """0 for the easiest third of the utterances, 1 for the middle, 2 for the hardest."""
    return ((loss.rank(method="first") - 1) * 3 // max(len(loss), 1)).astype(int)


def emotions(results: Results) -> dict[str, pd.Series]:
    """By dataset, the emotion of each utterance (id)."""
    if not len(results.utterances):
        return {}
    return {
        str(dataset): pd.Series(
            rows["emotion"].astype(object).to_numpy(), rows["utterance_id"].astype(object)
        )
        for dataset, rows in results.utterances.groupby("dataset", observed=True)
    }


def first_epochs(results: Results) -> Iterator[tuple[CellKey, pd.DataFrame]]:
    """When each training utterance was first admitted, by cell; cells of none are left out.

    Yields
    ------
    cell
        Its key.
    frame
        A row a seed, a column an utterance (id): the epoch, from 1; infinite = never.
    """
    for key, rows in by_cell(results.curriculum):
        if key[-1] == NONE:
            continue
        seeds, row = np.unique(rows["seed"].to_numpy(), return_inverse=True)
        codes, column = np.unique(rows["utterance_id"].cat.codes.to_numpy(), return_inverse=True)
        first = np.full((len(seeds), len(codes)), math.nan)
        first[row, column] = rows["first_epoch"].fillna(math.inf)
        ids = np.asarray(rows["utterance_id"].cat.categories, object)[codes]
        yield key, pd.DataFrame(first, seeds, ids)


def rank_correlation(x: pd.DataFrame, y: pd.Series) -> pd.Series:
    """Spearman's rho of every row of `x` with `y`, over the labels that both have.

    Parameters
    ----------
    x : (S, U)
    y : (U,)

    Returns
    -------
    (S,); NaN where one of them is constant
    """
    shared = x.columns.intersection(y.dropna().index)
    if len(shared) < 2:
        return pd.Series(math.nan, x.index)
    ranks = x[shared].rank(axis=1).to_numpy()
    of_y = y[shared].rank().to_numpy()
    ranks = ranks - ranks.mean(1, keepdims=True)
    of_y = of_y - of_y.mean()
    norm = np.sqrt((ranks**2).sum(1) * (of_y**2).sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        return pd.Series(np.where(norm > 0, ranks @ of_y / norm, math.nan), x.index)


def probe_scores(rows: pd.DataFrame) -> tuple[float, dict[str, float]]:
    """Weighted F1 and F1 by emotion, in points, of labelled rows of `with_emotion`."""
    emotions = sorted(set(rows["emotion"]) | set(rows["predicted"]))
    true = pd.Categorical(rows["emotion"], emotions).codes
    predicted = pd.Categorical(rows["predicted"], emotions).codes
    n = len(emotions)
    counts = np.stack(
        [
            np.bincount(true[true == predicted], minlength=n),
            np.bincount(predicted, minlength=n),
            np.bincount(true, minlength=n),
        ]
    )
    by_class = dict(zip(emotions, 100 * f1_by_class(counts), strict=True))
    return 100 * float(weighted_f1(counts)), by_class
