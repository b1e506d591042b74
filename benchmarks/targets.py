"""The targets for speed and memory, and whether the measurements meet them."""

from collections.abc import Iterator
from math import ceil
from typing import Any

from benchmarks.memory import by_case, slopes
from benchmarks.results import markdown
from benchmarks.shapes import SHAPES

Row = dict[str, Any]
Rows = dict[str, list[Row]]


def targets(rows: Rows) -> str:
    """The targets and what was measured, only of the parts that were measured."""
    cells = [
        (target, measured, "yes" if met else "**no**")
        for target, measured, met in (*_training_targets(rows), *_other_targets(rows))
    ]
    return markdown(("target", "measured", "met"), cells)


def _training_targets(rows: Rows) -> Iterator[tuple[str, str, bool]]:
    """Target, measurement, and whether it is met, of the training part."""
    trained = {case_of(row): row for row in rows["training"]}
    shares = {case: loss_share(row, rows) for case, row in trained.items()}
    if known := {case: share for case, share in shares.items() if share is not None}:
        case, share = max(known.items(), key=lambda item: item[1])
        target = "SPCL's loss takes at most 1 % of a step"
        yield target, f"at most {share:.2%} ({case})", share <= 0.01
    ratios = {
        case: row["reference_seconds_per_epoch"] / row["seconds_per_epoch"]
        for case, row in trained.items()
        if row["reference_seconds_per_epoch"]
    }
    if ratios:
        factor = 30 if rows["training"][0]["device"] == "cuda" else 8
        case, ratio = min(ratios.items(), key=lambda item: item[1])
        reached = sum(one >= factor for one in ratios.values())
        yield (
            f"an epoch is {factor} times as fast as with the authors' code",
            f"{ratio:.1f} to {max(ratios.values()):.1f} times; {reached} of {len(ratios)} cases"
            f" reach it, {case} is the slowest",
            ratio >= factor,
        )
    wide = [
        row
        for row in rows["training"]
        if row["baseline"] in {"mmgcn", "mm_dfn"} and row["shape"] == "iemocap"
    ]
    if wide:
        row = min(wide, key=lambda row: row["peak_share"])
        target = "matrix products of MMGCN and MM-DFN on IEMOCAP reach half of the peak"
        yield target, f"at least {row['peak_share']:.0%} ({case_of(row)})", row["peak_share"] >= 0.5


def _other_targets(rows: Rows) -> Iterator[tuple[str, str, bool]]:
    """Likewise of the parts strategies, memory, dag and startup."""
    single = [row for row in rows["strategies"] if not row["second_backward"]]
    if single:
        over = sorted({f"`{row['strategy']}`" for row in single if row["own_share"] > 0.03})
        worst = max(single, key=lambda row: row["own_share"])
        yield (
            "a strategy without a second backward pass takes at most 3 % of a step",
            f"at most {worst['own_share']:.1%} (`{worst['strategy']}`, {worst['baseline']},"
            f" {worst['shape']}); above it: {', '.join(over) or 'none'}",
            not over,
        )
    if rows["memory"]:
        grown = {
            f"{baseline}, {shape}": slopes(found)["squared_lengths"]
            for (shape, baseline), found in by_case(rows["memory"]).items()
        }
        case, p = max(grown.items(), key=lambda item: item[1])
        target = "memory grows at most in proportion to the sum of squared dialogue lengths"
        yield target, f"slope at most {p:.2f} ({case})", p <= 1.1
    for row in rows["dag"]:
        limit = 30 if row["cells"] >= 10_000 else 6 if row["media"] else 4
        target = f"a dry run with nothing to do takes less than {limit} s: {row['grid']}"
        yield target, f"{row['seconds']:.1f} s", row["seconds"] < limit
    if rows["startup"]:
        before = sum(row["seconds"] for row in rows["startup"][:-1])
        yield "a cell starts its first step in less than 3 s", f"{before:.2f} s", before < 3


def case_of(row: Row) -> str:
    """Baseline, shape and modalities of a row."""
    return f"{row['baseline']}, {row['shape']}, {row['modalities']}"


def loss_share(row: Row, rows: Rows) -> float | None:
    """The time of SPCL's loss beyond that of ``none``, as a share of a step with ``none``."""
    steps = ceil(SHAPES[row["shape"]].dialogues / row["batch_size"])
    for one in rows["curriculum"]:
        if one["shape"] == row["shape"] and one["device"] == row["device"]:
            more = one["seconds_spcl"] - one["seconds_none"]
            return steps * more / float(row["seconds_per_epoch_none"])
    return None
