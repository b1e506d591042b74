"""The questions behind SPCL, each answered in sentences that go no further than the numbers."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from spcl.report.analysis import admissions
from spcl.report.analysis.heads import head_tallies, probe_points
from spcl.report.analysis.resampled import ResampledScore, resample_weighted_f1
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, CellKey, Gain, TestScores, by_cell
from spcl.report.findings.sentences import beside, listed, mean_of, signed, span, versus
from spcl.report.panels import RHO
from spcl.report.tables.ablation import PARTS, SPCL, pairs
from spcl.report.tables.main import scored_cells
from spcl.report.tables.modality_gain import ALL, PAIRS
from spcl.tables.schemas import MODALITIES

RAISES = "Does SPCL raise weighted F1?"
BALANCES = "Are the modalities better balanced after it?"
ADMITS = "What is admitted when?"
WORKS = "Which part does the work?"
THIRD = "Does the third modality help?"
QUESTIONS = (RAISES, BALANCES, ADMITS, WORKS, THIRD)
CONTROLS = ("random_pacing", "spl", "coherence")
"""Without these three it stays open which part of SPCL does the work."""


_AFTER = f"with {SPCL}"


@dataclass(frozen=True)
class Finding:
    """A statement, and the number behind it.

    Attributes
    ----------
    question
        One of `QUESTIONS`.
    dataset
        The corpus.
    measure
        What `value` is.
    statement
        In words.
    value, low, high
        The number and its 95 % interval; NaN where there is none.
    n
        Seeds behind it.
    """

    question: str
    dataset: str
    measure: str
    statement: str
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n: int = 0


def find(results: Results) -> list[Finding]:
    """Answer each question for each corpus, as far as the results go; in the order of both."""
    scores = TestScores(results)
    answers = [
        *_raises(results, scores),
        *_balances(results),
        *_admits(results),
        *_works(scores),
        *_third(scores),
    ]
    return sorted(answers, key=lambda one: QUESTIONS.index(one.question))


def _of_gain(question: str, dataset: str, measure: str, gain: Gain, statement: str) -> Finding:
    return Finding(
        question, dataset, measure, statement, gain.mean, gain.low, gain.high, gain.n_seeds
    )


def _cells(scores: TestScores, curriculum: str) -> dict[str, list[CellKey]]:
    """By dataset, the cells of a curriculum."""
    found: dict[str, list[CellKey]] = {}
    for cell in scores.points:
        if cell[3] == curriculum:
            found.setdefault(cell[0], []).append(cell)
    return found


def _raises(results: Results, scores: TestScores) -> Iterator[Finding]:
    """Pooled over the cells of a corpus; then in how many of them; then the extremes."""
    every = scored_cells(results)
    # A gain is as doubtful as either of its sides.
    sides = [every[axis] for axis in ("dataset", "baseline", "modalities")]
    of_none = every["n_diverged"].where(every["curriculum"] == NONE, 0)
    every["n_diverged"] += of_none.groupby(sides, observed=True).transform("sum")
    every = every[(every["curriculum"] == SPCL) & every["gain"].notna()]
    for dataset, cells in _cells(scores, SPCL).items():
        both = pairs(scores, cells, NONE)
        gain = scores.pooled(both, test=False)
        if not gain.n_seeds:
            continue
        said = versus(SPCL, "no curriculum", gain, over=mean_of(len(both), "cell"))
        yield _of_gain(RAISES, dataset, "gain over none, points", gain, said)
        rows = every[every["dataset"] == dataset]
        yield from _cautions(dataset, rows, gain.n_seeds)
        if len(rows) == 1 or gain.n_seeds == 1 or math.isnan(gain.low):
            continue
        above, below = (rows["gain_low"] > 0).sum(), (rows["gain_high"] < 0).sum()
        sure = rows.loc[rows["p_holm"] < 0.05, "gain"]
        yield Finding(
            RAISES,
            dataset,
            "cells with the interval above zero",
            f"The 95 % interval of the gain lies above zero in {above} of {len(rows)} cells and"
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
            RAISES,
            dataset,
            "largest gain of a cell, points",
            f"The largest gain of a cell is {most}, the smallest {least}; as extremes of"
            f" {len(rows)} cells both overstate.",
            value=float(ends[0]["gain"]),
            low=float(ends[0]["gain_low"]),
            high=float(ends[0]["gain_high"]),
            n=gain.n_seeds,
        )


def _cautions(dataset: str, rows: pd.DataFrame, n: int) -> Iterator[Finding]:
    """What a gain has to be read with; `rows` are the cells of spcl, with the columns of `main`."""
    signs = {
        "cells that never admitted all": (
            rows["n_never_full"] > 0,
            f"a training with {SPCL} never admitted all utterances, so it learnt from a part.",
        ),
        "cells that diverged": (
            rows["n_diverged"] > 0,
            f"a training with {SPCL} or without diverged; its best epoch before that counts, and"
            " where there is none its score says nothing.",
        ),
        "cells with an epoch chosen on test": (
            rows["protocol"] == "best-test-epoch",
            "the epoch was chosen on the test split itself, so the scores are optimistic.",
        ),
    }
    for measure, (holds, what) in signs.items():
        if holds.any():
            said = f"In {holds.sum()} of {len(rows)} cells {what}"
            yield Finding(RAISES, dataset, measure, said, value=float(holds.sum()), n=n)


def _balances(results: Results) -> Iterator[Finding]:
    """Each modality's own head beside its probe, before and after; pooled over the joint models."""
    metrics = results.metrics
    tallies, probes = head_tallies(results), probe_points(results)
    heads: dict[tuple[str, str], dict[CellKey, ResampledScore]] = {}
    for key, runs in by_cell(metrics[metrics["split"] == "test"]):
        by_seed = runs.set_index("seed")["modality_weighted_f1"].sort_index()
        for place, letter in enumerate(key[2] if len(key[2]) > 1 else ""):
            points = 100 * by_seed.str[place].astype(float)
            head = resample_weighted_f1(points, tallies.get((key, letter)))
            heads.setdefault((key[0], letter), {})[key] = head
    for (dataset, letter), of_cells in heads.items():
        both = [
            (head, of_cells[(*key[:3], NONE)])
            for key, head in of_cells.items()
            if key[3] == SPCL and (*key[:3], NONE) in of_cells
        ]
        if not both:
            continue
        after, before = (_mean(side) for side in zip(*both, strict=True))
        change = after.gain(before)
        if not change.n_seeds:
            continue
        name = MODALITIES[letter]
        said = versus(
            f"the {name} head {_AFTER}",
            "that without",
            change,
            over=mean_of(len(both), "cell"),
        )
        probe = probes.get((dataset, letter))
        if probe is not None:
            gaps = [beside(one.points.mean() - probe) for one in (before, after)]
            said = (
                f"Without a curriculum the {name} head of the joint models lies {gaps[0]} a probe"
                f" on {name} alone, {_AFTER} {gaps[1]} it. {said}"
            )
        yield _of_gain(BALANCES, dataset, f"change of the {name} head, points", change, said)


