"""Training strategies compared: score, balance and robustness, and SPCL against each."""

from collections.abc import Iterator, Sequence

import pandas as pd

from spcl.report import columns, fields, footnotes
from spcl.report.analysis.heads import Heads
from spcl.report.analysis.resampled import mean_gain
from spcl.report.analysis.results import Results
from spcl.report.analysis.robustness import drops, perturbed_scores
from spcl.report.analysis.scores import NONE, SPCL, CellKey, TestScores, by_cell
from spcl.report.analysis.statistics import holm
from spcl.report.columns import COUNT, TEXT
from spcl.report.fields import Field
from spcl.report.panels import GAP, MINUS, Panel, number, text
from spcl.report.table import frame_of
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY

TITLE = "Training strategies compared"

COMPONENTS = ("spl", "coherence", "random_pacing", "anti")
"""The components of SPCL and its controls: without them it is unknown what contributes."""

WORDS = {
    NONE: "everything, always",
    SPCL: "both levels",
    "spl": "utterance level alone",
    "coherence": "conversation level alone",
    "spcl_modality": "both levels, modality by modality",
    "spcl_dependencies": "both levels, with emotion shifts",
    "random_pacing": "as many as spcl, at random",
    "anti": "as many as spcl, hard first",
    "baby_step": "dialogues by emotion shift",
    "transfer_teacher": "utterances by the probes' loss",
    "unimodal_loss": "a loss for each modality",
    "modality_dropout": "modalities hidden at random",
    "ogm_ge": "smaller gradient for the leader, noise",
    "agm": "gradient by the lead",
    "opm": "leader left out of some answers",
    "mmpareto": "gradients without conflict",
    "cggm": "gradient by the progress",
    "gradient_blending": "losses weighted on dev",
    "relearning": "overfitted modalities set back",
    "unimodal_teacher": "follows networks of one modality",
}
"""What each strategy does; curricula: which utterances they admit."""

SCHEMA = Schema(
    "ablation table",
    (
        columns.DATASET,
        Column("baseline", TEXT, "the model; null = pooled over the cells of the dataset", True),
        Column("modalities", TEXT, "atv, at, tv, av, a, t or v; null = pooled", True),
        columns.CURRICULUM,
        Column("n_cells", COUNT, "cells with this curriculum that have one with none; 0 for none"),
        Column("n_seeds", COUNT, "seeds that these cells share"),
        *columns.estimate("gain", "weighted F1 above none, paired by seed", nullable=True),
        Column("n_paired_cells", COUNT, "cells that have one with spcl; 0 for spcl"),
        Column("n_paired_seeds", COUNT, "seeds that these cells share"),
        *columns.estimate("spcl_minus", "weighted F1 of spcl minus this one's", nullable=True),
        *columns.p_values("spcl_minus"),
        *columns.estimate("imbalance_change", "imbalance degree minus that of none", nullable=True),
        *columns.estimate(
            "drop_change", "mean drop by perturbations minus that of none", nullable=True
        ),
        columns.N_DIALOGUES,
        *columns.CAUTIONS,
    ),
    key=CELL_KEY,
)


def compute(results: Results, *, test: bool = True) -> pd.DataFrame:
    """Compare every curriculum with none, and spcl with it: pooled, then cell by cell.

    The columns are those of `SCHEMA`. Without `test` there are no p-values.
    """
    metrics = results.metrics
    test_runs = metrics[metrics["split"] == "test"]
    scores = _Scores(results)
    pools = test_runs.groupby(["dataset", "curriculum"], observed=True) if len(test_runs) else ()
    rows = [
        {"dataset": dataset, "baseline": None, "modalities": None, "curriculum": curriculum}
        | _row([key for key, _ in by_cell(of_pool)], of_pool, scores, test=test)
        for (dataset, curriculum), of_pool in pools
    ]
    for key, of_cell in by_cell(test_runs):
        rows.append(dict(zip(CELL_KEY, key, strict=True)) | _row([key], of_cell, scores, test=test))
    data = frame_of(rows, SCHEMA)
    return data.assign(p_holm=holm(data["p"].to_numpy(float)))


class _Scores:
    """The scores of all cells, their imbalance degrees, and their drops by perturbations."""

    def __init__(self, results: Results) -> None:
        self.test = TestScores(results)
        self.heads = Heads(results)
        self.perturbed = perturbed_scores(results)


