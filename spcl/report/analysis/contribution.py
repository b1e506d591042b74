"""What each modality contributes to the score of a joint model: Shapley values over its subsets.

v(S) is the weighted F1 on test with the modalities S of a cell's M alone. The contribution of
modality m averages what it adds to each subset of the others (Shapley, A value for n-person games,
1953)::

    phi_m = sum over S without m of |S|! (M - |S| - 1)! / M!  (v(S + m) - v(S))

Contributions sum to v(all) - v(none). A modality that changes no answer contributes 0. They are
linear in v, so each v is resampled with the same draws of the dialogues, and so are they.
"""

from collections.abc import Mapping
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd

from spcl.report.analysis.resampled import ResampledScore, weighted_sum


def subsets(modalities: str) -> list[str]:
    """The subsets of a modality set, from the empty one (``""``) to the whole."""
    sizes = range(len(modalities) + 1)
    return ["".join(chosen) for size in sizes for chosen in combinations(modalities, size)]


def heads_answers(
    probabilities: np.ndarray, modalities: str, constant: int
) -> dict[str, np.ndarray]:
    """The answers of a joint model's heads by subset: the largest sum of their logits.

    The log-probabilities of a head are its logits minus a number that is the same for all classes,
    so their sums have the same order. Zeros count as the smallest normal float32.

    Parameters
    ----------
    probabilities : (N, M, C)
        By utterance, modality in the order of `modalities`, and class.
    constant
        The class that the empty subset answers. It also breaks ties, so a head without information
        contributes 0. The same holds for a head of NaN, whose training diverged.

    Returns
    -------
    By subset (N,) int16, classes
    """
    logits = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny), dtype=np.float64)
    answers = {"": np.full(len(logits), constant, np.int16)}
    for subset in subsets(modalities)[1:]:
        joint = logits[:, [modalities.index(letter) for letter in subset]].sum(1)
        n_best = (joint == joint.max(1, keepdims=True)).sum(1)
        answers[subset] = np.where(n_best == 1, joint.argmax(1), constant).astype(np.int16)
    return answers


def contributions(
    values: Mapping[str, ResampledScore], modalities: str
) -> dict[str, ResampledScore]:
    """The Shapley value of each modality, in points, from the scores v by subset.

    Empty unless `values` has all subsets, with a seed in common.
    """
    every = subsets(modalities)
    if not all(subset in values for subset in every):
        return {}
    found = {letter: _shapley(values, every, letter) for letter in modalities}
    return {letter: one for letter, one in found.items() if len(one.points)}


def _shapley(values: Mapping[str, ResampledScore], every: list[str], letter: str) -> ResampledScore:
    n_others = len(every[-1]) - 1
    terms = []
    for subset in every:
        n_before = len(subset.replace(letter, ""))
        weight = 1 / ((n_others + 1) * comb(n_others, n_before))
        terms.append((weight if letter in subset else -weight, values[subset]))
    return weighted_sum(terms)


def imbalance(contributed: Mapping[str, ResampledScore]) -> ResampledScore | None:
    """The imbalance degree: the largest contribution minus the smallest, by seed and resample.

    None for fewer than two modalities. It is never below zero, and above zero even if all
    modalities contribute the same in the long run: compare it between cells, not with zero.
    """
    if len(contributed) < 2:
        return None
    points = pd.concat([one.points for one in contributed.values()], axis=1)
    known = [one.resampled for one in contributed.values() if one.resampled is not None]
    resampled = None
    if len(known) == len(contributed):
        resampled = pd.DataFrame(np.ptp(known, axis=0), columns=known[0].columns)
    n_dialogues = max(one.n_dialogues for one in contributed.values())
    spread = points.max(axis=1) - points.min(axis=1)
    return ResampledScore(spread, resampled, n_dialogues, (0.0, 200.0))
