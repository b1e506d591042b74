"""The tuning of a cell: trains every candidate and chooses one on dev."""

import json
import logging
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spcl.errors import UserError
from spcl.jobs.job import HEADLINE
from spcl.study.grid import Cell
from spcl.study.tuning import Candidate
from spcl.tables import schemas
from spcl.training.cell_tables import CellTables

log = logging.getLogger("spcl.training")

Train = Callable[[Candidate, Sequence[int]], CellTables]
"""Trains a candidate with some seeds."""


@dataclass(frozen=True)
class TunedCell:
    """The result of a tuning.

    Attributes
    ----------
    candidates
        All candidates with their scores, schema `spcl.tables.schemas.TUNING`.
    pace
        The history of the chosen one, schema `spcl.tables.schemas.HISTORY`.
    """

    candidates: pa.Table
    pace: pa.Table


def tune_cell(
    cell: Cell,
    candidates: Sequence[Candidate],
    seeds: Sequence[int],
    train: Train,
    *,
    trials: int,
    halving: bool = False,
) -> TunedCell:
    """Train the `candidates` and choose the one with the highest score on dev, see `choose`.

    Parameters
    ----------
    cell
        The address.
    candidates
        See `spcl.training.candidates.candidates`.
    seeds
        Of the trials.
    train
        Called with a candidate and the seeds to train.
    trials
        The budget, for the table.
    halving
        Successive halving over the seeds: train all candidates with the first seed, and with each
        further seed only the better half of the remaining ones (`better_half`).

    Raises
    ------
    UserError
        A candidate has a setting that its class refuses. The message shows the candidate.
    """
    scores = np.full((len(candidates), len(seeds)), np.nan)
    histories: dict[int, list[pa.Table]] = defaultdict(list)
    rows: dict[tuple[int, int], dict[str, object]] = {}
    remaining = list(range(len(candidates)))
    for places in [[place] for place in range(len(seeds))] if halving else [[*range(len(seeds))]]:
        for number in remaining:
            named = json.dumps(candidates[number])
            try:
                tables = train(candidates[number], [seeds[place] for place in places])
            except UserError as error:
                raise UserError(f"tuning: candidate {number} ({named}): {error}") from error
            histories[number].append(tables.history)
            for row in tables.metrics.filter(pc.field("split") == "dev").to_pylist():
                place = seeds.index(row["seed"])
                # Without any epoch before it diverged, a training has no score.
                scores[number, place] = row["weighted_f1"] if row["best_epoch"] else 0.0
                rows[number, place] = row
            mean = 100 * np.nanmean(scores[number])
            log.log(
                HEADLINE,
                "%s: candidate %d of %d: dev W-F1 %.1f with %s",
                *(cell.address, number, len(candidates), mean, named),
            )
        remaining = better_half(scores, remaining)
    best = choose(scores)
    log.log(HEADLINE, "%s: chose candidate %d", cell.address, best)
    table = [
        {name: getattr(cell, name) for name in schemas.CELL_KEY}
        | {
            "trials": trials,
            "candidate": number,
            "settings": json.dumps(candidates[number]),
            "chosen": number == best,
            "seed": row["seed"],
            "dev_weighted_f1": scores[number, place],
            "best_epoch": row["best_epoch"],
            "simulated": row["simulated"],
            "config_digest": row["config_digest"],
        }
        for (number, place), row in sorted(rows.items())
    ]
    columns = {name: [row[name] for row in table] for name in table[0]}
    pace = pa.concat_tables(histories[best]).combine_chunks()
    return TunedCell(schemas.TUNING.table(columns), pace)


def choose(scores: np.ndarray) -> int:
    """The candidate with the highest mean score over the seeds; of equal ones the first.

    Parameters
    ----------
    scores : (K, S)
        Weighted F1 on dev of the best epoch by candidate and seed; NaN = not trained. Only
        candidates that were trained with all seeds can be chosen.
    """
    means = scores.mean(1)
    return int(np.argmax(np.where(np.isnan(means), -math.inf, means)))


def better_half(scores: np.ndarray, remaining: Sequence[int]) -> list[int]:
    """The better half of the `remaining` candidates, rounded up, in their order.

    The config's candidate is always among them, so that its score is known. `scores` is as for
    `choose`.
    """
    means = np.nanmean(scores[list(remaining)], 1)
    ranked = [remaining[place] for place in np.argsort(-means, kind="stable")]
    return sorted({0, *ranked[: math.ceil(len(ranked) / 2)]})