def _row(
    cells: Sequence[CellKey], runs: pd.DataFrame, scores: _Scores, *, test: bool
) -> dict[str, object]:
    """The gain of `cells` of one dataset and curriculum over none, and of spcl over them."""
    above_none = scores.test.pairs(cells, NONE)
    below_spcl = [(spcl, cell) for cell, spcl in scores.test.pairs(cells, SPCL)]
    gain = scores.test.pooled(above_none, test=False)
    rest = scores.test.pooled(below_spcl, test=test)
    return (
        gain.columns("gain")
        | rest.columns("spcl_minus")
        | mean_gain(scores.heads.imbalances(above_none)).columns("imbalance_change")
        | mean_gain(drops(scores.perturbed, above_none)).columns("drop_change")
        | footnotes.cautions(runs)
        | {
            "n_cells": len(above_none),
            "n_seeds": gain.n_seeds,
            "n_paired_cells": len(below_spcl),
            "n_paired_seeds": rest.n_seeds,
            "test": rest.test or None,
            "p": rest.p,
            "n_dialogues": max(scores.test.n_dialogues(cell) for cell in cells),
        }
    )


def caption(data: pd.DataFrame) -> str:
    return (
        f"Weighted F1 on the test split in points: gain of a strategy over none, and {SPCL} minus"
        " the strategy. Paired by seed, mean ± standard deviation over"
        f" {footnotes.seeds_in_words(data.loc[data['n_seeds'] > 0, 'n_seeds'])}, 95 % interval"
        " over dialogues and seeds. p: two-sided, of the second difference, Holm-corrected over"
        f" the {data['p'].notna().sum()} tests of this table (* p < 0.05). Pooled: the mean of the"
        " paired differences over the cells of a dataset (baseline by modality set), each cell"
        " counting the same; dialogues and seeds are resampled for all of them at once. Balance:"
        " the imbalance degree of table balance minus that of none. Robustness: the drop by missing"
        " modalities and noise (mean of the four of table robustness) minus that of none. Below"
        " zero is better in both."
    )


def panels(data: pd.DataFrame, results: Results) -> Iterator[Panel]:
    curriculum = fields.words("curriculum", marks=footnotes.signs)
    differences = (
        *fields.blank_for(NONE, fields.difference("gain", "Gain"), fields.bounds("gain")),
        *fields.blank_for(
            SPCL,
            fields.difference("spcl_minus", f"{SPCL} {MINUS} it", marks=fields.star),
            fields.bounds("spcl_minus"),
            fields.p_holm(),
        ),
    )
    seeds = _larger("Seeds", "n_seeds", "n_paired_seeds")
    words = Field("What it does", lambda row: text(WORDS.get(row["curriculum"], GAP)))
    cells = _larger("Cells", "n_cells", "n_paired_cells")
    pooled = (fields.words("dataset"), curriculum, words, *differences, cells, seeds)
    by_cell = (*(fields.words(axis) for axis in CELL_KEY[:-1]), curriculum, *differences, seeds)
    is_pooled = data["baseline"].isna()
    yield fields.panel(data[is_pooled], pooled, "Pooled", nested=1)
    beyond = ("imbalance_change", "Balance"), ("drop_change", "Robustness")
    known = [(name, heading) for name, heading in beyond if data[name].notna().any()]
    if known:
        shown = [
            field
            for name, heading in known
            for field in (fields.difference(name, heading), fields.bounds(name))
        ]
        rows = data[is_pooled & (data["curriculum"] != NONE)]
        title = "Pooled: balance and robustness, change against none"
        yield fields.panel(rows, (fields.words("dataset"), curriculum, *shown), title, nested=1)
    yield fields.panel(data[~is_pooled], by_cell, "Cell by cell", nested=3)


def _larger(heading: str, first: str, second: str) -> Field:
    """The larger of two counts."""
    return Field(heading, lambda row: number(max(row[first], row[second]), 0))


def notes(data: pd.DataFrame, results: Results) -> Iterator[str]:
    if not len(data):
        yield footnotes.NO_CELLS
        return
    yield from footnotes.tests(data[data["curriculum"] != SPCL])
    present = set(data["curriculum"])
    absent = [name for name in COMPONENTS if name not in present]
    if absent:
        yield (
            f"Not trained: {', '.join(absent)}. To see which component contributes, add them to"
            " grid.curricula, with their settings under curricula, as in config/strategies.yaml."
        )
    if (data[["n_seeds", "n_paired_seeds"]].max(axis=1) == 1).any():
        yield (
            "Where there is one seed there is no standard deviation and no test, and the interval"
            " does not include the variation of seeds. No conclusion can be drawn."
        )
    is_pooled = data["baseline"].isna()
    n_cells = data[is_pooled].groupby("dataset")["n_cells"]
    if (n_cells.agg(lambda n: n[n > 0].nunique()) > 1).any():
        yield (
            "Curricula of a dataset that were trained in different numbers of cells are pooled over"
            " different cells. Compare them cell by cell."
        )
    known = data[data["spcl_minus"].notna() | data["gain"].notna()]
    if (known["spcl_minus_low"].isna() & known["gain_low"].isna()).any():
        yield footnotes.NO_INTERVAL
    yield from footnotes.absent_cells(data[~is_pooled])
