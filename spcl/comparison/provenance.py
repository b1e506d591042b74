"""What the results of two runs depend on: code, packages, machine, settings, features."""

import json
from collections.abc import Iterator

import pandas as pd
import pyarrow.parquet as pq

from spcl.comparison.pairs import joined
from spcl.comparison.run import Run
from spcl.data.files.parsing import read_facts, readable
from spcl.report import fields, footnotes
from spcl.report.analysis.scores import CellKey, by_cell
from spcl.report.columns import FLAG, TEXT
from spcl.report.panels import GAP, Panel
from spcl.report.table import ResultTable, frame_of
from spcl.tables.parquet import Column, Schema

SCHEMA = Schema(
    "provenance of two runs",
    (
        Column("item", TEXT, "commit, device, a package, settings of a cell, ..."),
        Column("a", TEXT, "of A; several values where its trainings differ", True),
        Column("b", TEXT, "of B", True),
        Column("differs", FLAG, "whether the two are not the same"),
    ),
    key=("item",),
)

_Facts = dict[str, str]

DIFFERENT = "Different"
"""Title of the panel that the terminal shows."""

_SETTINGS = "settings of "


def provenance_table(first: Run, second: Run) -> ResultTable:
    """List what can change the results, and whether it is the same in both runs.

    Protocols and settings are those of the cells that both runs have. Features count
    where a run has ``results/features``.
    """
    shared = {key for key, _ in by_cell(first.results.metrics)}
    shared &= {key for key, _ in by_cell(second.results.metrics)}
    a, b = _facts(first, shared), _facts(second, shared)
    rows = [
        {"item": item, "a": a.get(item), "b": b.get(item), "differs": a.get(item) != b.get(item)}
        for item in dict.fromkeys([*a, *b])
    ]
    data = frame_of(rows, SCHEMA)
    return ResultTable(
        name="provenance",
        title="What differs between the runs",
        caption=f"A: {first.name}. B: {second.name}.",
        data=data,
        schema=SCHEMA,
        panels=tuple(_panels(data[~data["item"].str.startswith(_SETTINGS)])),
        notes=tuple(_notes(data)),
    )


def _panels(data: pd.DataFrame) -> Iterator[Panel]:
    """A panel of the items that differ and one of the others; without empty panels."""
    for title, differs in ((DIFFERENT, True), ("The same in both", False)):
        rows = data[data["differs"] == differs].fillna({"a": GAP, "b": GAP})
        if len(rows):
            yield fields.panel(rows, [fields.words(name) for name in ("item", "a", "b")], title)


def _facts(run: Run, shared: set[CellKey]) -> _Facts:
    """The items of one run; of its cells, only those of `shared`."""
    trainings = run.results.metrics
    packages: dict[str, dict[str, None]] = {}
    for versions in trainings["versions"].astype(str).unique():
        for package, version in json.loads(versions).items():
            packages.setdefault(package, {})[version] = None
    facts = {item: joined(trainings[item]) for item in ("commit", "device")}
    facts |= {package: ", ".join(versions) for package, versions in packages.items()}
    for key, rows in by_cell(trainings):
        if key in shared:
            simulated = ", simulated" if rows["simulated"].any() else ""
            facts[f"protocol of {key[0]}"] = joined(rows["protocol"]) + simulated
            facts[f"{_SETTINGS}{'/'.join(key)}"] = joined(rows["config_digest"])
    return facts | dict(_features(run, {key[0] for key in shared}))


def _features(run: Run, datasets: set[str]) -> Iterator[tuple[str, str]]:
    """The extractor of each feature table of `datasets` in the run's folder."""
    for path in sorted((run.root / "features").glob("*/?.parquet")):
        with readable(path):
            schema = pq.read_schema(path)
        facts = read_facts(schema.empty_table(), path)
        if path.parent.name in datasets and "extractor" in facts:
            options = json.dumps(facts["options"], sort_keys=True)
            yield (
                f"features {path.parent.name}/{path.stem}",
                f"{facts['extractor']} {facts['version']}, width {facts['width']}, {options},"
                f" made from {facts['inputs']}",
            )


def _notes(data: pd.DataFrame) -> Iterator[str]:
    if not data["differs"].any():
        yield f"Nothing differs: all {len(data)} items are equal."
    settings = data[data["item"].str.startswith(_SETTINGS)]
    other = settings.loc[settings["differs"], "item"].str.removeprefix(_SETTINGS)
    if len(other):
        yield (
            f"Settings differ in {len(other)} of {len(settings)} shared cells:"
            f" {footnotes.first_six(list(other))}."
        )
    if not data["item"].str.startswith("features ").any():
        yield "No feature tables were found beside the cells, so the extractors are unknown."
    if data.loc[data["item"] == "commit", ["a", "b"]].map(lambda x: "+" in str(x)).any(axis=None):
        yield "A commit that ends with + had uncommitted changes."
