"""Tunings of cells: the score of every candidate on dev, and that of the reported seeds."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import CellKey, by_cell


@dataclass(frozen=True)
class Tuning:
    """The tuning of one cell.

    Attributes
    ----------
    trials
        The budget.
    candidates
        By number from 0, the config's: the tuned settings. A setting that the config leaves at its
        default is missing in candidate 0.
    chosen
        The number of the chosen one.
    points
        Weighted F1 on dev in points, a row a seed and a column a candidate; NaN = not trained, with
        halving.
    simulated
        Whether the corpus is simulated.
    """

    trials: int
    candidates: Mapping[int, Mapping[str, Any]]
    chosen: int
    points: pd.DataFrame
    simulated: bool


def tunings(results: Results) -> dict[CellKey, Tuning]:
    """The tuning of every cell, in the order of the config."""
    found = {}
    for key, rows in by_cell(results.tuning):
        first = rows.drop_duplicates("candidate")
        found[key] = Tuning(
            trials=int(rows["trials"].iloc[0]),
            candidates={
                int(number): _flat(text)
                for number, text in zip(first["candidate"], first["settings"], strict=True)
            },
            chosen=int(rows.loc[rows["chosen"], "candidate"].iloc[0]),
            points=100 * rows.pivot(index="seed", columns="candidate", values="dev_weighted_f1"),
            simulated=bool(rows["simulated"].iloc[0]),
        )
    return found


def dev_points(results: Results) -> dict[CellKey, pd.Series]:
    """Weighted F1 on dev in points of the reported seeds, by cell and seed."""
    metrics = results.metrics
    of_dev = by_cell(metrics[metrics["split"] == "dev"])
    return {key: 100 * runs.set_index("seed")["weighted_f1"] for key, runs in of_dev}


def in_words(settings: Mapping[str, Any]) -> str:
    """``learning_rate 0.0001, threshold 0.4``."""
    return ", ".join(f"{name} {value}" for name, value in settings.items()) or "all defaults"


def _flat(text: str) -> dict[str, Any]:
    """The settings of all parts. Two parts may have a setting of the same name."""
    parts: dict[str, dict[str, Any]] = json.loads(text)
    names = [name for settings in parts.values() for name in settings]
    return {
        (f"{part} {name}" if names.count(name) > 1 else name): value
        for part, settings in parts.items()
        for name, value in settings.items()
    }
