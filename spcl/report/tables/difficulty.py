"""How hard each corpus is for a probe on one modality, and whether the curriculum agrees."""

import math
from collections.abc import Iterator

import pandas as pd
import pyarrow as pa

from spcl.report import footnotes
from spcl.report.analysis import offline
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import CellKey, over_seeds
from spcl.report.panels import GAP, RHO, Entry, Panel, number, signed, text
from spcl.report.table import ResultTable
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY, MODALITIES, SPLITS

_TEXT = pa.string()

SCHEMA = Schema(
    "difficulty table",
    (
        Column("part", _TEXT, "probe, class, conversation or agreement"),
        Column("dataset", _TEXT, "the corpus' name in the config"),
        Column("split", _TEXT, "train (out-of-fold), dev or test", True),
        Column("modality", _TEXT, "of the probe: a, t or v", True),
        Column("emotion", _TEXT, "of the part class", True),
        Column("baseline", _TEXT, "of a cell: of the part agreement", True),
        Column("modalities", _TEXT, "of a cell", True),
        Column("curriculum", _TEXT, "of a cell", True),
        Column("measure", _TEXT, "what was measured; see docs/results.md"),
        Column("value", pa.float64(), "f1 in points, loss in nats, others in their own unit", True),
        Column("sd", pa.float64(), "over utterances, conversations or seeds", True),
        Column("n", pa.int32(), "utterances, conversations or seeds that it is taken over"),
    ),
    key=("part", "dataset", "split", "modality", "emotion", *CELL_KEY[1:], "measure"),
)

_OF_CONVERSATIONS = {
    "n_utterances": "Utterances",
    "n_speakers": "Speakers",
    "shift_rate": "Shift rate",
    "shift_rate_within_speaker": "Within speaker",
    "incoherence": "Incoherence",
}

_Row = dict[str, object]


def make(results: Results) -> ResultTable:
    """Make the table; see `SCHEMA` for its columns."""
    signs = footnotes.of_cells(results.metrics)
    rows = [*_probes(results), *_conversations(results), *_agreement(results)]
    data = pd.DataFrame(rows, columns=[column.name for column in SCHEMA.columns])
    data = data.astype({"value": float, "sd": float})
    return ResultTable(
        name="difficulty",
        title="How hard the corpora are",
        caption=(
            "A probe (logistic regression) on one modality alone, cross-fitted over dialogues on"
            " train: weighted F1 and F1 by class in points, loss of the true class in nats; train"
            " is out-of-fold. Conversations: mean ± standard deviation over conversations."
            f" Agreement: Spearman's {RHO} of an utterance's offline loss with the epoch that first"
            " admitted it, mean ± standard deviation over seeds; 1 = easy first."
        ),
        data=data,
        schema=SCHEMA,
        panels=tuple(_panels(data, signs)),
        notes=(*footnotes.explained(_signs_of_agreement(data, signs)), *_notes(results, data)),
        simulated=results.simulated,
    )


def _probes(results: Results) -> Iterator[_Row]:
    """F1 by split and by class, and the loss on train."""
    scored = offline.with_emotion(results)
    for (dataset, modality), of_probe in scored.groupby(["dataset", "modality"], sort=False):
        key = {"dataset": dataset, "modality": modality}
        for split in SPLITS:
            rows = of_probe[(of_probe["split"] == split) & of_probe["emotion"].notna()]
            if len(rows):
                score, by_class = offline.probe_scores(rows)
                one = key | {"split": split, "n": len(rows)}
                yield one | {"part": "probe", "measure": "weighted_f1", "value": score}
                counts = rows["emotion"].value_counts()
                for emotion in results.labels[str(dataset)]:
                    if emotion in counts:
                        yield one | {
                            "part": "class",
                            "emotion": emotion,
                            "measure": "f1",
                            "value": by_class[emotion],
                            "n": counts[emotion],
                        }
        loss = of_probe["loss"].dropna()
        if len(loss):
            yield key | {"split": "train", "part": "probe"} | _mean("loss", loss)
        for label, of_class in of_probe.groupby("emotion", sort=False):
            loss = of_class["loss"].dropna()
            if len(loss):
                one = key | {"split": "train", "part": "class", "emotion": label}
                yield one | _mean("loss", loss)


def _mean(measure: str, values: pd.Series) -> _Row:
    mean, sd = over_seeds(values)
    return {"measure": measure, "value": mean, "sd": sd, "n": len(values)}


def _conversations(results: Results) -> Iterator[_Row]:
    conversations = results.conversation_difficulty
    if not len(conversations):
        return
    for dataset, rows in conversations.groupby("dataset", observed=True):
        for split in SPLITS:
            of_split = rows[rows["split"] == split]
            for measure in _OF_CONVERSATIONS:
                values = of_split[measure].dropna()
                if len(values):
                    key = {"part": "conversation", "dataset": dataset, "split": split}
                    yield key | _mean(measure, values)


def _agreement(results: Results) -> Iterator[_Row]:
    """By cell and modality of the cell: Spearman's rho with the first epoch admitted."""
    losses = offline.losses(results)
    for key, first in offline.first_epochs(results):
        of_dataset = losses.get(key[0], pd.DataFrame())
        for modality in key[2]:
            if modality in of_dataset:
                rho = offline.rank_correlation(first, of_dataset[modality])
                known = rho.dropna()
                yield {
                    "part": "agreement",
                    **dict(zip(CELL_KEY, key, strict=True)),
                    "modality": modality,
                    **_mean("spearman", known),
                }


def _signs_of_agreement(data: pd.DataFrame, signs: dict[CellKey, str]) -> list[str]:
    """The signs of the cells in the last part."""
    agreement = data.loc[data["part"] == "agreement", list(CELL_KEY)].drop_duplicates()
    return [signs.get(key, "") for key in agreement.itertuples(index=False, name=None)]


