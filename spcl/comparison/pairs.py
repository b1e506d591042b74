"""The same cell in two runs, A and B: whether they can be compared, and how they differ.

Every difference is B minus A, paired by seed if the runs have common seeds. S and T are the numbers
of seeds of A and B, R of resamples.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from spcl.report.analysis import statistics
from spcl.report.analysis.scores import over_seeds
from spcl.report.analysis.statistics import Tally

PAIRED, UNPAIRED, IDENTICAL = "paired", "unpaired", "identical"

_SAME_IF = ["weighted_f1", "accuracy", "macro_f1", "best_epoch", "n_utterances", "diverged"]


@dataclass(frozen=True)
class Side:
    """A cell of one run.

    Attributes
    ----------
    runs
        Metrics on the test split, a row a training; the index is the seed, ascending.
    answers
        Predictions on the labelled test utterances: columns ``seed``, ``dialogue_id``,
        ``utterance_id``, ``emotion``, ``predicted``. None without predictions.
    """

    runs: pd.DataFrame
    answers: pd.DataFrame | None

    @property
    def points(self) -> pd.Series:
        """Weighted F1 in points, by seed."""
        return 100 * self.runs["weighted_f1"]


def why_not(a: Side, b: Side) -> str:
    """Why the two cannot be compared; empty if they can."""
    simulated = [bool(side.runs["simulated"].any()) for side in (a, b)]
    if simulated[0] != simulated[1]:
        return f"the corpus is simulated in {'A' if simulated[0] else 'B'} alone"
    protocols = [joined(side.runs["protocol"]) for side in (a, b)]
    if protocols[0] != protocols[1]:
        return f"other split protocol: {protocols[0]} in A, {protocols[1]} in B"
    if a.answers is None or b.answers is None:
        counts = [int(side.runs["n_utterances"].iloc[0]) for side in (a, b)]
        if counts[0] != counts[1]:
            return f"other test set: {counts[0]:,} utterances in A, {counts[1]:,} in B"
    else:
        tested = [_tested(answers) for answers in (a.answers, b.answers)]
        if not tested[0].index.equals(tested[1].index):
            shared = len(tested[0].index.intersection(tested[1].index))
            counts = [len(one) for one in tested]
            return (
                f"other test set: {counts[0]:,} utterances in A, {counts[1]:,} in B,"
                f" {shared:,} in both"
            )
        if not tested[0].equals(tested[1]):
            return "other test set: the same utterances with other labels or dialogues"
    return ""


def _tested(answers: pd.DataFrame) -> pd.DataFrame:
    """Dialogue and label of every test utterance, by its id."""
    once = answers.drop_duplicates("utterance_id").set_index("utterance_id")
    return once[["dialogue_id", "emotion"]].sort_index()


def difference(a: Side, b: Side) -> dict[str, object]:
    """B minus A in weighted F1, over the common seeds; of the means if there are none.

    Returns
    -------
    dict
        ``status``, ``n_paired_seeds``, ``n_dialogues``, and, as far as they are known,
        ``difference``, ``difference_sd``, ``difference_low``, ``difference_high`` (points), ``p``.
    """
    shared = a.runs.index.intersection(b.runs.index)
    row: dict[str, object] = {"status": PAIRED, "n_paired_seeds": len(shared), "n_dialogues": 0}
    if _are_identical(a, b, shared):
        row |= {"status": IDENTICAL, "difference": 0.0}
        if a.answers is not None:
            row["n_dialogues"] = a.answers["dialogue_id"].nunique()
        return row
    if shared.empty:
        row |= {"status": UNPAIRED, "difference": b.points.mean() - a.points.mean()}
    else:
        row["difference"], row["difference_sd"] = over_seeds((b.points - a.points)[shared])
    tallies = _tallies(a, b)
    return row if tallies is None else row | _certainty(*tallies, shared)


def _are_identical(a: Side, b: Side, seeds: pd.Index) -> bool:
    """Whether all of `seeds` have the same scores and, as far as is known, the same answers."""
    if seeds.empty or not a.runs.loc[seeds, _SAME_IF].equals(b.runs.loc[seeds, _SAME_IF]):
        return False
    if a.answers is None or b.answers is None:
        return a.answers is b.answers
    answers = [
        one[one["seed"].isin(seeds)].set_index(["seed", "utterance_id"])["predicted"].sort_index()
        for one in (a.answers, b.answers)
    ]
    return bool(answers[0].equals(answers[1]))


def _certainty(a: Tally, b: Tally, shared: pd.Index) -> dict[str, object]:
    """Interval and p of the difference over the seeds `shared`, or over all if there are none."""
    places = [
        np.arange(len(one.seeds)) if shared.empty else np.searchsorted(one.seeds, shared)
        for one in (a, b)
    ]
    counts = [one.counts[place] for one, place in zip((a, b), places, strict=True)]
    observed = [100 * statistics.weighted_f1(one.sum(1)) for one in counts]
    resampled = [
        100 * statistics.bootstrap_scores(one)[:, place]
        for one, place in zip((a, b), places, strict=True)
    ]
    n_dialogues = a.counts.shape[1]
    if shared.empty:
        low, high = unpaired_interval(observed, resampled, n_dialogues)
    else:
        low, high = statistics.bootstrap_interval(
            observed[1] - observed[0],
            resampled[1] - resampled[0],
            n_dialogues,
            within=statistics.DIFFERENCES,
        )
    certainty: dict[str, object] = {"n_dialogues": n_dialogues}
    certainty |= {"difference_low": low, "difference_high": high}
    n_tested = min(len(one) for one in counts)
    if n_tested > 1:
        # The test compares the trained models, so any pairing of their seeds is valid.
        certainty["p"] = statistics.permutation_p(*(one[:n_tested] for one in counts))
    return certainty


def _tallies(a: Side, b: Side) -> tuple[Tally, Tally] | None:
    """Count both sides' answers over the same dialogues and classes; None if seeds lack answers."""
    found = [side.answers for side in (a, b) if side.answers is not None]
    if len(found) < 2:
        return None
    dialogues = pd.Index(found[0]["dialogue_id"].unique())
    emotions = pd.Index(
        pd.unique(pd.concat([x[c] for x in found for c in ("emotion", "predicted")]))
    )
    first, second = (
        statistics.tally(
            answers["seed"].to_numpy(),
            dialogues.get_indexer(answers["dialogue_id"]),
            emotions.get_indexer(answers["emotion"]),
            emotions.get_indexer(answers["predicted"]),
            n_dialogues=len(dialogues),
            n_classes=len(emotions),
        )
        for answers in found
    )
    complete = (
        np.isin(a.runs.index, first.seeds).all() and np.isin(b.runs.index, second.seeds).all()
    )
    return (first, second) if complete else None