def _mean(scores: Sequence[ResampledScore]) -> ResampledScore:
    """Over cells of one corpus, seed by seed and resample by resample."""
    points = pd.concat([one.points for one in scores], axis=1).mean(axis=1, skipna=False).dropna()
    known = [one.resampled for one in scores if one.resampled is not None]
    whole = len(known) == len(scores)
    resampled = sum(known[1:], known[0]) / len(known) if whole else None
    return ResampledScore(points, resampled, max(one.n_dialogues for one in scores))


def _admits(results: Results) -> Iterator[Finding]:
    """Easy or hard first, by the probes; which class last. Described, not tested."""
    for dataset, cells in admissions.orders(results, SPCL).items():
        yield Finding(
            ADMITS,
            dataset,
            f"Spearman's {RHO} of offline loss and first epoch",
            _order(cells),
            value=float(cells[admissions.RHO].mean()),
            n=int(cells[admissions.SEEDS].max()),
        )


def _order(cells: pd.DataFrame) -> str:
    """What `admissions.orders` says of one dataset."""
    known = cells[admissions.RHO].dropna()
    if not cells[admissions.ADMITTED].any():
        return f"{SPCL} never admitted any utterance: nothing was learnt."
    if not len(known):
        return f"{SPCL} admitted every utterance in the same epoch: there is no order."
    ends = "" if len(known) == 1 else f"; {signed(known.min(), 2)} to {signed(known.max(), 2)}"
    mean, over = cells.mean(), mean_of(len(cells), "cell")
    half = mean[admissions.ADMITTED] >= 50
    early = f"When {mean[admissions.EARLY]:.0f} % of the utterances had been in,"
    when = early if half else "In the end"
    said = (
        f"Spearman's {RHO} of an utterance's offline loss and the epoch that first admitted it is"
        f" {signed(mean[admissions.RHO], 2)} ({over}{ends}; +1 = easy first)."
        f" {when} {mean[admissions.EASY]:.0f} % of the easiest"
        f" third had been and {mean[admissions.HARD]:.0f} % of the hardest."
    )
    classes = mean.get("class", pd.Series(dtype=float)).sort_values(kind="stable")
    if len(classes) > 1 and classes.iloc[0] < classes.iloc[-1]:
        said += (
            f" Of the classes {classes.index[-1]} came in first ({classes.iloc[-1]:.0f} %),"
            f" {classes.index[0]} last ({classes.iloc[0]:.0f} %)."
        )
    return said


