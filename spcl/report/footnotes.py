"""Notes below a table: signs beside numbers, missing cells and seeds, tests."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import CellKey, by_cell
from spcl.report.analysis.statistics import WILCOXON_SEEDS
from spcl.report.panels import Panel
from spcl.tables.schemas import CELL_KEY

DIVERGED, NEVER_FULL, BEST_TEST = "†", "‡", "§"

_WORDS = {
    DIVERGED: "The training of at least one seed diverged (its loss became NaN or infinite); its"
    " best epoch before that counts. Without such an epoch its score is meaningless.",
    NEVER_FULL: "At least one seed never admitted all training utterances.",
    BEST_TEST: "Protocol best-test-epoch: the epoch was chosen on the test split itself, so the"
    " score is optimistic.",
}

CLASS_RULES = {
    7: "7 classes by rounding sentiment scores of -3..3",
    3: "3 classes by the sign of sentiment scores",
    2: "2 classes by the sign of sentiment scores; zero is unlabelled",
}
"""By number of classes, the rule of `spcl.data.emotions.sentiment`."""

FEW_DIALOGUES = 20
"""With fewer test dialogues an interval is rough."""

ONE_SEED = (
    "Where there is one seed there is no standard deviation, and the interval does not include the"
    " variation of seeds."
)
NO_INTERVAL = "No interval (dash) where predictions are missing or test dialogues are too few."
NO_CELLS = "There are no cells: no metrics were given."


def cautions(runs: pd.DataFrame) -> dict[str, object]:
    """The columns `spcl.report.columns.CAUTIONS` of the trainings `runs`."""
    return {
        "n_diverged": runs["diverged"].sum(),
        "n_never_full": runs["full_at_epoch"].isna().sum(),
        "protocol": runs["protocol"].iloc[0],
        "simulated": runs["simulated"].any(),
    }


def signs(row: Mapping[str, Any] | pd.Series) -> str:
    """The signs of a row with the columns `spcl.report.columns.CAUTIONS`."""
    wanted = {
        DIVERGED: row["n_diverged"] > 0,
        NEVER_FULL: row["n_never_full"] > 0,
        BEST_TEST: row["protocol"] == "best-test-epoch",
    }
    return "".join(sign for sign, applies in wanted.items() if applies)


def of_cells(metrics: pd.DataFrame) -> dict[CellKey, str]:
    """The signs of every cell, by its key; `metrics` are those of `Results`."""
    tested = by_cell(metrics[metrics["split"] == "test"])
    return {key: signs(cautions(runs)) for key, runs in tested}


def explained(panels: Iterable[Panel]) -> list[str]:
    """One note for each sign in the panels."""
    used = {mark for panel in panels for row in panel.rows for e in row for mark in e.marks}
    return [f"{sign} {words}" for sign, words in _WORDS.items() if sign in used]


def class_rules(*results: Results) -> list[str]:
    """How sentiment scores became classes: a note for each dataset with such labels."""
    classes = dict.fromkeys(item for one in results for item in one.classes.items())
    return [f"{dataset}: {CLASS_RULES[n]}." for dataset, n in classes]


def absent_cells(cells: pd.DataFrame) -> list[str]:
    """Name the missing cells of the grid that `cells` spans; at most one note.

    A modality set without any cell in a dataset is no gap: the dataset lacks a modality.
    """
    if not len(cells):
        return [NO_CELLS]
    present = set(cells[list(CELL_KEY)].astype(str).itertuples(index=False, name=None))
    axes = [list(dict.fromkeys(cells[axis].astype(str))) for axis in CELL_KEY]
    wanted = pd.MultiIndex.from_product(axes)
    asked = {(dataset, modalities) for dataset, _, modalities, _ in present}
    gaps = ["/".join(key) for key in wanted if key not in present and (key[0], key[2]) in asked]
    return [f"Missing cells: {first_six(gaps)}."] if gaps else []


def fewer_seeds(cells: pd.DataFrame) -> list[str]:
    """Name the cells with fewer seeds than others (column ``n_seeds``); at most one note."""
    most = cells["n_seeds"].max()
    few = cells[cells["n_seeds"] < most]
    if not len(few):
        return []
    named = [
        f"{'/'.join(row[axis] for axis in CELL_KEY)} ({row['n_seeds']})"
        for _, row in few.iterrows()
    ]
    return [
        f"Fewer than {most} seeds: {first_six(named)}. Differences are taken over the seeds that"
        " both cells have."
    ]


def first_six(names: Sequence[str]) -> str:
    """Up to six names, and how many more there are."""
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(names[:6]) + more


def seeds_in_words(counts: Iterable[int]) -> str:
    """``5 seeds`` or ``1 to 5 seeds``."""
    found = sorted(set(counts))
    if not found:
        return "no seeds"
    if len(found) == 1:
        return f"{found[0]} seed" + ("s" if found[0] != 1 else "")
    return f"{found[0]} to {found[-1]} seeds"


def tests(differences: pd.DataFrame) -> list[str]:
    """Say which tests there are; columns ``test``, ``p``, ``n_paired_seeds``, ``n_dialogues``."""
    notes = []
    if (differences["test"] == "wilcoxon").any():
        notes.append(_wilcoxon(differences))
    if (differences["test"] == "permutation").any():
        notes.append(
            f"p: below {WILCOXON_SEEDS} seeds a permutation test over dialogues. It tests whether"
            " these trained models differ on other dialogues; the interval covers other seeds too."
        )
    few = differences.loc[differences["n_dialogues"] > 0, "n_dialogues"].min()
    if few < FEW_DIALOGUES:
        notes.append(
            f"Only {few} test dialogues in the smallest test split: intervals and tests are"
            " imprecise."
        )
    return notes


def _wilcoxon(differences: pd.DataFrame) -> str:
    """Say so where no result could be significant after the correction."""
    note = "p: Wilcoxon's signed-rank test over seeds."
    n_tests = int(differences["p"].notna().sum())
    needed = math.ceil(math.log2(2 * n_tests / 0.05))  # 2 / 2^S is the smallest p
    if differences.loc[differences["test"] == "wilcoxon", "n_paired_seeds"].max() >= needed:
        return note
    return (
        f"{note} With so few seeds no p can be below 0.05 after correction for {n_tests} tests;"
        f" this takes {needed} seeds. Use the intervals instead."
    )
