"""The order in which a curriculum admits training utterances, by difficulty and by class."""

import math

import numpy as np
import pandas as pd

from spcl.report.analysis import offline
from spcl.report.analysis.results import Results

RHO, ADMITTED, SEEDS = ("order", "rho"), ("order", "admitted"), ("order", "seeds")
EARLY, EASY, HARD = ("order", "early"), ("third", "easy"), ("third", "hard")


def orders(results: Results, curriculum: str) -> dict[str, pd.DataFrame]:
    """Describe the order of admission in every cell of a curriculum, by dataset.

    Returns
    -------
    dict
        A frame a dataset, a row a cell. `RHO`: Spearman's correlation of the offline loss (mean
        over the cell's modalities) with the first epoch, mean over seeds, NaN if all come at once.
        `ADMITTED`: the share (%) that ever came in. `EASY`, `HARD` and ("class", emotion): the
        share (%) of the easiest third, the hardest third and each class that had come in when
        `EARLY` (%) of all utterances had, see `early_half`. `SEEDS`: how many.
    """
    losses, emotions = offline.losses(results), offline.emotions(results)
    found: dict[str, list[dict[tuple[str, str], float]]] = {}
    for key, first in offline.first_epochs(results):
        if key[3] != curriculum or key[0] not in losses:
            continue
        loss = offline.loss_of(losses, key)
        loss = loss[loss.index.isin(first.columns)]
        third = offline.thirds(loss)
        groups = {EASY: loss.index[third == 0], HARD: loss.index[third == 2]}
        if key[0] in emotions:
            by_class = emotions[key[0]].reindex(first.columns).dropna()
            groups |= {("class", str(e)): by_class.index[by_class == e] for e in by_class.unique()}
        early = early_half(first)
        row = {group: 100 * early[ids].to_numpy().mean() for group, ids in groups.items()}
        row[EARLY] = 100 * early.to_numpy().mean()
        row[RHO] = offline.rank_correlation(first, loss).mean()
        row[ADMITTED] = 100 * np.isfinite(first.to_numpy()).mean()
        row[SEEDS] = len(first)
        found.setdefault(key[0], []).append(row)
    return {
        dataset: pd.DataFrame(rows, columns=pd.MultiIndex.from_tuples(list(rows[0])))
        for dataset, rows in found.items()
    }


def early_half(first: pd.DataFrame) -> pd.DataFrame:
    """Whether an utterance was admitted by the epoch after which about half of them had been.

    At half of the epochs ``threshold: auto`` has admitted everything, so it shows no order.

    Parameters
    ----------
    first : (S, U)
        The first epoch, infinite = never; see `spcl.report.analysis.offline.first_epochs`.

    Returns
    -------
    (S, U) bool
    """
    halves = []
    for epochs in first.to_numpy():
        ends = np.unique(epochs[np.isfinite(epochs)])
        shares = [(epochs <= end).mean() for end in ends]
        nearest = ends[np.argmin(np.abs(np.array(shares) - 0.5))] if len(ends) else -math.inf
        halves.append(epochs <= nearest)
    return pd.DataFrame(np.array(halves), first.index, first.columns)
