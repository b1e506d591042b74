"""Robustness: scores with missing modalities and noise, by curriculum."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd

from spcl.report import columns, fields, footnotes
from spcl.report.analysis.resampled import ResampledScore, weighted_sum
from spcl.report.analysis.results import Results
from spcl.report.analysis.robustness import PERTURBATIONS, PerturbedScores, perturbed_scores
from spcl.report.analysis.scores import NONE, CellKey, Gain, by_cell, over_seeds
from spcl.report.columns import COUNT, FLAG, REAL, TEXT
from spcl.report.fields import Field, Row
from spcl.report.panels import MINUS, Entry, Panel, number
from spcl.report.table import frame_of
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY, MODALITIES

TITLE = "Robustness"

SCHEMA = Schema(
    "robustness table",
    (
        *columns.CELL,
        Column("perturbation", TEXT, "modality_missing, utterances_missing, ..., noise"),
        Column("modality", TEXT, "the perturbed modalities; in a summary those of the cell"),
        Column("level", REAL, "share missing or deviations; null = mean over the levels", True),
        Column("summary", FLAG, "the one number of this perturbation"),
        Column("n_seeds", COUNT, "seeds of the cell"),
        *columns.mean("score", "weighted F1, points"),
        *columns.mean("drop", "weighted F1 without the perturbation minus score, points"),
        columns.N_PAIRED_SEEDS,
        *columns.estimate("gain", "score above none, paired by seed", nullable=True),
        *columns.estimate("drop_change", "drop minus that of none; of means only", nullable=True),
        columns.N_DIALOGUES,
        *columns.CAUTIONS,
    ),
    key=(*CELL_KEY, "perturbation", "modality", "level", "summary"),
)


def compute(results: Results) -> pd.DataFrame:
    """A row a perturbation, level and cell, and summaries; see `SCHEMA`."""
    metrics = results.metrics
    runs = dict(by_cell(metrics[metrics["split"] == "test"]))
    found = perturbed_scores(results)
    measured = {key: dict(_measures(key, found)) for key in found}
    rows = []
    for key, by_measure in measured.items():
        clean, base = found[key].clean, (*key[:-1], NONE)
        for measure, score in by_measure.items():
            reference = measured[base].get(measure) if key != base and base in measured else None
            gain = drop_change = Gain()
            if reference is not None:
                gain = score.gain(reference)
            if reference is not None and measure[2] is None:
                drop_change = _minus(clean, score).gain(_minus(found[base].clean, reference))
            row: dict[str, object] = dict(zip(CELL_KEY, key, strict=True))
            for name, by_seed in (
                ("score", score.points),
                ("drop", (clean.points - score.points).dropna()),
            ):
                row[name], row[f"{name}_sd"] = over_seeds(by_seed)
            rows.append(
                row
                | dict(zip(("perturbation", "modality", "level", "summary"), measure, strict=True))
                | gain.columns("gain")
                | drop_change.columns("drop_change")
                | footnotes.cautions(runs[key])
                | {
                    "n_seeds": len(score.points),
                    "n_paired_seeds": gain.n_seeds,
                    "n_dialogues": score.n_dialogues,
                }
            )
    return frame_of(rows, SCHEMA)


_Measure = tuple[str, str, float | None, bool]
"""Perturbation, modality, level and summary, as in `SCHEMA`."""


def _measures(
    key: CellKey, found: dict[CellKey, PerturbedScores]
) -> Iterator[tuple[_Measure, ResampledScore]]:
    """Every score of a cell, with its summaries."""
    scores = found[key]
    for perturbation in PERTURBATIONS:
        tried = {one: score for one, score in scores.at.items() if one[0] == perturbation}
        for (_, modality, level), score in tried.items():
            yield (perturbation, modality, level, False), score
        if perturbation == "noise":
            for modality in dict.fromkeys(modality for _, modality, _ in tried):
                yield (perturbation, modality, None, False), scores.mean(perturbation, modality)
        summary = scores.summary(perturbation)
        if summary is not None:
            yield (perturbation, key[2], None, True), summary


def _minus(one: ResampledScore, other: ResampledScore) -> ResampledScore:
    return weighted_sum([(1.0, one), (-1.0, other)])


def caption(data: pd.DataFrame) -> str:
    return (
        "Weighted F1 on the test split in points, mean over"
        f" {footnotes.seeds_in_words(data['n_seeds'])}, where modalities are missing or noisy."
        " The model of the best epoch is not trained again. All cells of a corpus see the same"
        " masks and noise. Mean: over the single modalities, or over the levels from 0 (area"
        f" under the curve divided by its width). Drop: weighted F1 without perturbation {MINUS}"
        " mean."
        " Gain: mean above that of the curriculum none; drop change: drop minus that of none, below"
        " zero = more robust; both paired by seed, with 95 % bootstrap intervals over dialogues and"
        " seeds."
    )


def panels(data: pd.DataFrame, results: Results) -> Iterator[Panel]:
    """A panel a corpus and perturbation, a block a modality set, a row a curriculum."""
    names = (
        *(fields.words(axis) for axis in ("baseline", "modalities")),
        fields.words("curriculum", marks=footnotes.signs),
    )
    if not len(data):
        yield fields.panel(data, names)
    for dataset, of_dataset in data.groupby("dataset", sort=False):
        for perturbation, words in PERTURBATIONS.items():
            rows = of_dataset[of_dataset["perturbation"] == perturbation]
            shown = (
                *names,
                Field("Clean", lambda row: number(row["score"] + row["drop"])),
                *_levels(rows, perturbation),
                fields.value("score", "Mean", mark_best=True),
                fields.value("drop", "Drop"),
                *fields.blank_for(
                    NONE,
                    fields.difference("gain", "Gain"),
                    fields.bounds("gain"),
                    fields.difference("drop_change", "Drop change"),
                    fields.bounds("drop_change"),
                ),
            )
            if rows["summary"].any():
                yield fields.panel(rows[rows["summary"]], shown, f"{dataset}: {words}", nested=2)


def _levels(rows: pd.DataFrame, perturbation: str) -> Iterator[Field]:
    """A column a level, or a modality: the scores that the mean is taken over."""
    single = rows[~rows["summary"]]
    column = "level" if perturbation.endswith("s_missing") else "modality"
    if perturbation == "noise":
        single = single[single["level"].isna()]
    if perturbation == "modality_missing":
        single = single[single["modality"].str.len() == 1]
    scores = single.set_index([*CELL_KEY, column])["score"].to_dict()
    for value in sorted(single[column].unique(), key=_place):
        heading = f"{value:g}" if column == "level" else MODALITIES[value].capitalize()
        prefix = "No " if perturbation == "modality_missing" else ""
        yield Field(f"{prefix}{heading.lower() if prefix else heading}", _at(scores, value))


def _place(value: float | str) -> float:
    return list(MODALITIES).index(value) if isinstance(value, str) else value


def _at(scores: Mapping[Any, float], value: object) -> Callable[[Row], Entry]:
    return lambda row: number(scores.get((*(row[axis] for axis in CELL_KEY), value), math.nan))


def notes(data: pd.DataFrame, results: Results) -> Iterator[str]:
    if not len(results.metrics):
        yield footnotes.NO_CELLS
        return
    if not len(data):
        yield "No perturbation was tried: the lists of robustness in the config are empty."
        return
    if (data["modalities"].str.len() == 1).any():
        yield "A model of one modality has no row where one modality is missing."
    rivals = data[data["curriculum"] != NONE]
    if not len(rivals):
        yield "Only the curriculum none was given, so there are no gains."
    if (rivals["n_paired_seeds"] == 0).any():
        yield "No gain (dash) where the cell of none, or a common seed, is missing."
    if (rivals["gain"].notna() & rivals["gain_low"].isna()).any():
        yield footnotes.NO_INTERVAL
    if (data["n_seeds"] == 1).any():
        yield footnotes.ONE_SEED
    yield from footnotes.absent_cells(data)
