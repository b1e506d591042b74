"""Two runs side by side, as a result table."""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from spcl.comparison.cells import INCOMPARABLE, ONLY_A, ONLY_B, SCHEMA, compare
from spcl.comparison.pairs import IDENTICAL, PAIRED, UNPAIRED
from spcl.comparison.run import Run
from spcl.report import footnotes
from spcl.report.panels import Entry, Panel, interval, number, p_value, signed, text
from spcl.report.table import ResultTable
from spcl.tables.schemas import CELL_KEY

_FEW_DIALOGUES = 20


def runs_table(first: Run, second: Run) -> ResultTable:
    """Hold every cell of `first` (A) against that of `second` (B); see `cells.SCHEMA`."""
    data = compare(first.results, second.results)
    signs = [(_signs(row, "a"), _signs(row, "b")) for _, row in data.iterrows()]
    n_tests = int(data["p"].notna().sum())
    return ResultTable(
        name="comparison",
        title="Two runs: B minus A",
        caption=(
            f"A: {first.name}. B: {second.name}. Weighted F1 on the test split in points, mean ±"
            " standard deviation over seeds. Difference: B minus A, paired by seed where both have"
            " it, with its 95 % bootstrap interval over dialogues and seeds; p: permutation test"
            " over dialogues, two-sided, Holm-corrected over all tests of the table"
            f" ({n_tests}; * p < 0.05)."
        ),
        data=data,
        schema=SCHEMA,
        panels=(_panel(data, signs),),
        notes=(
            *_identity(first, second, data),
            *_notes(data),
            *footnotes.explained("".join(sum(signs, ()))),
        ),
        simulated=tuple(dict.fromkeys(first.results.simulated + second.results.simulated)),
    )


def _signs(row: pd.Series, side: str) -> str:
    if not row[f"n_seeds_{side}"]:
        return ""
    return footnotes.signs(
        diverged=row[f"n_diverged_{side}"] > 0,
        never_full=row[f"n_never_full_{side}"] > 0,
        protocol=row[f"protocol_{side}"],
    )


def _panel(data: pd.DataFrame, signs: list[tuple[str, str]]) -> Panel:
    rows = []
    for (_, row), of_sides in zip(data.iterrows(), signs, strict=True):
        scores = [
            replace(
                number(row[f"weighted_f1_{side}"], spread=row[f"weighted_f1_sd_{side}"]), marks=sign
            )
            for side, sign in zip("ab", of_sides, strict=True)
        ]
        rows.append(
            (
                *(text(row[axis]) for axis in CELL_KEY),
                _shown(row),
                interval(row["difference_low"], row["difference_high"]),
                p_value(row["p_holm"]),
                *scores,
                _seeds(row),
            )
        )
    headings = ("Difference", "95 % interval", "p", "A", "B", "Seeds")
    return Panel((*(axis.capitalize() for axis in CELL_KEY), *headings), tuple(rows), nested=2)


def _shown(row: pd.Series) -> Entry:
    """The difference, or in a word why there is none."""
    if row["status"] not in (PAIRED, UNPAIRED):
        return Entry(row["status"], row["difference"])
    star = "*" if row["p_holm"] < 0.05 else ""
    return signed(row["difference"], spread=row["difference_sd"], marks=star)


def _seeds(row: pd.Series) -> Entry:
    """Those that pair up; of both sides where they are not the same."""
    a, b, paired = row["n_seeds_a"], row["n_seeds_b"], row["n_paired_seeds"]
    if a == b == paired:
        return number(paired, 0)
    if row["status"] in (PAIRED, UNPAIRED, IDENTICAL):
        return Entry(f"{paired} of {a}, {b}", paired)
    return Entry(f"{a}, {b}", max(a, b))


def _identity(first: Run, second: Run, data: pd.DataFrame) -> Iterator[str]:
    """Say first whether there is anything to look at."""
    same = int((data["status"] == IDENTICAL).sum())
    if first.is_copy_of(second):
        yield "Identical: both runs have the same files, byte for byte."
    elif same:
        which = f"all {same}" if same == len(data) else f"{same} of {len(data)}"
        yield (
            f"Identical: {which} cells have the same scores and answers in every seed that both"
            " runs have."
        )


def _notes(data: pd.DataFrame) -> Iterator[str]:
    """Say which cells can't be compared, which tests there are, and why others are not."""
    if data["simulated_a"].isin([True]).any() != data["simulated_b"].isin([True]).any():
        side = "A" if data["simulated_a"].isin([True]).any() else "B"
        yield f"SIMULATED DATA in {side} alone: nothing can be concluded from the two."
    for why, rows in data[data["status"] == INCOMPARABLE].groupby("why", sort=False):
        yield f"Not comparable, {why}: {_named(rows)}."
    for status in (ONLY_A, ONLY_B):
        rows = data[data["status"] == status]
        if len(rows):
            yield f"{status.capitalize()[:-1]}{status[-1]}: {_named(rows)}."
    compared = data[data["status"].isin([PAIRED, UNPAIRED])]
    if (compared["status"] == UNPAIRED).any():
        yield "0 seeds in common: the difference is that of the two means, so less sure."
    partly = compared["n_paired_seeds"] < compared[["n_seeds_a", "n_seeds_b"]].max(axis=1)
    if (partly & (compared["status"] == PAIRED)).any():
        yield "Some seeds in common: the difference is over these alone, the scores are over all."
    if compared["p"].notna().any():
        yield (
            "p asks whether these trained models differ on other dialogues; the interval covers"
            " other seeds too."
        )
    if (compared[["n_seeds_a", "n_seeds_b"]].min(axis=1) == 1).any() or (
        compared["n_paired_seeds"] == 1
    ).any():
        yield (
            "One seed: no test, and the interval leaves out how much seeds vary. No conclusion can"
            " be drawn."
        )
    known = compared[compared["n_dialogues"] > 0]
    if len(known) < len(compared):
        yield (
            "No interval and no test (dash) without the predictions of both runs; whether the test"
            " utterances are the same is then unchecked but for their number."
        )
    if len(known) and known["n_dialogues"].min() < _FEW_DIALOGUES:
        yield (
            f"Only {known['n_dialogues'].min()} test dialogues in the smallest test split:"
            " intervals and tests are rough, and there is no interval below 3."
        )


def _named(rows: pd.DataFrame) -> str:
    """Up to six cells, and how many more there are."""
    names = ["/".join(key) for key in rows[list(CELL_KEY)].itertuples(index=False, name=None)]
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(names[:6]) + more
