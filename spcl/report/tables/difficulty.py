"""Offline difficulty of each corpus, and its agreement with the order of admission."""

from collections.abc import Iterator, Sequence

import pandas as pd

from spcl.report import fields
from spcl.report.analysis import offline
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import over_seeds
from spcl.report.columns import COUNT, DATASET, REAL, TEXT
from spcl.report.fields import Field
from spcl.report.panels import GAP, RHO, Panel, text
from spcl.report.table import frame_of
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY, MODALITIES, SPLITS

TITLE = "Difficulty of the corpora"

SCHEMA = Schema(
    "difficulty table",
    (
        Column("part", TEXT, "probe, class, conversation or agreement"),
        DATASET,
        Column("split", TEXT, "train (out-of-fold), dev or test", True),
        Column("modality", TEXT, "of the probe: a, t or v", True),
        Column("emotion", TEXT, "of the part class", True),
        *(Column(axis, TEXT, "of a cell: of the part agreement", True) for axis in CELL_KEY[1:]),
        Column("measure", TEXT, "what was measured; see docs/results.md"),
        Column("value", REAL, "f1 in points, loss in nats, others in their own unit", True),
        Column("sd", REAL, "over utterances, conversations or seeds", True),
        Column("n", COUNT, "utterances, conversations or seeds that it is taken over"),
    ),
    key=("part", "dataset", "split", "modality", "emotion", *CELL_KEY[1:], "measure"),
)

_OF_CONVERSATIONS = {
    "n_utterances": ("Utterances", 1),
    "n_speakers": ("Speakers", 1),
    "shift_rate": ("Shift rate", 2),
    "shift_rate_within_speaker": ("Within speaker", 2),
    "incoherence": ("Incoherence", 2),
}
"""Heading and decimals of each measure."""

_Row = dict[str, object]


def compute(results: Results) -> pd.DataFrame:
    """A row for each measure; see `SCHEMA`."""
    rows = [*_probes(results), *_conversations(results), *_agreement(results)]
    return frame_of(rows, SCHEMA).astype({"value": float, "sd": float})


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
                yield {
                    "part": "agreement",
                    **dict(zip(CELL_KEY, key, strict=True)),
                    "modality": modality,
                    **_mean("spearman", rho.dropna()),
                }


def caption(data: pd.DataFrame) -> str:
    return (
        "A probe (logistic regression) on one modality alone, cross-fitted over dialogues on"
        " train: weighted F1 and F1 by class in points, loss of the true class in nats; train"
        " is out-of-fold. Conversations: mean ± standard deviation over conversations."
        f" Agreement: Spearman's {RHO} of an utterance's offline loss with the epoch that first"
        " admitted it, mean ± standard deviation over seeds; 1 = easy first."
    )


def panels(data: pd.DataFrame, results: Results) -> Iterator[Panel]:
    yield _probe_panel(data[data["part"] == "probe"])
    of_classes = data[(data["part"] == "class") & (data["split"] == "train")]
    if len(of_classes):
        yield _class_panel(of_classes)
    yield _conversation_panel(data[data["part"] == "conversation"])
    yield _agreement_panel(data[data["part"] == "agreement"], results)


def _wide(
    data: pd.DataFrame, key: Sequence[str], columns: Sequence[str], wanted: Sequence[str]
) -> pd.DataFrame:
    """A row for each `key`, with its ``value``, ``sd`` and ``n`` side by side.

    `wanted` are values of `columns` joined by a space. For each there are three columns:
    ``<wanted>``, ``<wanted>_sd`` and ``<wanted>_n``; NaN where `data` has no such row.
    """
    rows: dict[tuple[str, ...], _Row] = {}
    for _, row in data.iterrows():
        of_key = tuple(row[list(key)])
        found = rows.setdefault(of_key, dict(zip(key, of_key, strict=True)))
        name = " ".join(row[list(columns)])
        found |= {name: row["value"], f"{name}_sd": row["sd"], f"{name}_n": row["n"]}
    names = [f"{name}{ending}" for name in wanted for ending in ("", "_sd", "_n")]
    return pd.DataFrame(list(rows.values()), columns=[*key, *names])


