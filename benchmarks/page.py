"""``python -m benchmarks.page``: write the measurements into docs/performance.md and curricula.md.

A page has a pair of comments around each table, ``<!-- epochs -->`` and ``<!-- /epochs -->``. The
text between them is replaced. The table of a part without measurements is left as it is.
"""

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.__main__ import PARTS
from benchmarks.memory import by_case, slopes
from benchmarks.operations import in_words
from benchmarks.results import FOLDER, interval, load, markdown
from benchmarks.targets import Row, Rows, case_of, loss_share, targets

PAGES = tuple(
    Path("docs", f"{name}.md") for name in ("performance", "curricula", "fair-comparison")
)


def table(rows: Sequence[Row], columns: Mapping[str, Callable[[Row], str]]) -> str:
    """A Markdown table with a row for each of `rows`; `columns` has its cells by heading."""
    return markdown(list(columns), [[cell(row) for cell in columns.values()] for row in rows])


def machine(rows: Rows) -> str:
    """The facts about each part's machine; one line for all parts on the same machine."""
    peaks: dict[str, list[str]] = {}
    for part, found in rows.items():
        if found and part not in ("imbalance", "tuning"):  # of scores, not of time
            one = found[0]
            facts = (
                f"{one['processor']}, {one['cores']} cores, {one['threads']} threads, torch"
                f" {one['torch']}, Python {one['python']}"
            )
            peaks.setdefault(facts, []).append(f"{part} {one['peak_gflops']:.0f}")
    return "\n".join(
        f"- {facts}; float32 peak in GFLOP/s, at the start of each part: {', '.join(found)}"
        for facts, found in peaks.items()
    )


def _reference(row: Row, by: float) -> str:
    """The reference's seconds an epoch divided by `by`; empty if it was not measured."""
    seconds = row["reference_seconds_per_epoch"]
    return f"{seconds / by:.1f}" if seconds else ""


def epochs(rows: Rows) -> str:
    """Every case of the training part."""

    def share(row: Row) -> str:
        found = loss_share(row, rows)
        return "" if found is None else f"{found:.2%}"

    def costs(row: Row) -> str:
        return f"{row['seconds_per_epoch'] / row['seconds_per_epoch_none'] - 1:+.1%}"

    return table(
        rows["training"],
        {
            "baseline, shape, modalities": case_of,
            "none, s": lambda row: f"{row['seconds_per_epoch_none']:.2f}",
            "SPCL, s": lambda row: f"{row['seconds_per_epoch']:.2f}",
            "SPCL overhead": costs,
            "loss alone": share,
            "share of peak": lambda row: f"{row['peak_share']:.0%}",
            "reference, s": lambda row: _reference(row, 1),
            "speed-up": lambda row: _reference(row, row["seconds_per_epoch"]),
        },
    )


def floor(rows: Rows) -> str:
    """The time of an epoch's matrix products at peak performance, and the maximum speed-up."""

    def least(row: Row) -> float:
        return float(row["product_gflop_per_epoch"] / row["peak_gflops"])

    return table(
        rows["training"],
        {
            "baseline, shape, modalities": case_of,
            "10¹² operations": lambda row: f"{row['product_gflop_per_epoch'] / 1e3:.2f}",
            "at peak, s": lambda row: f"{least(row):.1f}",
            "this project, s": lambda row: f"{row['seconds_per_epoch']:.1f}",
            "reference, s": lambda row: _reference(row, 1),
            "maximum speed-up": lambda row: _reference(row, least(row)),
        },
    )


def operations(rows: Rows) -> str:
    """The most expensive operations of a step."""
    cases: dict[str, list[Row]] = {}
    for row in rows["operations"]:
        cases.setdefault(f"{row['baseline']}, {row['shape']}", []).append(row)
    return markdown(
        ("baseline, shape", "share of the time"),
        [(case, in_words(found)) for case, found in cases.items()],
    )


def curriculum(rows: Rows) -> str:
    """SPCL's loss on given logits."""
    return table(
        rows["curriculum"],
        {
            "32 dialogues of": lambda row: row["shape"],
            "utterances": lambda row: str(row["utterances"]),
            "none, ms": lambda row: f"{1e3 * row['seconds_none']:.2f}",
            "SPCL, ms": lambda row: f"{1e3 * row['seconds_spcl']:.2f}",
            "direct SPCL, ms": lambda row: f"{1e3 * row['seconds_obvious']:.2f}",
        },
    )


