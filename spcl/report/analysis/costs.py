"""Cost of trainings and jobs, from the metrics of cells and the benchmarks of Snakemake."""

import math

import numpy as np
import pandas as pd

from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, by_cell, over_seeds
from spcl.tables.schemas import CELL_KEY


def cell_costs(results: Results) -> pd.DataFrame:
    """One row a cell: means over seeds.

    Columns: the cell's key, ``n_seeds``, ``train_seconds``, ``seconds_per_epoch`` (with ``_sd``),
    ``utterances_per_second``, ``peak_memory_mb`` (the largest), and ``overhead``: seconds an epoch
    over those of the curriculum none with the same seed, in % (with ``_sd``).
    """
    per_epoch: dict[tuple[str, ...], pd.Series] = {}
    rows = []
    for key, of_cell in by_cell(results.metrics):
        runs = of_cell.drop_duplicates("seed").set_index("seed")
        per_epoch[key] = runs["train_seconds"] / runs["epochs"]
        mean, sd = over_seeds(per_epoch[key])
        rows.append(
            dict(zip(CELL_KEY, key, strict=True))
            | {
                "n_seeds": len(runs),
                "train_seconds": runs["train_seconds"].mean(),
                "seconds_per_epoch": mean,
                "seconds_per_epoch_sd": sd,
                "utterances_per_second": runs["utterances_per_second"].mean(),
                "peak_memory_mb": runs["peak_memory_mb"].max(),
            }
        )
    for row in rows:
        key = tuple(row[axis] for axis in CELL_KEY)
        base = per_epoch.get((*key[:-1], NONE))
        row["overhead"] = row["overhead_sd"] = math.nan
        if base is not None and key[-1] != NONE:
            ratio = (100 * (per_epoch[key] / base - 1)).dropna()
            row["overhead"], row["overhead_sd"] = over_seeds(ratio)
    measures = ("train_seconds", "seconds_per_epoch", "seconds_per_epoch_sd")
    others = ("utterances_per_second", "peak_memory_mb", "overhead", "overhead_sd")
    return pd.DataFrame(rows, columns=[*CELL_KEY, "n_seeds", *measures, *others])


def rule_costs(results: Results) -> pd.DataFrame:
    """One row a rule, the slowest first.

    Columns: ``rule``, ``n_jobs``, ``total_seconds``, ``mean_seconds``, ``cpu_seconds`` (summed; NaN
    where no job was long enough to measure), ``max_rss_mb`` (the largest; NaN likewise).
    """
    rows = [
        {
            "rule": str(rule),
            "n_jobs": len(jobs),
            "total_seconds": jobs["seconds"].sum(),
            "mean_seconds": jobs["seconds"].mean(),
            "cpu_seconds": jobs["cpu_seconds"].astype(float).sum(min_count=1),
            "max_rss_mb": float(np.fmax.reduce(jobs["max_rss_mb"].to_numpy(float))),
        }
        for rule, jobs in (
            results.benchmarks.groupby("rule", observed=True) if len(results.benchmarks) else ()
        )
    ]
    columns = ["rule", "n_jobs", "total_seconds", "mean_seconds", "cpu_seconds", "max_rss_mb"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values("total_seconds", ascending=False, kind="stable", ignore_index=True)
