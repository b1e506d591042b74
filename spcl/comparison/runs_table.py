"""Two runs compared, as a result table."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pandas as pd

from spcl.comparison.cells import INCOMPARABLE, ONLY_A, ONLY_B, SCHEMA, compare
from spcl.comparison.pairs import IDENTICAL, PAIRED, UNPAIRED
from spcl.comparison.run import Run
from spcl.report import fields, footnotes
from spcl.report.fields import Field
from spcl.report.panels import Entry, Panel, number, signed
from spcl.report.table import ResultTable
from spcl.tables.schemas import CELL_KEY


def runs_table(first: Run, second: Run) -> ResultTable:
    """Compare every cell of `first` (A) with that of `second` (B); see `cells.SCHEMA`."""
    data = compare(first.results, second.results)
    panel = _panel(data)
    return ResultTable(
        name="comparison",
        title="Two runs: B minus A",
        caption=(
            f"A: {first.name}. B: {second.name}. Weighted F1 on the test split in points, mean ±"
            " standard deviation over seeds. Difference: B minus A, paired by seed, with its 95 %"
            " bootstrap interval over dialogues and seeds; p: permutation test over dialogues,"
            " two-sided, Holm-corrected over all tests of the table"
            f" ({data['p'].notna().sum()}; * p < 0.05)."
        ),
        data=data,
        schema=SCHEMA,
        panels=(panel,),
        notes=(
            *_notes(data),
            *footnotes.explained([panel]),
            *footnotes.class_rules(first.results, second.results),
        ),
        simulated=tuple(dict.fromkeys(first.results.simulated + second.results.simulated)),
    )


def _panel(data: pd.DataFrame) -> Panel:
    shown = (
        *(fields.words(axis) for axis in CELL_KEY),
        Field("Difference", _difference),
        fields.bounds("difference"),
        fields.p_holm(),
        *(Field(side.upper(), partial(_score, side=side)) for side in "ab"),
        Field("Seeds", _seeds),
    )
    return fields.panel(data, shown, nested=2)


def _difference(row: pd.Series) -> Entry:
    """The difference, or the reason why there is none."""
    if row["status"] not in (PAIRED, UNPAIRED):
        return Entry(row["status"], row["difference"])
    return signed(row["difference"], spread=row["difference_sd"], marks=fields.star(row))


def _score(row: pd.Series, side: str) -> Entry:
    """The weighted F1 of A or B with its footnote signs."""
    cautions = {name: row[f"{name}_{side}"] for name in ("n_diverged", "n_never_full", "protocol")}
    score = number(row[f"weighted_f1_{side}"], spread=row[f"weighted_f1_sd_{side}"])
    return replace(score, marks=footnotes.signs(cautions))


def _seeds(row: pd.Series) -> Entry:
    """The number of paired seeds; also that of both sides where it differs."""
    a, b, paired = row["n_seeds_a"], row["n_seeds_b"], row["n_paired_seeds"]
    if a == b == paired:
        return number(paired, 0)
    if row["status"] in (PAIRED, UNPAIRED, IDENTICAL):
        return Entry(f"{paired} of {a}, {b}", paired)
    return Entry(f"{a}, {b}", max(a, b))


def _notes(data: pd.DataFrame) -> Iterator[str]:
    """Say which cells are identical, which cannot be compared, and which tests there are."""
    same = int((data["status"] == IDENTICAL).sum())
    if same:
        which = f"all {same}" if same == len(data) else f"{same} of {len(data)}"
        yield (
            f"Identical: {which} cells have the same scores and answers in every seed that both"
            " runs have."
        )
    simulated = [data[f"simulated_{side}"].isin([True]).any() for side in "ab"]
    if simulated[0] != simulated[1]:
        side = "A" if simulated[0] else "B"
        yield f"SIMULATED DATA in {side} alone: nothing can be concluded from the two."
    for why, rows in data[data["status"] == INCOMPARABLE].groupby("why", sort=False):
        yield f"Not comparable, {why}: {_named(rows)}."
    for status in (ONLY_A, ONLY_B):
        rows = data[data["status"] == status]
        if len(rows):
            yield f"{status.replace('only', 'Only')}: {_named(rows)}."
    compared = data[data["status"].isin([PAIRED, UNPAIRED])]
    n_seeds = compared[["n_seeds_a", "n_seeds_b"]]
    if (compared["status"] == UNPAIRED).any():
        yield "0 seeds in common: the difference of the two means, with a wider interval."
    partly = compared["n_paired_seeds"] < n_seeds.max(axis=1)
    if (partly & (compared["status"] == PAIRED)).any():
        yield "Some seeds in common: the difference is over these alone, the scores are over all."
    if compared["p"].notna().any():
        yield (
            "p tests whether these trained models differ on other dialogues; the interval covers"
            " other seeds too."
        )
    if (n_seeds.min(axis=1) == 1).any() or (compared["n_paired_seeds"] == 1).any():
        yield (
            "One seed: no test, and the interval does not include the variation of seeds. No"
            " conclusion can be drawn."
        )
    known = compared[compared["n_dialogues"] > 0]
    if len(known) < len(compared):
        yield (
            "No interval and no test (dash) without the predictions of both runs; whether the test"
            " utterances are the same is then not checked beyond their number."
        )
    if len(known) and known["n_dialogues"].min() < footnotes.FEW_DIALOGUES:
        yield (
            f"Only {known['n_dialogues'].min()} test dialogues in the smallest test split:"
            " intervals and tests are imprecise, and below 3 there is no interval."
        )


def _named(rows: pd.DataFrame) -> str:
    names = ["/".join(key) for key in rows[list(CELL_KEY)].itertuples(index=False, name=None)]
    return footnotes.first_six(names)