def strategies(rows: Rows) -> str:
    """The time of a step with ``none``, and what every strategy adds, by network and shape."""
    cases = by_case(rows["strategies"])

    def step(row: Row) -> str:
        if row["strategy"] == "none":
            return f"{row['seconds']:.2f} s"
        return f"{row['overhead']:+.1%} ({row['overhead_q1']:+.1%} to {row['overhead_q3']:+.1%})"

    return markdown(
        ("strategy", *(f"{baseline}, {shape}" for shape, baseline in cases)),
        [
            (f"`{same[0]['strategy']}`", *map(step, same))
            for same in zip(*cases.values(), strict=True)
        ],
    )


def overhead(rows: Rows) -> str:
    """The range of what every strategy adds, over all networks and shapes."""
    cases = by_case(rows["strategies"])
    none = [found[0] for found in cases.values()]

    def between(values: Sequence[float], form: str) -> str:
        return f"{min(values):{form}} to {max(values):{form}}"

    cells = []
    for same in list(zip(*cases.values(), strict=True))[1:]:
        more = [(row["bytes"] - of["bytes"]) / 2**20 for row, of in zip(same, none, strict=True)]
        cells.append(
            (
                f"`{same[0]['strategy']}`",
                between([row["overhead"] for row in same], "+.1%"),
                between([row["own_share"] for row in same], "+.2%"),
                between(more, "+.0f"),
            )
        )
    return markdown(("strategy", "step", "own work", "memory, MiB"), cells)


def evaluations(rows: Rows) -> str:
    """The strategies that evaluate the training split."""
    return table(
        [row for row in rows["strategies"] if row["evaluations"]],
        {
            "strategy, baseline, shape": lambda row: (
                f"`{row['strategy']}`, {row['baseline']}, {row['shape']}"
            ),
            "s per evaluation": lambda row: f"{row['seconds_per_evaluation']:.2f}",
            "evaluations": lambda row: str(row["evaluations"]),
            "s per epoch": lambda row: f"{row['evaluation_seconds_per_epoch']:.2f}",
        },
    )


def alone(rows: Rows) -> str:
    """Each modality of the simulated corpus alone, and its head under ``none``."""
    return table(
        [row for row in rows["imbalance"] if row["curriculum"] == "none"],
        {
            "baseline, modality": lambda row: f"{row['baseline']}, {row['modality']}",
            "alone": lambda row: f"{row['alone']:.1f}",
            "head in the joint model": lambda row: f"{row['head']:.1f}",
            "joint": lambda row: f"{row['weighted_f1']:.1f}",
        },
    )


def imbalance(rows: Rows) -> str:
    """The change of the audio head and of the joint score with each strategy."""
    networks: dict[str, dict[str, Row]] = {}
    for row in rows["imbalance"]:
        if row["modality"] == "a" and row["curriculum"] != "none":
            networks.setdefault(row["baseline"], {})[row["curriculum"]] = row
    head = [f"{name}, {what}" for name in networks for what in ("audio head", "joint")]
    return markdown(
        ("strategy", *head),
        [
            (
                f"`{name}`",
                *(
                    interval(of[name], change)
                    for of in networks.values()
                    for change in ("change", "gain")
                ),
            )
            for name in next(iter(networks.values()))
        ],
    )


def tuning(rows: Rows) -> str:
    """How often the interval contains zero in simulated studies of tuned strategies."""
    columns: dict[tuple[str, float, int], dict[float, Row]] = {}
    for row in rows["tuning"]:
        condition = row["tuned"], row["common"], row["n_trial_seeds"]
        columns.setdefault(condition, {})[row["spread"]] = row
    head = [f"{tuned} tuned, {common:.0%} common, {n} seeds" for tuned, common, n in columns]
    spreads = next(iter(columns.values()))
    return markdown(
        ("spread", *head),
        [
            (f"{spread:g}", *(f"{100 * of[spread]['covered']:.1f}" for of in columns.values()))
            for spread in spreads
        ],
    )


def seeds(rows: Rows) -> str:
    """Seeds one after another and at once."""
    return table(
        rows["seeds"],
        {
            "BiDDIN": lambda row: row["case"],
            "seeds": lambda row: str(row["seeds"]),
            "batch": lambda row: str(row["batch_size"]),
            "separate, ms": lambda row: f"{1e3 * row['seconds_apart']:.0f}",
            "together, ms": lambda row: f"{1e3 * row['seconds_together']:.0f}",
            "speed-up": lambda row: f"{row['seconds_apart'] / row['seconds_together']:.2f}",
            "operations": lambda row: f"{row['operations_apart']} to {row['operations_together']}",
        },
    )


