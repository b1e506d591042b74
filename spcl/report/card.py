"""The card of the models of a cell: what they are, how well they answer, and their limits.

All of it follows from the tables of the cell and the facts in the files of its models.
"""

import json
import math
from collections.abc import Iterator, Sequence

import pandas as pd
import yaml

from spcl.models.saved import ModelFacts
from spcl.report import columns, fields, footnotes
from spcl.report.analysis.results import Results
from spcl.report.columns import COUNT, REAL, TEXT
from spcl.report.fields import Field, Row
from spcl.report.panels import GAP, Entry, Panel, text
from spcl.report.table import ResultTable, frame_of
from spcl.report.tables import calibration, main, per_class, robustness
from spcl.study.shipped import SHIPPED
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY, MODALITIES

SCHEMA = Schema(
    "model card",
    (
        *columns.CELL,
        Column("measure", TEXT, "weighted_f1, accuracy, macro_f1, f1, modality_missing, ece, ..."),
        Column("of", TEXT, "the emotion of f1; the missing modalities; else empty"),
        *columns.mean("value", "in the unit of the measure", nullable=True),
        *columns.bounds(),
        Column("n_utterances", COUNT, "labelled test utterances; of f1, those of the class", True),
        Column("drop", REAL, "weighted F1 lost without the modalities, points", True),
    ),
    key=(*CELL_KEY, "measure", "of"),
)

_SCORES = {"weighted_f1": "Weighted F1", "accuracy": "Accuracy", "macro_f1": "Macro F1"}
_CALIBRATION = {
    "ece": "ECE, points",
    "brier": "Brier score, 0 to 2",
    "nll": "Negative log-likelihood, nats",
    "excess": "Confidence minus accuracy, points",
}


def card(results: Results, facts: Sequence[ModelFacts]) -> ResultTable:
    """Describe the models of one cell.

    Parameters
    ----------
    results
        The metrics, predictions, robustness and curriculum tables of the cell.
    facts
        Of the model of each seed.
    """
    data = frame_of(_rows(results), SCHEMA)
    first, seeds = facts[0], footnotes.seeds_in_words([len(facts)])
    return ResultTable(
        name="card",
        title=f"Model card: {first.baseline} on {first.dataset}, {first.modalities},"
        f" {first.curriculum}",
        caption="Written from the tables of the cell and the files of its models. Scores are those"
        f" of the test split, mean ± standard deviation over {seeds}."
        " Intervals are 95 % bootstrap intervals over dialogues and seeds.",
        data=data,
        schema=SCHEMA,
        panels=tuple(_panels(data, results, facts)),
        notes=tuple(_notes(data, results, facts)),
        simulated=(first.dataset,) if first.simulated else (),
    )


def _rows(results: Results) -> Iterator[dict[str, object]]:
    """The numbers of the card, see `SCHEMA`."""
    key = {axis: results.metrics[axis].iloc[0] for axis in CELL_KEY}

    def row(measure: str, of: str, found: Row, column: str, **more: object) -> dict[str, object]:
        ends = {end: found.get(f"{column}_{end}", math.nan) for end in ("low", "high", "sd")}
        ends["value_sd"] = ends.pop("sd")
        return key | {"measure": measure, "of": of, "value": found[column]} | ends | more

    scored = main.compute(results, test=False).iloc[0]
    calibrated = calibration.compute(results).iloc[0]
    for names, found in ((_SCORES, scored), (_CALIBRATION, calibrated)):
        for name in names:
            yield row(name, "", found, name, n_utterances=found["n_utterances"])
    for _, found in per_class.compute(results).iterrows():
        yield row("f1", found["emotion"], found, "f1", n_utterances=found["n_utterances"])
    perturbed = robustness.compute(results)
    for _, found in perturbed[perturbed["perturbation"] == "modality_missing"].iterrows():
        if not found["summary"]:
            missing = str(found["modality"])
            yield row("modality_missing", missing, found, "score", drop=found["drop"])


def _panels(data: pd.DataFrame, results: Results, facts: Sequence[ModelFacts]) -> Iterator[Panel]:
    yield Panel(
        ("Fact", "Value"),
        tuple((text(name), text(value)) for name, value in _facts(results, facts)),
        "The models",
    )
    scores = data[data["measure"].isin(_SCORES)]
    yield fields.panel(scores, (_named("Score", _SCORES), *_estimate()), "Scores")
    count = fields.count("n_utterances", "Test utterances")
    by_class = data[data["measure"] == "f1"]
    yield fields.panel(by_class, (fields.words("of", "Class"), *_estimate(), count), "F1 by class")
    missing = data[data["measure"] == "modality_missing"]
    if len(missing):
        lost = fields.value("value", "Weighted F1"), fields.value("drop", "Loss")
        yield fields.panel(missing, (_missing(), *lost), "Missing modalities")
    calibrated = data[data["measure"].isin(_CALIBRATION)]
    measured = _named("Measure", _CALIBRATION), fields.value("value", "Value", 3)
    yield fields.panel(calibrated, measured, "Calibration")