def unpaired_interval(
    observed: Sequence[np.ndarray], resampled: Sequence[np.ndarray], n_dialogues: int
) -> tuple[float, float]:
    """95 % interval of the difference of two means without common seeds.

    As `spcl.report.analysis.statistics.bootstrap_interval`, which explains the parts of the
    variance, but with a variance over seeds for each side.

    Parameters
    ----------
    observed : (S,) and (T,)
        Scores by seed of A and of B.
    resampled : (R, S) and (R, T)
        The same in every resample of the dialogues. Both sides use the same resamples.
    n_dialogues
        D.

    Returns
    -------
    (low, high) of B minus A; NaN below `spcl.report.analysis.statistics.FEWEST_DIALOGUES`
    """
    if n_dialogues < statistics.FEWEST_DIALOGUES:
        return np.nan, np.nan
    variance = (resampled[1].mean(1) - resampled[0].mean(1)).var(ddof=1)
    parts = [(variance, n_dialogues - 1)]
    for scores, draws in zip(observed, resampled, strict=True):
        n_seeds = len(scores)
        if n_seeds > 1:
            of_seeds = scores.var(ddof=1) / n_seeds
            noise = (draws - draws.mean(0)).var(1, ddof=1).mean() / n_seeds
            variance += max(of_seeds - noise, 0.0)
            parts.append((of_seeds, n_seeds - 1))
    least = min(freedom for _, freedom in parts)
    spread = sum(part**2 / freedom for part, freedom in parts)
    freedom = max(variance**2 / spread, least) if spread > 0 else least
    reach = stdtrit(freedom, 0.975) * math.sqrt(variance)
    difference = float(observed[1].mean() - observed[0].mean())
    lowest, highest = statistics.DIFFERENCES
    return max(difference - reach, lowest), min(difference + reach, highest)


def joined(values: pd.Series) -> str:
    """The different values of a column, as text."""
    return ", ".join(dict.fromkeys(values.astype(str)))