def startup(rows: Rows) -> str:
    """The parts of a cell's start, and their sum before the first step."""
    parts = rows["startup"]
    before = {key: sum(row[key] for row in parts[:-1]) for key in ("seconds", "processor_seconds")}
    return table(
        (*parts[:-1], {"part": "**before the first step**", **before}, parts[-1]),
        {
            "part": lambda row: row["part"],
            "seconds": lambda row: f"{row['seconds']:.2f}",
            "CPU seconds": lambda row: f"{row['processor_seconds']:.2f}",
        },
    )


def memory(rows: Rows) -> str:
    """MiB by batch size, and the slopes."""
    cells = []
    sizes = sorted({row["batch_size"] for row in rows["memory"]})
    for (shape, baseline), found in by_case(rows["memory"]).items():
        peaks = {row["batch_size"]: f"{row['bytes'] / 2**20:.0f}" for row in found}
        slope = (f"{value:.2f}" for value in slopes(found).values())
        cells.append((f"{baseline}, {shape}", *(peaks.get(size, "") for size in sizes), *slope))
    head = ("MiB", *(f"{size} dialogues" for size in sizes))
    return markdown((*head, "slope, dialogues", "utterances", "squared lengths"), cells)


def extraction(rows: Rows) -> str:
    """Utterances a second, and the share of decoding."""

    def name(row: Row) -> str:
        return f"`{row['extractor']}`" + (f", {row['model']}" if row["model"] else "")

    return table(
        rows["extraction"],
        {
            "extractor": name,
            "utterances": lambda row: str(row["utterances"]),
            "utterances per second": lambda row: f"{row['utterances'] / row['seconds']:.1f}",
            "s per 1,000": lambda row: f"{1e3 * row['seconds'] / row['utterances']:.0f}",
            "decoding": lambda row: f"{row['decoding_share']:.0%}",
        },
    )


def faces(rows: Rows) -> str:
    """Frames in which a detector finds a face."""
    return table(
        rows["faces"],
        {
            "clip": lambda row: f"{row['shows']} (`{row['clip']}`)",
            "detector": lambda row: row["detector"],
            "frames with a face": lambda row: f"{row['found']} of {row['frames']}",
            "ms per frame": lambda row: f"{1e3 * row['seconds']:.1f}",
        },
    )


def dag(rows: Rows) -> str:
    """Dry runs that find nothing to do."""
    return table(
        rows["dag"],
        {
            "grid": lambda row: row["grid"],
            "cells": lambda row: str(row["cells"]),
            "seconds": lambda row: f"{row['seconds']:.1f}",
        },
    )


BLOCKS: dict[str, tuple[Callable[[Rows], str], str | None]] = {
    "machine": (machine, None),
    "targets": (targets, None),
    "epochs": (epochs, "training"),
    "floor": (floor, "training"),
    "operations": (operations, "operations"),
    "curriculum": (curriculum, "curriculum"),
    "strategies": (strategies, "strategies"),
    "evaluations": (evaluations, "strategies"),
    "overhead": (overhead, "strategies"),
    "alone": (alone, "imbalance"),
    "imbalance": (imbalance, "imbalance"),
    "tuning": (tuning, "tuning"),
    "seeds": (seeds, "seeds"),
    "startup": (startup, "startup"),
    "memory": (memory, "memory"),
    "extraction": (extraction, "extraction"),
    "faces": (faces, "faces"),
    "dag": (dag, "dag"),
}
"""Each table of the pages and the part that it needs (None = any)."""


def filled(page: str, rows: Rows) -> str:
    """The page with the tables of all parts that were measured."""
    for name, (block, part) in BLOCKS.items():
        if rows[part] if part else any(rows.values()):
            between = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
            text = block(rows)
            page = between.sub(lambda found, text=text: f"{found[1]}{text}\n{found[2]}", page)
    return page


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=Path, nargs="+", default=PAGES, dest="pages")
    parser.add_argument("--results", type=Path, default=FOLDER)
    options = parser.parse_args(arguments)
    rows = {part: load(part, options.results) for part in PARTS}
    for page in options.pages:
        page.write_text(filled(page.read_text(), rows))
    measured = ", ".join(part for part in PARTS if rows[part]) or "nothing"
    print(f"{', '.join(map(str, options.pages))}: {measured}")


if __name__ == "__main__":
    main()
