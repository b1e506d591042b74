"""Power of the gains over none by number of seeds, and the smallest effect that could be shown."""

import math
from collections.abc import Callable, Iterator
from functools import partial

import pandas as pd

from spcl.report import columns, fields, footnotes
from spcl.report.analysis import power
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, CellKey, TestScores
from spcl.report.analysis.statistics import WILCOXON_SEEDS, MeanVariance
from spcl.report.columns import COUNT, REAL, TEXT
from spcl.report.fields import Field, Row
from spcl.report.panels import GAP, Entry, Panel, number, text
from spcl.report.table import frame_of
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY

TITLE = "Seeds that a gain needs"

SEEDS = (3, 5, 10, 20, 40)
"""The numbers of seeds that are planned for."""

EFFECT = 1.0
"""Points of weighted F1."""

FEWEST_SEEDS = 3
"""Paired seeds from which the variance over seeds of one cell is estimated."""

ALL = "all"
"""In place of each name of a cell: the cells pooled."""

FEW_SEEDS, NO_VARIANCE = "not enough seeds", "no interval"

_MEASURES = {"interval": "the 95 % interval is above zero", "holm": "p < 0.05 after Holm"}

SCHEMA = Schema(
    "power table",
    (
        *columns.CELL,
        Column("n_paired_seeds", COUNT, "seeds shared with none; of all cells: their median"),
        Column("n_dialogues", REAL, "labelled test dialogues; of all cells: their median"),
        Column("n_tests", COUNT, "gains that Holm's correction is over"),
        Column("effect", REAL, "true gain that the power is for, points"),
        Column("sd_dialogues", REAL, "of the gain over dialogues, without single answers", True),
        Column("sd_seeds", REAL, "of the gain over seeds, with single answers, points", True),
        Column("sd_noise", REAL, "of the gain of a seed, single answers alone, points", True),
        *(
            column
            for measure, meaning in _MEASURES.items()
            for column in (
                Column(
                    f"smallest_effect_{measure}",
                    REAL,
                    f"smallest gain with power 0.8 with the present seeds, points: {meaning}",
                    True,
                ),
                *(
                    Column(f"power_{n}_{measure}", REAL, f"power with {n} seeds: {meaning}", True)
                    for n in SEEDS
                ),
            )
        ),
        Column("undefined", TEXT, "why there are no numbers", True),
        columns.SIMULATED,
    ),
    key=CELL_KEY,
)


def compute(results: Results, *, effect: float = EFFECT) -> pd.DataFrame:
    """A row for each gain over none, and one for all; see `SCHEMA`. `effect` is in points."""
    scores = TestScores(results)
    pairs = scores.pairs(scores.points, NONE)
    common = {"n_tests": len(pairs), "effect": effect}
    rows: list[dict[str, object]] = []
    found: list[MeanVariance] = []
    for cell, base in pairs:
        gain = scores.points[cell] - scores.points[base]
        n_seeds = int(gain.notna().sum())
        variance = scores.variance(cell, base) if n_seeds > 1 else None
        if variance is not None:
            found.append(variance)
        rows.append(
            _names(cell)
            | common
            | {
                "n_paired_seeds": n_seeds,
                "n_dialogues": scores.n_dialogues(cell),
                "simulated": cell[0] in results.simulated,
            }
            | (
                {"undefined": FEW_SEEDS}
                if n_seeds < FEWEST_SEEDS
                else _of_variance(variance, effect, len(pairs))
            )
        )
    if rows:
        rows.append(
            _names((ALL,) * len(CELL_KEY))
            | common
            | {
                "n_paired_seeds": int(pd.Series([row["n_paired_seeds"] for row in rows]).median()),
                "n_dialogues": pd.Series([row["n_dialogues"] for row in rows]).median(),
                "simulated": any(row["simulated"] for row in rows),
            }
            | _of_all(found, effect, len(pairs))
        )
    return frame_of(rows, SCHEMA)


def _names(cell: CellKey) -> dict[str, object]:
    return dict(zip(CELL_KEY, cell, strict=True))


def _of_all(found: list[MeanVariance], effect: float, n_tests: int) -> dict[str, object]:
    """Cells with two seeds count here: together they have enough degrees of freedom."""
    if sum(one.n_seeds - 1 for one in found) < FEWEST_SEEDS - 1:
        return {"undefined": FEW_SEEDS}
    pooled = power.pool(found)
    return _of_variance(pooled, effect, n_tests) | {
        "n_paired_seeds": pooled.n_seeds,
        "n_dialogues": pooled.n_dialogues,
    }


def _of_variance(variance: MeanVariance | None, effect: float, n_tests: int) -> dict[str, object]:
    """The columns that follow from the variance of a gain in points squared."""
    if variance is None:
        return {"undefined": NO_VARIANCE}
    present = variance.with_seeds(variance.n_seeds)
    row: dict[str, object] = {
        "sd_dialogues": math.sqrt(present.dialogues - present.noise),
        "sd_seeds": math.sqrt(present.seeds * present.n_seeds),
        "sd_noise": math.sqrt(present.noise * present.n_seeds),
    }
    powers: dict[str, Callable[[MeanVariance, float], float]] = {
        "interval": power.interval_power,
        "holm": partial(power.p_power, n_tests=n_tests),
    }
    for measure, of in powers.items():
        row[f"smallest_effect_{measure}"] = power.smallest_effect(partial(of, present))
        for n_seeds in SEEDS:
            row[f"power_{n_seeds}_{measure}"] = of(present.with_seeds(n_seeds), effect)
    return row


