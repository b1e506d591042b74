"""Features of each corpus and modality: share observed, grouping by emotion and by speaker."""

from collections.abc import Callable, Iterator

import pandas as pd

from spcl.report import fields
from spcl.report.analysis.feature_space import (
    N_COMPONENTS,
    N_SHUFFLES,
    SAMPLE_SIZE,
    FeatureSpace,
    Silhouette,
    feature_spaces,
)
from spcl.report.analysis.results import Results
from spcl.report.columns import COUNT, DATASET, REAL, SIMULATED, TEXT
from spcl.report.fields import Field, Row
from spcl.report.panels import Entry, Panel, signed, text
from spcl.report.table import frame_of
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import MODALITIES

TITLE = "Features of the corpora"

GROUPS = ("emotion", "speaker")
"""What silhouettes group by."""


def _silhouette_columns(group: str) -> tuple[Column, ...]:
    return (
        Column(f"n_{group}s", COUNT, f"{group}s in the sample"),
        Column(f"silhouette_{group}", REAL, f"mean silhouette of the sample by {group}", True),
        Column(f"chance_{group}", REAL, "the same for random groups of the same sizes", True),
        Column(f"undefined_{group}", TEXT, f"why there is no silhouette by {group}", True),
    )


SCHEMA = Schema(
    "features table",
    (
        DATASET,
        Column("modality", TEXT, "a, t or v"),
        Column("extractor", TEXT, "as in the config"),
        Column("width", COUNT, "numbers per vector"),
        Column("n_utterances", COUNT, "utterances of the corpus"),
        Column("n_observed", COUNT, "utterances with a vector"),
        Column("observed", REAL, "share of the utterances with a vector, %"),
        Column("n_sample", COUNT, "observed labelled utterances that the silhouettes are over"),
        *(column for group in GROUPS for column in _silhouette_columns(group)),
        SIMULATED,
    ),
    key=("dataset", "modality"),
)


def compute(results: Results) -> pd.DataFrame:
    """A row for each corpus and modality; see `SCHEMA`."""
    return frame_of((row(space, results) for space in feature_spaces(results)), SCHEMA)


def row(space: FeatureSpace, results: Results) -> dict[str, object]:
    """The columns of `SCHEMA`."""
    n_observed = len(space.norms)
    return {
        "dataset": space.dataset,
        "modality": space.modality,
        "extractor": space.extractor,
        "width": space.width,
        "n_utterances": space.n_utterances,
        "n_observed": n_observed,
        "observed": 100 * n_observed / max(space.n_utterances, 1),
        "n_sample": len(space.sample),
        **_of_group("emotion", space.by_emotion),
        **_of_group("speaker", space.by_speaker),
        "simulated": space.dataset in results.simulated,
    }


def _of_group(group: str, found: Silhouette) -> dict[str, object]:
    return {
        f"n_{group}s": found.n_groups,
        f"silhouette_{group}": found.value,
        f"chance_{group}": found.chance,
        f"undefined_{group}": found.undefined or None,
    }


def caption(data: pd.DataFrame) -> str:
    return (
        "Share of the utterances that have features, and mean silhouettes of the features grouped"
        " by emotion and by speaker: 1 = compact groups far apart, 0 = groups that overlap, below"
        " 0 = utterances nearer to another group than to their own. They are over at most"
        f" {SAMPLE_SIZE:,} observed labelled utterances of all splits, evenly spaced, in the first"
        f" {N_COMPONENTS} principal components of the standardised features."
    )


def panels(data: pd.DataFrame, results: Results) -> Iterator[Panel]:
    shown = (
        fields.words("dataset"),
        Field("Modality", lambda row: text(MODALITIES[row["modality"]])),
        fields.words("extractor"),
        fields.count("width", "Width"),
        fields.value("observed", "Observed %"),
        *(field for group in GROUPS for field in _silhouettes(group)),
        fields.count("n_sample", "n"),
        *(fields.count(f"n_{group}s", f"{group.capitalize()}s") for group in GROUPS),
    )
    yield fields.panel(data, shown, nested=1)


def _silhouettes(group: str) -> tuple[Field, Field]:
    def shown(column: str) -> Callable[[Row], Entry]:
        return lambda row: signed(row[f"{column}_{group}"], 3)

    name = group.capitalize()
    return (
        Field(f"{name}: silhouette", shown("silhouette")),
        Field(f"{name}: chance", shown("chance")),
    )


def notes(data: pd.DataFrame, results: Results) -> Iterator[str]:
    if not len(data):
        yield "No features were given."
        return
    if not len(results.utterances):
        yield "The utterances of the corpora, which have emotions and speakers, were not given."
    for group in GROUPS:
        missing = data[data[f"undefined_{group}"].notna()]
        for why, rows in missing.groupby(f"undefined_{group}", sort=False):
            pairs = zip(rows["dataset"], rows["modality"], strict=True)
            named = ", ".join(f"{dataset} {MODALITIES[letter]}" for dataset, letter in pairs)
            yield f"No silhouette by {group} (dash): {why} ({named})."
    yield (
        f"Chance: mean of {N_SHUFFLES} random assignments of groups of the same sizes. It is lower"
        " for more groups, so compare how far each silhouette is above its chance."
    )
