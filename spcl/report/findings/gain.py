"""Does SPCL raise weighted F1?"""

import math
from collections.abc import Iterator

import pandas as pd

from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, SPCL, TestScores
from spcl.report.findings.finding import Finding, of_gain
from spcl.report.findings.sentences import mean_of, signed, span, versus
from spcl.report.tables import main

QUESTION = "Does SPCL raise weighted F1?"
OPEN = "No cell of spcl has a seed in common with the same cell of none."


def answers(results: Results, scores: TestScores) -> Iterator[Finding]:
    """The gain pooled over the cells of a corpus, the number of cells that gain, the extremes."""
    every = main.compute(results)
    # A gain is as doubtful as either of its sides.
    sides = [every[axis] for axis in ("dataset", "baseline", "modalities")]
    of_none = every["n_diverged"].where(every["curriculum"] == NONE, 0)
    every["n_diverged"] += of_none.groupby(sides, observed=True).transform("sum")
    every = every[(every["curriculum"] == SPCL) & every["gain"].notna()]
    for dataset, cells in scores.by_dataset(SPCL).items():
        both = scores.pairs(cells, NONE)
        gain = scores.pooled(both, test=False)
        if not gain.n_seeds:
            continue
        said = versus(SPCL, "no curriculum", gain, over=mean_of(len(both), "cell"))
        yield of_gain(dataset, "gain over none, points", gain, said)
        rows = every[every["dataset"] == dataset]
        yield from _cautions(dataset, rows, gain.n_seeds)
        if len(rows) == 1 or gain.n_seeds == 1 or math.isnan(gain.low):
            continue
        above, below = (rows["gain_low"] > 0).sum(), (rows["gain_high"] < 0).sum()
        sure = rows.loc[rows["p_holm"] < 0.05, "gain"]
        yield Finding(
            dataset,
            "cells with the interval above zero",
            f"The 95 % interval of the gain is above zero in {above} of {len(rows)} cells and"
            f" below zero in {below}; after Holm's correction {(sure > 0).sum()} gains and"
            f" {(sure < 0).sum()} losses are significant (table main).",
            value=float(above),
            n=gain.n_seeds,
        )
        in_order = rows.sort_values("gain", ascending=False, kind="stable")
        ends = [in_order.iloc[0], in_order.iloc[-1]]
        most, least = (
            f"{signed(row['gain'])} points ({row['baseline']}, {row['modalities']};"
            f" {span(row['gain_low'], row['gain_high'])})"
            for row in ends
        )
        yield Finding(
            dataset,
            "largest gain of a cell, points",
            f"The largest gain of a cell is {most}, the smallest {least}; as extremes of"
            f" {len(rows)} cells both are exaggerated.",
            value=float(ends[0]["gain"]),
            low=float(ends[0]["gain_low"]),
            high=float(ends[0]["gain_high"]),
            n=gain.n_seeds,
        )


def _cautions(dataset: str, rows: pd.DataFrame, n: int) -> Iterator[Finding]:
    """Cautions about the gain; `rows` are the cells of spcl, with the columns of `main`."""
    signs = {
        "cells that never admitted all": (
            rows["n_never_full"] > 0,
            f"a training with {SPCL} never admitted all utterances, so it used a part of them.",
        ),
        "cells that diverged": (
            rows["n_diverged"] > 0,
            f"a training with {SPCL} or without diverged; its best epoch before that counts."
            " Without such an epoch its score is meaningless.",
        ),
        "cells with an epoch chosen on test": (
            rows["protocol"] == "best-test-epoch",
            "the epoch was chosen on the test split itself, so the scores are optimistic.",
        ),
    }
    for measure, (holds, what) in signs.items():
        if holds.any():
            said = f"In {holds.sum()} of {len(rows)} cells {what}"
            yield Finding(dataset, measure, said, value=float(holds.sum()), n=n)
