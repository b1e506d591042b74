"""Compare the cells of two runs: differences, intervals, tests.

The two are called A and B, and every difference is B minus A.
"""

from collections.abc import Iterator

import pandas as pd

from spcl.comparison.pairs import IDENTICAL, PAIRED, UNPAIRED, Side, difference, joined, why_not
from spcl.report.analysis import statistics
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import CellKey, by_cell, over_seeds
from spcl.report.columns import CELL, COUNT, FLAG, N_UTTERANCES, REAL, TEXT, estimate
from spcl.report.table import frame_of
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY

INCOMPARABLE, ONLY_A, ONLY_B = "not comparable", "only in A", "only in B"


def _of_side(side: str) -> tuple[Column, ...]:
    return (
        Column(f"weighted_f1_{side}", REAL, "mean over seeds, points", True),
        Column(f"weighted_f1_sd_{side}", REAL, "standard deviation over seeds, points", True),
        Column(f"n_seeds_{side}", COUNT, "trainings of the cell"),
        Column(f"n_diverged_{side}", COUNT, "seeds whose training diverged"),
        Column(f"n_never_full_{side}", COUNT, "seeds that never admitted all utterances"),
        Column(f"protocol_{side}", TEXT, "the split protocol", True),
        Column(f"settings_{side}", TEXT, "digest of the cell's settings", True),
        Column(f"simulated_{side}", FLAG, "the corpus is simulated", True),
    )


SCHEMA = Schema(
    "comparison of two runs",
    (
        *CELL,
        Column("status", TEXT, f"{PAIRED}, {UNPAIRED}, {IDENTICAL}, {INCOMPARABLE}, only in one"),
        Column("why", TEXT, "why the cell is not comparable", True),
        *_of_side("a"),
        *_of_side("b"),
        Column("n_paired_seeds", COUNT, "seeds that both have; 0 = unpaired"),
        *estimate("difference", "weighted F1 of B minus A, paired by seed", nullable=True),
        Column("p", REAL, "permutation test over dialogues, two-sided", True),
        Column("p_holm", REAL, "corrected over all tests of the table", True),
        Column("n_dialogues", COUNT, "labelled test dialogues; 0 = not known to be the same"),
        N_UTTERANCES,
    ),
    key=CELL_KEY,
)


def compare(first: Results, second: Results) -> pd.DataFrame:
    """Compare every cell of `first` (A) with that of `second` (B).

    Cells are matched by dataset, baseline, modalities and curriculum. A difference is paired by
    seed. There is none where the two have no seed in common, where the split protocols or the test
    utterances are not the same, or where one side is simulated. Without predictions on both sides
    there is no interval and no test, and the test utterances go unchecked; with one seed there is
    no test.

    Returns
    -------
    DataFrame
        A row a cell that either has; the columns are those of `SCHEMA`.
    """
    a, b = dict(_sides(first)), dict(_sides(second))
    rows = [_row(key, a.get(key), b.get(key)) for key in _in_order([*a, *b])]
    data = frame_of(rows, SCHEMA)
    return data.assign(p_holm=statistics.holm(data["p"].to_numpy(float)))


def _sides(results: Results) -> Iterator[tuple[CellKey, Side]]:
    metrics, predictions = results.metrics, results.predictions
    wanted = (predictions["split"] == "test") & predictions["emotion"].notna()
    answers = dict(by_cell(predictions[wanted]))
    for key, rows in by_cell(metrics[metrics["split"] == "test"]):
        of_cell = answers.get(key)
        if of_cell is not None:
            texts = ["dialogue_id", "utterance_id", "emotion", "predicted"]
            of_cell = of_cell[["seed", *texts]].astype(dict.fromkeys(texts, object))
        yield key, Side(rows.set_index("seed").sort_index(), of_cell)


def _in_order(keys: list[CellKey]) -> list[CellKey]:
    """Each key once; on every axis values keep the order of their first appearance."""
    places = [list(dict.fromkeys(values)) for values in zip(*keys, strict=True)]
    return sorted(
        dict.fromkeys(keys),
        key=lambda key: [place.index(one) for place, one in zip(places, key, strict=True)],
    )


def _row(key: CellKey, a: Side | None, b: Side | None) -> dict[str, object]:
    """The row of one cell; see `SCHEMA`."""
    row: dict[str, object] = dict(zip(CELL_KEY, key, strict=True))
    row |= _facts(a, "a") | _facts(b, "b")
    row |= {"n_paired_seeds": 0, "n_dialogues": 0}
    for side in (b, a):
        if side is not None:
            row["n_utterances"] = side.runs["n_utterances"].iloc[0]
    if a is None or b is None:
        return row | {"status": ONLY_B if a is None else ONLY_A}
    why = why_not(a, b)
    if why:
        return row | {"status": INCOMPARABLE, "why": why}
    return row | difference(a, b)


def _facts(side: Side | None, name: str) -> dict[str, object]:
    if side is None:
        return {f"n_{count}_{name}": 0 for count in ("seeds", "diverged", "never_full")}
    runs = side.runs
    mean, sd = over_seeds(side.points)
    return {
        f"weighted_f1_{name}": mean,
        f"weighted_f1_sd_{name}": sd,
        f"n_seeds_{name}": len(runs),
        f"n_diverged_{name}": int(runs["diverged"].sum()),
        f"n_never_full_{name}": int(runs["full_at_epoch"].isna().sum()),
        f"protocol_{name}": joined(runs["protocol"]),
        f"settings_{name}": joined(runs["config_digest"]),
        f"simulated_{name}": bool(runs["simulated"].any()),
    }