_MODALITY = Field("Modality", lambda row: text(MODALITIES[row["modality"]]))


def _probe_panel(data: pd.DataFrame) -> Panel:
    scores = {split: f"weighted_f1 {split}" for split in SPLITS}
    shown = (
        fields.words("dataset"),
        _MODALITY,
        *(fields.value(score, f"W-F1 {split}") for split, score in scores.items()),
        fields.value("loss train", "Loss train", 2),
        *(fields.count(f"{score}_n", f"n {split}") for split, score in scores.items()),
    )
    wanted = [*scores.values(), "loss train"]
    wide = _wide(data, ("dataset", "modality"), ("measure", "split"), wanted)
    return fields.panel(wide, shown, "Probes, by modality", nested=1)


def _class_panel(data: pd.DataFrame) -> Panel:
    present = [letter for letter in MODALITIES if (data["modality"] == letter).any()]
    f1 = {f"f1 {letter}": f"F1 {MODALITIES[letter]}" for letter in present}
    loss = {f"loss {letter}": f"Loss {MODALITIES[letter]}" for letter in present}
    wide = _wide(data, ("dataset", "emotion"), ("measure", "modality"), [*f1, *loss])
    wide["n"] = wide.filter(regex="_n$").max(axis=1)
    shown = (
        fields.words("dataset"),
        fields.words("emotion"),
        *(fields.value(column, heading) for column, heading in f1.items()),
        *(fields.value(column, heading, 2) for column, heading in loss.items()),
        fields.count("n", "n"),
    )
    without_sd = wide.drop(columns=[f"{column}_sd" for column in (*f1, *loss)])
    return fields.panel(without_sd, shown, "Probes on train (out-of-fold), by class", nested=1)


def _conversation_panel(data: pd.DataFrame) -> Panel:
    shown = (
        fields.words("dataset"),
        fields.words("split"),
        *(fields.value(name, *shown) for name, shown in _OF_CONVERSATIONS.items()),
        fields.count("n_utterances_n", "Conversations"),
    )
    wide = _wide(data, ("dataset", "split"), ("measure",), list(_OF_CONVERSATIONS))
    return fields.panel(wide, shown, "Conversations", nested=1)


def _agreement_panel(data: pd.DataFrame, results: Results) -> Panel:
    shown = (
        *fields.cell(results.metrics),
        *(fields.difference(one, f"{RHO} {name}", 2) for one, name in MODALITIES.items()),
    )
    wide = _wide(data, CELL_KEY, ("modality",), list(MODALITIES))
    title = "Agreement with what the curriculum admits first"
    return fields.panel(wide, shown, title, nested=3)


def notes(data: pd.DataFrame, results: Results) -> Iterator[str]:
    probes = results.utterance_difficulty
    known = set(map(str, probes["dataset"]))
    if not len(probes):
        yield "No probe scores were given."
    elif not len(results.utterances):
        yield "No F1 (dash): the utterances of the corpora, which have the labels, are not given."
    frames = (results.utterances, results.curriculum)
    without = {str(name) for frame in frames for name in frame["dataset"].unique()} - known
    if without and known:
        yield f"No probe scores were given for: {', '.join(sorted(without))}."
    if not len(results.conversation_difficulty):
        yield "No conversation scores were given."
    else:
        yield (
            "Shift rate: share of adjacent labelled utterances with different emotions;"
            " incoherence: standard deviation over modalities of the summed probability of the"
            " true class. Both need labels, so they are known on train alone."
        )
    agreement = data[data["part"] == "agreement"]
    if not len(agreement):
        yield "No agreement: no cell of a curriculum was given for a corpus with probe scores."
    elif (agreement["n"] == 0).any():
        yield f"{RHO} {GAP}: undefined, because all utterances were admitted in the same epoch."
    if len(agreement) and (agreement["modalities"].str.len() < len(MODALITIES)).any():
        yield f"{RHO} {GAP} is also shown for a modality that the cell does not use."