def _estimate() -> tuple[Field, ...]:
    """A mean with its standard deviation, and the interval."""

    def interval(row: Row) -> Entry:
        if math.isnan(row["low"]):
            return Entry(GAP, math.nan)
        return Entry(f"[{row['low']:.1f}, {row['high']:.1f}]", row["low"])

    return fields.value("value", "Mean"), Field("95 % interval", interval)


def _named(heading: str, names: dict[str, str]) -> Field:
    return Field(heading, lambda row: text(names[row["measure"]]))


def _missing() -> Field:
    def entry(row: Row) -> Entry:
        return text(", ".join(MODALITIES[m] for m in row["of"]))

    return Field("Missing everywhere", entry)


def _facts(results: Results, facts: Sequence[ModelFacts]) -> Iterator[tuple[str, str]]:
    first = facts[0]
    yield "Corpus", first.dataset + (", simulated: no real recordings" if first.simulated else "")
    unnamed = "none: simulated" if first.simulated else "not named in the config; ask its authors"
    yield "Licence of the corpus", first.licence or unnamed
    yield "Splits", first.protocol
    trained = results.curriculum
    n = len(trained[trained["seed"] == first.seed])
    yield "Labelled training utterances", f"{n:,}"
    yield "Classes, in order", ", ".join(first.labels)
    for m in first.modalities:
        features = first.extractors.get(m, {})
        yield (
            f"Features of {MODALITIES[m]}",
            f"{features.get('extractor') or 'unknown'}, {first.widths[m]} numbers"
            f" ({features.get('version') or 'version unknown'})",
        )
    yield "Baseline", first.baseline + (f" ({first.source})" if first.source else "")
    yield (
        "Settings of the baseline",
        json.dumps(first.settings, sort_keys=True) if first.settings else "the published ones",
    )
    yield "Curriculum", first.curriculum
    yield "Speakers of a dialogue", f"at most {first.n_speakers}"
    best = (f"seed {one.seed}: epoch {one.best_epoch}" for one in facts)
    yield "Seeds and best epochs", "; ".join(best)
    yield "Trained with", ", ".join(f"{name} {one}" for name, one in first.versions.items())
    yield "Code", f"commit {first.commit}"
    yield "Device", first.device


def _notes(data: pd.DataFrame, results: Results, facts: Sequence[ModelFacts]) -> Iterator[str]:
    first = facts[0]
    runs = results.metrics[results.metrics["split"] == "test"]
    if first.simulated:
        yield (
            "The corpus is simulated. The models show that the software works. They know nothing"
            " about real speech, faces or emotions."
        )
    yield (
        "The scores apply to the test split of this corpus. They are unknown for other languages,"
        " speakers, rooms and devices. Annotate a sample of your own recordings and compare."
    )
    yield (
        f"Every utterance is given one of the {len(first.labels)} classes, also if none applies."
        " The classes are impressions of annotators. They do not show what a person feels."
    )
    excess = data.loc[data["measure"] == "excess", "value"].iloc[0]
    if not math.isnan(excess):
        direction = "over-confident" if excess > 0 else "under-confident"
        yield f"On average the models are {direction} by {abs(excess):.1f} points."
    classes = data[data["measure"] == "f1"]
    if absent := list(classes.loc[classes["n_utterances"] == 0, "of"]):
        yield f"Without a test utterance, thus untested: {', '.join(absent)}."
    if len(facts) == 1:
        yield footnotes.ONE_SEED
    if runs["diverged"].any():
        yield f"{runs['diverged'].sum()} of the trainings diverged; their best epoch before counts."
    if first.protocol == "best-test-epoch":
        yield "The epoch was chosen on the test split itself, so the scores are optimistic."
    yield from footnotes.class_rules(results)
    yield _citation()


def _citation() -> str:
    """How to cite, from CITATION.cff."""
    cited = yaml.safe_load((SHIPPED / "CITATION.cff").read_text(encoding="utf-8"))
    authors = ", ".join(author["name"] for author in cited["authors"])
    links = ", ".join(one["value"] for one in cited["identifiers"])
    return (
        f"Cite: {authors}: {cited['title']}, version {cited['version']} ({cited['license']}), and"
        f" {links}. Cite the corpus and the encoders, too; their licences apply to the models"
        " (python -m spcl extractors lists those of the encoders)."
    )
