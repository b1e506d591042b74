"""Signs behind numbers that need a word, and the words."""

from collections.abc import Iterable

import pandas as pd

from spcl.report.analysis.scores import CellKey, by_cell
from spcl.tables.schemas import CELL_KEY

DIVERGED, NEVER_FULL, BEST_TEST = "†", "‡", "§"

_WORDS = {
    DIVERGED: "The training of at least one seed diverged (its loss became NaN or infinite); its"
    " best epoch before that counts, and where there is none its score says nothing.",
    NEVER_FULL: "At least one seed never admitted all training utterances.",
    BEST_TEST: "Protocol best-test-epoch: the epoch was chosen on the test split itself, so the"
    " score is optimistic.",
}


def signs(*, diverged: bool, never_full: bool, protocol: str) -> str:
    """The signs that a cell carries."""
    wanted = {DIVERGED: diverged, NEVER_FULL: never_full, BEST_TEST: protocol == "best-test-epoch"}
    return "".join(sign for sign, applies in wanted.items() if applies)


def of_cells(metrics: pd.DataFrame) -> dict[CellKey, str]:
    """The signs of every cell, by its key; `metrics` are those of `Results`."""
    return {
        key: signs(
            diverged=bool(runs["diverged"].any()),
            never_full=bool(runs["full_at_epoch"].isna().any()),
            protocol=runs["protocol"].iloc[0],
        )
        for key, runs in by_cell(metrics[metrics["split"] == "test"])
    }


def explained(signs: Iterable[str]) -> list[str]:
    """One note for every sign among `signs`."""
    used = "".join(signs)
    return [f"{sign} {words}" for sign, words in _WORDS.items() if sign in used]


def absent_cells(cells: pd.DataFrame) -> list[str]:
    """Name the gaps in the product of the axes that `cells` has values of; at most one note.

    A modality set that a dataset has no cell of is none: the dataset lacks a modality.
    """
    if not len(cells):
        return ["There are no cells: the table was given no metrics."]
    present = set(cells[list(CELL_KEY)].astype(str).itertuples(index=False, name=None))
    axes = [list(dict.fromkeys(cells[axis].astype(str))) for axis in CELL_KEY]
    wanted = pd.MultiIndex.from_product(axes)
    asked = {(dataset, modalities) for dataset, _, modalities, _ in present}
    gaps = ["/".join(key) for key in wanted if key not in present and (key[0], key[2]) in asked]
    if not gaps:
        return []
    more = f" and {len(gaps) - 6} more" if len(gaps) > 6 else ""
    return [f"No such cell was given: {', '.join(gaps[:6])}{more}."]


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
    more = f" and {len(named) - 6} more" if len(named) > 6 else ""
    return [
        f"Fewer than {most} seeds: {', '.join(named[:6])}{more}. Differences are taken over the"
        " seeds that both cells have."
    ]


def seeds_in_words(counts: Iterable[int]) -> str:
    """``5 seeds`` or ``1 to 5 seeds``."""
    found = sorted(set(counts))
    if not found:
        return "no seeds"
    if len(found) == 1:
        return f"{found[0]} seed" + ("s" if found[0] != 1 else "")
    return f"{found[0]} to {found[-1]} seeds"
