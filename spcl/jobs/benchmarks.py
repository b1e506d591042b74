"""The costs of the workflow's jobs, from the benchmark files that Snakemake writes."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from spcl.tables.schemas import BENCHMARKS


def gather(folder: Path, jobs: Iterable[tuple[str, Mapping[str, str]]]) -> pa.Table:
    """Gather the benchmarks of `jobs` into one table.

    Parameters
    ----------
    folder
        Contains ``{rule}/{wildcard}/.../{wildcard}.jsonl``.
    jobs
        The rule and the wildcards of each job, these in the order of the path. A job is left out
        if it has no file, because it ran elsewhere or never, or if its file contains no time.

    Returns
    -------
    pyarrow.Table
        Of schema `spcl.tables.schemas.BENCHMARKS`.
    """
    schema = pa.schema([(column.name, column.type) for column in BENCHMARKS.columns])
    rows = []
    for rule, wildcards in jobs:
        path = folder.joinpath(rule, *wildcards.values()).with_suffix(".jsonl")
        if path.exists() and (cost := _cost(path)):
            rows.append({"rule": rule, **wildcards, **cost})
    return pa.Table.from_pylist(rows, schema=schema)


def _cost(path: Path) -> dict[str, Any] | None:
    """The last record of a file; None if it contains no time.

    Snakemake writes NA if a job ended before it was sampled, and an empty file on a full disk. It
    measures seconds by the system clock, which may have been set back meanwhile.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
    except (IndexError, ValueError):
        return None
    measured = {
        "seconds": record["s"],
        "cpu_seconds": record["cpu_time"],
        "max_rss_mb": record["max_rss"],
    }
    cost = {key: None if value == "NA" else float(value) for key, value in measured.items()}
    return cost if (cost["seconds"] or 0) > 0 else None
