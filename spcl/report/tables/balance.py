"""Balance of the modalities: each head beside its modality alone, and what it contributes."""

import math
from collections.abc import Iterator, Mapping
from functools import partial

import pandas as pd

from spcl.report import columns, fields, footnotes
from spcl.report.analysis.heads import NETWORK, PROBE, Contributions, Heads
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, CellKey, over_seeds
from spcl.report.columns import TEXT
from spcl.report.fields import Field
from spcl.report.panels import GAP, MINUS, Panel, text
from spcl.report.table import frame_of
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY, MODALITIES

TITLE = "Balance of the modalities"

_OF_CELL = "of the cell, the same in all its rows"
_optional = partial(columns.estimate, nullable=True)

SCHEMA = Schema(
    "balance table",
    (
        *columns.CELL,
        Column("modality", TEXT, "of the head: a, t or v"),
        columns.N_SEEDS,
        *columns.mean("head", "weighted F1 of the modality's own head, points"),
        Column("reference", TEXT, "network or probe on this modality alone; null = neither", True),
        *columns.mean("alone", "weighted F1 of the reference, points", nullable=True),
        *_optional("gap", "head minus alone, paired by seed; without bounds for a probe"),
        columns.N_PAIRED_SEEDS,
        *_optional("change", "head, and so gap, minus that of none, paired by seed"),
        *_optional("contribution", "Shapley value of weighted F1, from the sums of logits"),
        *_optional("contribution_change", "contribution minus that of none, paired by seed"),
        *_optional("network_contribution", "the same with the other modalities unobserved"),
        *_optional("network_contribution_change", "that minus that of none, paired by seed"),
        *_optional("imbalance", f"largest contribution minus smallest, {_OF_CELL}"),
        *_optional("imbalance_change", "imbalance minus that of none, paired by seed"),
        *_optional("network_imbalance", f"the same of network_contribution, {_OF_CELL}"),
        *_optional("network_imbalance_change", "that minus that of none, paired by seed"),
        *columns.mean("confidence", "mean probability of the true class, 0..1"),
        *columns.mean("ratio", "confidence over that of the most confident head", nullable=True),
        *columns.mean("ratio_change", "ratio minus that of none, paired by seed", nullable=True),
        columns.N_DIALOGUES,
        columns.N_UTTERANCES,
        *columns.CAUTIONS,
    ),
    key=(*CELL_KEY, "modality"),
)


def compute(results: Results) -> pd.DataFrame:
    """Compare every head with its reference and with that of none; see `SCHEMA`."""
    heads = Heads(results)
    confidences = {key: heads.by_modality(key, "modality_confidence") for key in heads.runs}
    rows = []
    for key, runs in heads.runs.items():
        base: CellKey = (*key[:-1], NONE) if key[-1] != NONE else ()
        ratio = _ratio(confidences[key])
        ratio_change = (
            ratio - _ratio(confidences[base]) if base in confidences else ratio * math.nan
        )
        for letter, head in heads.scores[key].items():
            reference, alone = heads.reference(key, letter)
            change = head.gain(heads.scores.get(base, {}).get(letter))
            row = dict(zip(CELL_KEY, key, strict=True)) | {
                "modality": letter,
                "n_seeds": len(runs),
                "reference": reference or None,
                "n_paired_seeds": change.n_seeds,
                "n_dialogues": head.n_dialogues,
                "n_utterances": runs["n_utterances"].iloc[0],
            }
            for name, by_seed in (
                ("head", head.points),
                ("alone", alone.points if alone else pd.Series(dtype=float)),
                ("confidence", confidences[key][letter]),
                ("ratio", ratio[letter]),
                ("ratio_change", ratio_change[letter].dropna()),
            ):
                row[name], row[f"{name}_sd"] = over_seeds(by_seed)
            rows.append(
                row
                | head.gain(alone).columns("gap")
                | change.columns("change")
                | _contributed(heads.contributions, key, base, letter)
                | _contributed(heads.network_contributions, key, base, letter, "network_")
                | footnotes.cautions(runs)
            )
    return frame_of(rows, SCHEMA)


def _contributed(
    of_cells: Mapping[CellKey, Contributions],
    key: CellKey,
    base: CellKey,
    letter: str,
    prefix: str = "",
) -> dict[str, float]:
    """The contribution of a modality, the imbalance of its cell, and their changes."""
    before = of_cells[base].of(letter) if base in of_cells else {}
    after = of_cells[key].of(letter) if key in of_cells else {}
    found: dict[str, float] = {}
    for name, score in after.items():
        change = score.gain(before.get(name))
        found |= score.columns(prefix + name) | change.columns(f"{prefix}{name}_change")
    return found


def _ratio(confidence: pd.DataFrame) -> pd.DataFrame:
    """Each modality's over the largest of the seed; NaN for a modality alone."""
    if confidence.shape[1] == 1:
        return confidence * math.nan
    return confidence.div(confidence.max(axis=1), axis=0)


def caption(data: pd.DataFrame) -> str:
    return (
        "Weighted F1 on the test split in points of each modality's head in the joint model, and"
        " of its reference on that modality alone: the network, that is, the same baseline trained"
        " on this modality with the curriculum none; where the grid has no such cell, a probe"
        f" (logistic regression, fitted on train). Gap: head {MINUS} alone; below zero, joint"
        " training does not use all information of the modality. Contribution: Shapley value of"
        " the modality for weighted F1 over all subsets of the modalities, whose answers are the"
        " largest sum of the heads' logits; in the network: the network run with the other"
        " modalities unobserved. Imbalance degree: the largest contribution of a cell minus the"
        " smallest. Confidence: mean probability of the true class; ratio: over that of the most"
        " confident head of the same training (1 for that head; all 1 = balanced). Change: minus"
        " that of the curriculum none. Differences are paired by seed, with 95 % bootstrap"
        " intervals over dialogues and seeds. Mean ± standard deviation over"
        f" {footnotes.seeds_in_words(data['n_seeds'])}."
    )