def caption(data: pd.DataFrame) -> str:
    effect = data["effect"].iloc[0] if len(data) else EFFECT
    points = "1 point" if effect == 1 else f"{effect:g} points"
    return (
        f"Power in % to show a true gain of {points} of weighted F1 over the curriculum none with"
        f" {_listed(SEEDS)} seeds, and the smallest gain in points that the present seeds show with"
        " a power of 80 %. The variance over seeds and over dialogues is that of the"
        " intervals of the main table. Last line: one cell with the mean variance of all cells."
    )


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers[:-1])) + f" or {numbers[-1]}"


def panels(data: pd.DataFrame, results: Results) -> Iterator[Panel]:
    n_tests = data["n_tests"].iloc[0] if len(data) else 0
    titles = {
        "interval": "Power of the 95 % interval of the main table (two-sided, uncorrected)",
        "holm": "Power of the p-value of the main table (two-sided, 0.05, Holm-corrected over"
        f" {n_tests} tests)",
    }
    for measure, title in titles.items():
        shown = (
            *fields.cell(results.metrics),
            fields.count("n_paired_seeds", "Seeds"),
            Field("Smallest gain", _smallest(measure)),
            *(Field(f"{n} seeds", _percent(f"power_{n}_{measure}")) for n in SEEDS),
        )
        yield fields.panel(data, shown, title, nested=2)


def _smallest(measure: str) -> Callable[[Row], Entry]:
    def entry(row: Row) -> Entry:
        value = row[f"smallest_effect_{measure}"]
        if not pd.isna(row["undefined"]):
            return text(row["undefined"])
        return Entry("none", math.inf) if pd.isna(value) else number(value)

    return entry


def _percent(column: str) -> Callable[[Row], Entry]:
    def entry(row: Row) -> Entry:
        return Entry(GAP, math.nan) if pd.isna(row[column]) else number(100 * row[column], 0)

    return entry


def notes(data: pd.DataFrame, results: Results) -> Iterator[str]:
    """Say what the power is of, and why numbers are missing."""
    if not len(results.metrics):
        yield footnotes.NO_CELLS
        return
    if not len(data):
        yield "No curriculum has a cell of none to compare with, so there is nothing to plan."
        return
    yield (
        "Interval: for other dialogues and other seeds, with t at Satterthwaite's degrees of"
        " freedom. It needs no correction if one gain is of interest. More seeds do not reduce the"
        " variance over dialogues: where the power stops growing, more test dialogues are needed."
    )
    yield (
        f"p: the test that the main table uses for this number of seeds. Below {WILCOXON_SEEDS}"
        " seeds a permutation test: the power to show that these trained models gain so much on"
        " other dialogues. It says nothing about other seeds, so it may be greater with fewer"
        f" seeds. From {WILCOXON_SEEDS} seeds Wilcoxon's test: the power to show that other seeds"
        " gain so much on these dialogues."
    )
    n_tests = data["n_tests"].iloc[0]
    yield (
        f"Holm-corrected: p < 0.05 / {n_tests}, the first and strictest step of"
        " Holm's correction over all gains of the main table, so the power is at least this."
    )
    never = [n for n in SEEDS if n >= WILCOXON_SEEDS and 2 / 2**n >= power.LEVEL / n_tests]
    if never:
        yield (
            f"With {' or '.join(map(str, never))} seeds no p of Wilcoxon's test can be below 0.05"
            f" after correction for {n_tests} tests, whatever the gain."
        )
    cells = data[data["modalities"] != ALL]  # a dataset may have that name
    few = cells[cells["undefined"] == FEW_SEEDS]
    if len(few):
        named = [
            f"{'/'.join(row[axis] for axis in CELL_KEY)} ({row['n_paired_seeds']})"
            for _, row in few.iterrows()
        ]
        yield (
            f"Not enough seeds: {footnotes.first_six(named)}. The variance over seeds takes"
            f" {FEWEST_SEEDS} seeds that the cell shares with none; all cells together take cells"
            " with 2 seeds too."
        )
    if (cells["n_paired_seeds"] == 1).any():
        yield "Cells with one seed have no test in the main table."
    if (cells["undefined"] == NO_VARIANCE).any():
        yield footnotes.NO_INTERVAL
    if cells["undefined"].isna().any():
        fewest = int(cells.loc[cells["undefined"].isna(), "n_paired_seeds"].min())
        low, high = _factors(fewest)
        yield (
            f"A standard deviation over {fewest} seeds is imprecise: the true one is between"
            f" {low:.1f} and {high:.1f} times as large (95 % interval). The last line is more"
            " precise."
        )
    if any(
        data.loc[data["undefined"].isna(), f"smallest_effect_{measure}"].isna().any()
        for measure in _MEASURES
    ):
        yield (
            "Smallest gain none: with so few seeds no p can be below 0.05 after correction,"
            " whatever the gain."
        )


def _factors(n_seeds: int) -> tuple[float, float]:
    """Ends of the 95 % interval of a true standard deviation, relative to its estimate."""
    from scipy.special import chdtri

    freedom = n_seeds - 1
    low, high = (math.sqrt(freedom / chdtri(freedom, tail)) for tail in (0.025, 0.975))
    return low, high