def _panels(data: pd.DataFrame, signs: dict[CellKey, str]) -> Iterator[Panel]:
    yield _probe_panel(data[data["part"] == "probe"])
    of_classes = data[(data["part"] == "class") & (data["split"] == "train")]
    if len(of_classes):
        yield _class_panel(of_classes)
    yield _conversation_panel(data[data["part"] == "conversation"])
    yield _agreement_panel(data[data["part"] == "agreement"], signs)


def _value(rows: pd.DataFrame, **where: str) -> pd.Series:
    """The one row with these values; NaN throughout where there is none."""
    for column, value in where.items():
        rows = rows[rows[column] == value]
    return rows.iloc[0] if len(rows) else pd.Series({"value": math.nan, "sd": math.nan, "n": 0})


def _probe_panel(data: pd.DataFrame) -> Panel:
    rows = []
    for (dataset, modality), probe in data.groupby(["dataset", "modality"], sort=False):
        f1 = [_value(probe, measure="weighted_f1", split=split) for split in SPLITS]
        loss = _value(probe, measure="loss")
        rows.append(
            (
                text(dataset),
                text(MODALITIES[str(modality)]),
                *(number(one["value"]) for one in f1),
                number(loss["value"], 2, spread=loss["sd"]),
                *(number(one["n"] or math.nan, 0) for one in f1),
            )
        )
    headings = ("Dataset", "Modality", "W-F1 train", "W-F1 dev", "W-F1 test", "Loss train")
    counts = tuple(f"n {split}" for split in SPLITS)
    return Panel((*headings, *counts), tuple(rows), "Probes, by modality", nested=1)


def _class_panel(data: pd.DataFrame) -> Panel:
    present = [letter for letter in MODALITIES if (data["modality"] == letter).any()]
    rows: list[tuple[Entry, ...]] = []
    for (dataset, emotion), block in data.groupby(["dataset", "emotion"], sort=False):
        f1 = [_value(block, measure="f1", modality=letter) for letter in present]
        loss = [_value(block, measure="loss", modality=letter) for letter in present]
        rows.append(
            (
                text(dataset),
                text(emotion),
                *(number(one["value"]) for one in f1),
                *(number(one["value"], 2) for one in loss),
                number(max(one["n"] for one in [*f1, *loss]), 0),
            )
        )
    names = [MODALITIES[letter] for letter in present]
    headings = (*(f"F1 {name}" for name in names), *(f"Loss {name}" for name in names))
    return Panel(
        ("Dataset", "Emotion", *headings, "n"),
        tuple(rows),
        "Probes on train (out-of-fold), by class",
        nested=1,
    )


def _conversation_panel(data: pd.DataFrame) -> Panel:
    rows = []
    for (dataset, split), block in data.groupby(["dataset", "split"], sort=False):
        of_measures = [_value(block, measure=measure) for measure in _OF_CONVERSATIONS]
        decimals = (1, 1, 2, 2, 2)
        rows.append(
            (
                text(dataset),
                text(split),
                *(
                    number(one["value"], places, spread=one["sd"])
                    for one, places in zip(of_measures, decimals, strict=True)
                ),
                number(of_measures[0]["n"], 0),
            )
        )
    headings = ("Dataset", "Split", *_OF_CONVERSATIONS.values(), "Conversations")
    return Panel(headings, tuple(rows), "Conversations", nested=1)


def _agreement_panel(data: pd.DataFrame, signs: dict[CellKey, str]) -> Panel:
    rows = []
    for key, block in data.groupby(list(CELL_KEY), sort=False):
        rho = [_value(block, modality=letter) for letter in MODALITIES]
        rows.append(
            (
                *(text(part) for part in key[:-1]),
                text(key[-1], marks=signs.get(tuple(map(str, key)), "")),
                *(signed(one["value"], 2, spread=one["sd"]) for one in rho),
            )
        )
    of_modalities = (f"{RHO} {name}" for name in MODALITIES.values())
    return Panel(
        ("Dataset", "Baseline", "Modalities", "Curriculum", *of_modalities),
        tuple(rows),
        "Agreement with what the curriculum admits first",
        nested=3,
    )


def _datasets(results: Results) -> set[str]:
    """Those with utterances or with admissions."""
    frames = (results.utterances, results.curriculum)
    return {str(name) for frame in frames for name in frame["dataset"].unique()}


def _notes(results: Results, data: pd.DataFrame) -> list[str]:
    notes = []
    if not len(results.utterance_difficulty):
        notes.append("No probe scores were given.")
    elif not len(results.utterances):
        notes.append(
            "No F1 (dash): the corpora's utterances, which hold the labels, are not given."
        )
    without = sorted(_datasets(results) - set(map(str, results.utterance_difficulty["dataset"])))
    if without and len(results.utterance_difficulty):
        notes.append(f"No probe scores were given of: {', '.join(without)}.")
    if not len(results.conversation_difficulty):
        notes.append("No conversation scores were given.")
    else:
        notes.append(
            "Shift rate: share of adjacent labelled utterances with different emotions;"
            " incoherence: standard deviation over modalities of the summed probability of the"
            " true class. Both need labels, so they are known on train alone."
        )
    agreement = data[data["part"] == "agreement"]
    if not len(agreement):
        notes.append(
            "No agreement: no cell of a curriculum was given whose corpus has probe scores."
        )
    elif (agreement["n"] == 0).any():
        notes.append(f"{RHO} {GAP}: undefined, for every utterance was admitted in the same epoch.")
    if len(agreement) and (agreement["modalities"].str.len() < len(MODALITIES)).any():
        notes.append(f"{RHO} {GAP} stands too for a modality that the cell does not use.")
    return notes