def panels(data: pd.DataFrame, results: Results) -> Iterator[Panel]:
    """Of each corpus: a panel of heads, of contributions, and of the cells' imbalance degree."""
    cell = [fields.words(axis) for axis in ("baseline", "modalities")]
    modality = Field("Modality", lambda row: text(MODALITIES[row["modality"]]))
    curriculum = fields.words("curriculum", marks=footnotes.signs)
    if not len(data):
        yield fields.panel(data, cell)
    for dataset, rows in data.groupby("dataset", sort=False):
        of_head = [*cell, modality, curriculum]
        yield fields.panel(rows, [*of_head, *_gap(results)], f"{dataset}: heads", nested=3)
        contributed = [*of_head, *_contribution("contribution"), *_confidence()]
        yield fields.panel(rows, contributed, f"{dataset}: contributions", nested=3)
        in_network = rows["network_contribution"].notna().any()
        if in_network:
            contributed = [*of_head, *_contribution("network_contribution")]
            title = f"{dataset}: contributions in the network"
            yield fields.panel(rows, contributed, title, nested=3)
        of_cell = rows[rows["imbalance"].notna()].drop_duplicates(list(CELL_KEY))
        if len(of_cell):
            degree = [*cell, curriculum, *_degree("imbalance", "Imbalance degree")]
            degree += _degree("network_imbalance", "In the network") if in_network else ()
            yield fields.panel(of_cell, degree, f"{dataset}: imbalance degree", nested=2)


def _gap(results: Results) -> Iterator[Field]:
    signs = footnotes.of_cells(results.metrics)

    def of_reference(row: pd.Series) -> str:
        """A gap is as doubtful as either of its sides."""
        if row["reference"] != NETWORK:
            return ""
        return signs[row["dataset"], row["baseline"], row["modality"], NONE]

    yield fields.value("head", "Head", mark_best=True)
    yield Field(
        "Reference", lambda row: text(GAP if pd.isna(row["reference"]) else row["reference"])
    )
    yield fields.value("alone", "Alone")
    yield fields.difference("gap", "Gap", marks=of_reference)
    yield fields.bounds("gap")
    yield from _change("change")


def _contribution(column: str) -> Iterator[Field]:
    yield fields.difference(column, "Contribution")
    yield fields.bounds(column)
    yield from _change(f"{column}_change")


def _degree(column: str, heading: str) -> Iterator[Field]:
    yield fields.value(column, heading)
    yield from _change(f"{column}_change")


def _change(column: str) -> Iterator[Field]:
    """Against none, with its interval."""
    yield from fields.blank_for(NONE, fields.difference(column, "Change"), fields.bounds(column))


def _confidence() -> Iterator[Field]:
    yield fields.value("ratio", "Confidence ratio", 2)
    yield from fields.blank_for(NONE, fields.difference("ratio_change", "Change", 2))


def notes(data: pd.DataFrame, results: Results) -> Iterator[str]:
    yield from _gaps(results, data) if len(data) else ()
    yield from footnotes.absent_cells(data)


def _gaps(results: Results, data: pd.DataFrame) -> Iterator[str]:
    """Why there are dashes."""
    unknown = data.loc[data["reference"].isna(), ["dataset", "modality"]].drop_duplicates()
    if len(unknown) and not len(results.utterances):
        yield (
            "No reference and no gap (dash) where the grid has no cell of the modality alone, and"
            " the utterances of the corpora, which have the labels of the probe, are not given."
        )
    elif len(unknown):
        named = ", ".join(f"{MODALITIES[m]} ({dataset})" for dataset, m in unknown.to_numpy())
        yield (
            f"No reference and no gap (dash) for {named}: the grid has no cell of the modality"
            " alone, and its probe scores were not given."
        )
    if (data["reference"] == PROBE).any():
        yield (
            "A probe sees one utterance, a network the whole dialogue, so do not compare gaps to"
            " probes with gaps to networks. A gap to a probe has no interval."
        )
    if (data["reference"].notna() & data["gap"].isna()).any():
        yield "No gap (dash) where the reference has no seed in common with the cell."
    if (data["modalities"].str.len() == 1).any():
        yield (
            "A model of a single modality is compared with the probe. It has no ratio (dash) and no"
            " imbalance degree: its head is the whole model."
        )
    rivals = data[data["curriculum"] != NONE]
    if not len(rivals):
        yield "Only the curriculum none was given, so there are no changes."
    if (rivals["n_paired_seeds"] == 0).any():
        yield "No change (dash) where the cell of none, or a common seed, is missing."
    if (data["n_dialogues"] == 0).any():
        yield "No interval and no contribution (dash) where no predictions were given."
    elif (rivals["change"].notna() & rivals["change_low"].isna()).any():
        yield "No interval (dash) where there are too few test dialogues."
    if data["imbalance"].notna().any():
        yield (
            "The imbalance degree is never below zero, and in a balanced model it is above zero by"
            " chance. Compare it by its change."
        )
    if (data["n_seeds"] == 1).any():
        yield footnotes.ONE_SEED