def _works(scores: TestScores) -> Iterator[Finding]:
    """SPCL against each rival, pooled over the cells of a corpus."""
    trained = list(dict.fromkeys(cell[3] for cell in scores.points))
    rivals = [*CONTROLS, *(name for name in trained if name not in (*CONTROLS, SPCL, NONE))]
    for dataset, cells in _cells(scores, SPCL).items():
        absent = []
        for rival in rivals:
            both = pairs(scores, cells, rival)
            gain = scores.pooled(both, test=False)
            if gain.n_seeds:
                whole = f"{rival} ({PARTS[rival]})" if rival in PARTS else rival
                said = versus(SPCL, whole, gain, over=mean_of(len(both), "cell"))
                yield _of_gain(WORKS, dataset, f"{SPCL} minus {rival}, points", gain, said)
            elif rival in CONTROLS:
                absent.append(rival)
        if absent:
            yield Finding(
                WORKS,
                dataset,
                "not trained",
                f"{listed(absent)} {'was' if len(absent) == 1 else 'were'} not trained beside"
                f" {SPCL}, so it stays open what part they would have in it; to know, add to"
                " grid.curricula what config/curricula.yaml has of them.",
            )


def _third(scores: TestScores) -> Iterator[Finding]:
    """All three modalities against the best pair, under none, under spcl, and the change."""
    by_dataset: dict[str, dict[str, dict[str, tuple[CellKey, CellKey]]]] = {}
    for cell in scores.points:
        if cell[2] == ALL and cell[3] in (NONE, SPCL):
            two = [(*cell[:2], pair, cell[3]) for pair in PAIRS]
            two = [other for other in two if other in scores.points]
            if two:
                best = max(two, key=lambda other: scores.points[other].mean())
                of_dataset = by_dataset.setdefault(cell[0], {})
                of_dataset.setdefault(cell[3], {})[cell[1]] = (cell, best)
    for dataset, both in by_dataset.items():
        for curriculum, how in ((NONE, "without a curriculum"), (SPCL, _AFTER)):
            held = list(both.get(curriculum, {}).values())
            gain = scores.pooled(held, test=False)
            if gain.n_seeds:
                over = mean_of(len(held), "baseline")
                first = f"all three modalities {how}"
                said = versus(first, "the best pair of two", gain, over=over)
                measure = f"{ALL} minus the best pair under {curriculum}, points"
                yield _of_gain(THIRD, dataset, measure, gain, said)
        shared = [name for name in both.get(NONE, {}) if name in both.get(SPCL, {})]
        # Twice a difference of two: what all three gain over the pair, less the same under none.
        twice = [both[SPCL][name] for name in shared]
        twice += [(pair, three) for three, pair in (both[NONE][name] for name in shared)]
        change = scores.pooled(twice, over=len(shared) or None, test=False)
        if change.n_seeds:
            said = versus(
                f"the third modality {_AFTER}",
                "without",
                change,
                over=mean_of(len(shared), "baseline"),
                verb="brought",
            )
            yield _of_gain(THIRD, dataset, "its change under spcl, points", change, said)
