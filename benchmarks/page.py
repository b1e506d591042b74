"""``python -m benchmarks.page``: write the measurements into docs/performance.md.

The page has a pair of comments around each table, ``<!-- epochs -->`` and ``<!-- /epochs -->``;
the text between them is replaced. The table of a part that was not measured is kept.
"""

import argparse
import re
from collections.abc import Callable, Sequence
from math import ceil
from pathlib import Path
from typing import Any

from benchmarks import memory_figure
from benchmarks.__main__ import PARTS
from benchmarks.memory import by_case, slopes
from benchmarks.operations import in_words
from benchmarks.results import FOLDER, load, markdown
from benchmarks.shapes import SHAPES

Rows = dict[str, list[dict[str, Any]]]


def machine(rows: Rows) -> str:
    """The facts of each part's machine; one line where they agree."""
    lines: dict[str, list[str]] = {}
    for part, found in rows.items():
        if found:
            one = found[0]
            lines.setdefault(
                f"{one['processor']}, {one['cores']} cores, {one['threads']} threads, torch"
                f" {one['torch']}, Python {one['python']}",
                [],
            ).append(f"{part} {one['peak_gflops']:.0f}")
    return "\n".join(
        f"- {facts}; float32 peak in GFLOP/s, at the start of each part: {', '.join(peaks)}"
        for facts, peaks in lines.items()
    )


def targets(rows: Rows) -> str:
    """The targets and the measured values of the parts that were measured."""
    cells = []

    def aim(words: str, measured: str, met: bool) -> None:
        cells.append((words, measured, "yes" if met else "**no**"))

    shares = {
        _case(row): share for row in rows["training"] if (share := own_share(row, rows)) is not None
    }
    if shares:
        case, share = max(shares.items(), key=lambda item: item[1])
        words = "SPCL's loss takes at most 1 % of a step"
        aim(words, f"at most {share:.2%} ({case})", share <= 0.01)
    ratios = {
        _case(row): row["reference_seconds_per_epoch"] / row["seconds_per_epoch"]
        for row in rows["training"]
        if row["reference_seconds_per_epoch"]
    }
    if ratios:
        factor = 30 if rows["training"][0]["device"] == "cuda" else 8
        case, ratio = min(ratios.items(), key=lambda item: item[1])
        words = f"an epoch is {factor} times as fast as with the authors' code"
        reached = sum(one >= factor for one in ratios.values())
        measured = f"{ratio:.1f} to {max(ratios.values()):.1f} times; {reached} of {len(ratios)}"
        aim(words, f"{measured} cases reach it, {case} is the slowest", ratio >= factor)
    wide = [
        row
        for row in rows["training"]
        if (row["baseline"], row["shape"]) in {("mmgcn", "iemocap"), ("mm_dfn", "iemocap")}
    ]
    if wide:
        row = min(wide, key=lambda row: row["peak_share"])
        words = "matrix products of MMGCN and MM-DFN on IEMOCAP reach half of the peak"
        aim(words, f"at least {row['peak_share']:.0%} ({_case(row)})", row["peak_share"] >= 0.5)
    if rows["memory"]:
        grown = {
            f"{baseline}, {shape}": slopes(found)["squared_lengths"]
            for (shape, baseline), found in by_case(rows["memory"]).items()
        }
        case, p = max(grown.items(), key=lambda item: item[1])
        words = "memory grows at most in proportion to the sum of squared dialogue lengths"
        aim(words, f"slope at most {p:.2f} ({case})", p <= 1.1)
    for row in rows["dag"]:
        limit = 30 if row["cells"] >= 10_000 else 6 if row["media"] else 4
        words = f"a dry run with nothing to do takes less than {limit} s: {row['grid']}"
        aim(words, f"{row['seconds']:.1f} s", row["seconds"] < limit)
    if rows["startup"]:
        before = sum(row["seconds"] for row in rows["startup"][:-1])
        aim("a cell starts its first step in less than 3 s", f"{before:.2f} s", before < 3)
    return markdown(("target", "measured", "met"), cells)


def _case(row: dict[str, Any]) -> str:
    return f"{row['baseline']}, {row['shape']}, {row['modalities']}"


def epochs(rows: Rows) -> str:
    """Every case of the training part."""
    head = (
        "baseline, shape, modalities",
        "none, s",
        "SPCL, s",
        "SPCL overhead",
        "loss alone",
        "share of peak",
        "reference, s",
        "speed-up",
    )
    cells = []
    for row in rows["training"]:
        ours, none = row["seconds_per_epoch"], row["seconds_per_epoch_none"]
        theirs, own = row["reference_seconds_per_epoch"], own_share(row, rows)
        cells.append(
            (
                _case(row),
                f"{none:.2f}",
                f"{ours:.2f}",
                f"{ours / none - 1:+.1%}",
                f"{own:.2%}" if own is not None else "",
                f"{row['peak_share']:.0%}",
                f"{theirs:.1f}" if theirs else "",
                f"{theirs / ours:.1f}" if theirs else "",
            )
        )
    return markdown(head, cells)


def floor(rows: Rows) -> str:
    """The time of an epoch's matrix products at peak performance, and the maximum speed-up."""
    head = (
        "baseline, shape, modalities",
        "10¹² operations",
        "at peak, s",
        "this project, s",
        "reference, s",
        "maximum speed-up",
    )
    cells = []
    for row in rows["training"]:
        operations, theirs = row["product_gflop_per_epoch"], row["reference_seconds_per_epoch"]
        least = operations / row["peak_gflops"]
        cells.append(
            (
                _case(row),
                f"{operations / 1e3:.2f}",
                f"{least:.1f}",
                f"{row['seconds_per_epoch']:.1f}",
                f"{theirs:.1f}" if theirs else "",
                f"{theirs / least:.1f}" if theirs else "",
            )
        )
    return markdown(head, cells)


def own_share(row: dict[str, Any], rows: Rows) -> float | None:
    """The time of SPCL's loss beyond that of ``none``, as a share of a step with ``none``."""
    steps = ceil(SHAPES[row["shape"]].dialogues / row["batch_size"])
    for one in rows["curriculum"]:
        if one["shape"] == row["shape"] and one["device"] == row["device"]:
            more = one["seconds_spcl"] - one["seconds_none"]
            return steps * more / float(row["seconds_per_epoch_none"])
    return None


def operations(rows: Rows) -> str:
    """The most expensive operations of a step."""
    cases: dict[str, list[dict[str, Any]]] = {}
    for row in rows["operations"]:
        cases.setdefault(f"{row['baseline']}, {row['shape']}", []).append(row)
    return markdown(
        ("baseline, shape", "share of the time"),
        [(case, in_words(found)) for case, found in cases.items()],
    )


def curriculum(rows: Rows) -> str:
    """SPCL's loss on given logits."""
    head = ("32 dialogues of", "utterances", "none, ms", "SPCL, ms", "direct SPCL, ms")
    return markdown(
        head,
        [
            (
                row["shape"],
                str(row["utterances"]),
                *(f"{1e3 * row[f'seconds_{one}']:.2f}" for one in ("none", "spcl", "obvious")),
            )
            for row in rows["curriculum"]
        ],
    )


def seeds(rows: Rows) -> str:
    """Seeds one after another and at once."""
    head = ("BiDDIN", "seeds", "batch", "separate, ms", "together, ms", "speed-up", "operations")
    return markdown(
        head,
        [
            (
                row["case"],
                str(row["seeds"]),
                str(row["batch_size"]),
                f"{1e3 * row['seconds_apart']:.0f}",
                f"{1e3 * row['seconds_together']:.0f}",
                f"{row['seconds_apart'] / row['seconds_together']:.2f}",
                f"{row['operations_apart']} to {row['operations_together']}",
            )
            for row in rows["seeds"]
        ],
    )


def startup(rows: Rows) -> str:
    """The parts of a cell's start, and their sum before the first step."""
    parts = rows["startup"]
    before = {key: sum(row[key] for row in parts[:-1]) for key in ("seconds", "processor_seconds")}
    return markdown(
        ("part", "seconds", "CPU seconds"),
        [
            (row["part"], f"{row['seconds']:.2f}", f"{row['processor_seconds']:.2f}")
            for row in (*parts[:-1], {"part": "**before the first step**", **before}, parts[-1])
        ],
    )


def memory(rows: Rows) -> str:
    """MiB by batch size, and the slopes."""
    cells = []
    sizes = sorted({row["batch_size"] for row in rows["memory"]})
    for (shape, baseline), found in by_case(rows["memory"]).items():
        held = {row["batch_size"]: f"{row['bytes'] / 2**20:.0f}" for row in found}
        p = slopes(found)
        cells.append(
            (
                f"{baseline}, {shape}",
                *(held.get(size, "") for size in sizes),
                *(f"{value:.2f}" for value in p.values()),
            )
        )
    head = ("MiB", *(f"{size} dialogues" for size in sizes))
    against = ("slope, dialogues", "utterances", "squared lengths")
    return markdown((*head, *against), cells)


def extraction(rows: Rows) -> str:
    """Utterances a second."""
    return markdown(
        ("extractor", "utterances", "seconds", "utterances per second"),
        [
            (
                f"{row['extractor']} ({row['modality']})",
                str(row["utterances"]),
                f"{row['seconds']:.1f}",
                f"{row['utterances'] / row['seconds']:.1f}",
            )
            for row in rows["extraction"]
        ],
    )


def dag(rows: Rows) -> str:
    """Dry runs with nothing to do."""
    return markdown(
        ("grid", "cells", "seconds"),
        [(row["grid"], str(row["cells"]), f"{row['seconds']:.1f}") for row in rows["dag"]],
    )


BLOCKS: dict[str, tuple[Callable[[Rows], str], tuple[str, ...]]] = {
    "machine": (machine, ()),
    "targets": (targets, ()),
    "epochs": (epochs, ("training",)),
    "floor": (floor, ("training",)),
    "operations": (operations, ("operations",)),
    "curriculum": (curriculum, ("curriculum",)),
    "seeds": (seeds, ("seeds",)),
    "startup": (startup, ("startup",)),
    "memory": (memory, ("memory",)),
    "extraction": (extraction, ("extraction",)),
    "dag": (dag, ("dag",)),
}
"""Each table and the parts that it requires."""


def filled(page: str, rows: Rows) -> str:
    """The page with every table that was measured."""
    for name, (block, wanted) in BLOCKS.items():
        if all(rows[part] for part in wanted) and any(rows.values()):
            between = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
            text = block(rows)
            page = between.sub(lambda found, text=text: f"{found[1]}{text}\n{found[2]}", page)
    return page


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=Path, default=Path("docs/performance.md"))
    parser.add_argument("--results", type=Path, default=FOLDER)
    options = parser.parse_args(arguments)
    rows = {part: load(part, options.results) for part in PARTS}
    options.page.write_text(filled(options.page.read_text(), rows))
    if rows["memory"]:
        memory_figure.draw(rows["memory"], options.page.parent / "images")
    measured = ", ".join(part for part in PARTS if rows[part]) or "nothing"
    print(f"{options.page}: {measured}")


if __name__ == "__main__":
    main()
