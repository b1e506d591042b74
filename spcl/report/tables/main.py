"""The main table: how good every cell is, and what its curriculum gains over none."""

import math

import numpy as np
import pandas as pd
import pyarrow as pa

from spcl.report import footnotes
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, Gain, TestScores, by_cell, over_seeds
from spcl.report.analysis.statistics import FEWEST_DIALOGUES, WILCOXON_SEEDS, holm
from spcl.report.panels import Entry, Panel, interval, mark_best, number, p_value, signed, text
from spcl.report.table import ResultTable
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY

_TEXT, _REAL, _COUNT, _FLAG = pa.string(), pa.float64(), pa.int32(), pa.bool_()
_FEW_DIALOGUES = 20
_SCORES = {"weighted_f1": "W-F1", "accuracy": "Accuracy", "macro_f1": "Macro-F1"}

SCHEMA = Schema(
    "main table",
    (
        Column("dataset", _TEXT, "the corpus' name in the config"),
        Column("baseline", _TEXT, "the model"),
        Column("modalities", _TEXT, "atv, at, tv, av, a, t or v"),
        Column("curriculum", _TEXT, "none, spcl or a rival"),
        Column("n_seeds", _COUNT, "trainings of the cell"),
        Column("weighted_f1", _REAL, "mean over seeds, points"),
        Column("weighted_f1_sd", _REAL, "standard deviation over seeds, points", True),
        Column("weighted_f1_low", _REAL, "95 % interval over dialogues and seeds, points", True),
        Column("weighted_f1_high", _REAL, "its upper end, points", True),
        Column("accuracy", _REAL, "mean over seeds, points"),
        Column("accuracy_sd", _REAL, "standard deviation over seeds, points", True),
        Column("macro_f1", _REAL, "mean over seeds, points"),
        Column("macro_f1_sd", _REAL, "standard deviation over seeds, points", True),
        Column("n_paired_seeds", _COUNT, "seeds that the cell shares with none's"),
        Column("gain", _REAL, "weighted F1 above none, mean over paired seeds, points", True),
        Column("gain_sd", _REAL, "its standard deviation over paired seeds, points", True),
        Column("gain_low", _REAL, "95 % interval over dialogues and seeds, points", True),
        Column("gain_high", _REAL, "its upper end, points", True),
        Column("test", _TEXT, "wilcoxon or permutation; null = no test", True),
        Column("p", _REAL, "of the gain, two-sided", True),
        Column("p_holm", _REAL, "corrected over all tests of the table", True),
        Column("n_dialogues", _COUNT, "labelled test dialogues; 0 = no predictions were given"),
        Column("n_utterances", _COUNT, "labelled test utterances"),
        Column("n_diverged", _COUNT, "seeds whose training diverged"),
        Column("n_never_full", _COUNT, "seeds that never admitted all training utterances"),
        Column("protocol", _TEXT, "the split protocol"),
        Column("simulated", _FLAG, "the corpus is simulated"),
    ),
    key=("dataset", "baseline", "modalities", "curriculum"),
)


def make(results: Results) -> ResultTable:
    """Make the table; see `SCHEMA` for its columns."""
    data = scored_cells(results)
    rows, signs = _rows(data)
    n_tests = int(data["p"].notna().sum())
    return ResultTable(
        name="main",
        title="Main results",
        caption=(
            "Scores on the test split in points, mean ± standard deviation over seeds"
            f" ({footnotes.seeds_in_words(data['n_seeds'])} a cell). Gain: weighted F1 above the"
            " curriculum none, paired by seed, with a 95 % bootstrap interval over dialogues and"
            f" seeds; p: two-sided, Holm-corrected over the {n_tests} tests of this table"
            " (* p < 0.05). Bold: the best curriculum."
        ),
        data=data,
        schema=SCHEMA,
        panels=(
            Panel(
                (
                    *("Dataset", "Baseline", "Modalities", "Curriculum", *_SCORES.values()),
                    *("Gain", "95 % interval", "p", "Seeds"),
                ),
                tuple(rows),
                nested=3,
            ),
        ),
        notes=(
            *footnotes.explained(signs),
            *_notes(data),
            *footnotes.fewer_seeds(data),
            *footnotes.absent_cells(data),
        ),
        simulated=results.simulated,
    )


def scored_cells(results: Results, *, test: bool = True) -> pd.DataFrame:
    """Score every cell; the columns are those of `SCHEMA`. Without `test` there are no p-values."""
    metrics = results.metrics
    scores = TestScores(results)
    rows = []
    for key, runs in by_cell(metrics[metrics["split"] == "test"]):
        dataset, baseline, modalities, curriculum = key
        row: dict[str, object] = dict(zip(CELL_KEY, key, strict=True))
        for score in _SCORES:
            row[score], row[f"{score}_sd"] = over_seeds(100 * runs[score])
        row["weighted_f1_low"], row["weighted_f1_high"] = scores.interval(key)
        base = (dataset, baseline, modalities, NONE)
        gain = Gain() if curriculum == NONE else scores.gain(key, base, test=test)
        rows.append(
            row
            | {
                "n_seeds": len(runs),
                "n_paired_seeds": gain.n_seeds,
                "gain": gain.mean,
                "gain_sd": gain.sd,
                "gain_low": gain.low,
                "gain_high": gain.high,
                "test": gain.test or None,
                "p": gain.p,
                "n_dialogues": scores.n_dialogues(key),
                "n_utterances": runs["n_utterances"].iloc[0],
                "n_diverged": runs["diverged"].sum(),
                "n_never_full": runs["full_at_epoch"].isna().sum(),
                "protocol": runs["protocol"].iloc[0],
                "simulated": runs["simulated"].any(),
            }
        )
    data = pd.DataFrame(rows, columns=[c.name for c in SCHEMA.columns if c.name != "p_holm"])
    return data.assign(p_holm=holm(data["p"].to_numpy(float)))


def _rows(data: pd.DataFrame) -> tuple[list[tuple[Entry, ...]], list[str]]:
    """The panel's rows, and all signs in them."""
    shown: list[tuple[Entry, ...]] = []
    signs = []
    for _, block in data.groupby(["dataset", "baseline", "modalities"], sort=False):
        scores = [
            mark_best([number(r[s], spread=r[f"{s}_sd"]) for _, r in block.iterrows()])
            for s in _SCORES
        ]
        for (_, row), *of_row in zip(block.iterrows(), *scores, strict=True):
            sign = footnotes.signs(
                diverged=row["n_diverged"] > 0,
                never_full=row["n_never_full"] > 0,
                protocol=row["protocol"],
            )
            signs.append(sign)
            star = "*" if row["p_holm"] < 0.05 else ""
            is_none = row["curriculum"] == NONE
            shown.append(
                (
                    *(text(row[axis]) for axis in ("dataset", "baseline", "modalities")),
                    text(row["curriculum"], marks=sign),
                    *of_row,
                    Entry("", math.nan)
                    if is_none
                    else signed(row["gain"], spread=row["gain_sd"], marks=star),
                    Entry("", math.nan) if is_none else interval(row["gain_low"], row["gain_high"]),
                    Entry("", math.nan) if is_none else p_value(row["p_holm"]),
                    number(row["n_seeds"], 0),
                )
            )
    return shown, signs


def _notes(data: pd.DataFrame) -> list[str]:
    """Say which tests there are, and why others are not."""
    gains = data[data["curriculum"] != NONE]
    notes = notes_on_tests(gains)
    one = gains["n_paired_seeds"] == 1
    if one.any():
        which = "every cell" if one.all() else f"{int(one.sum())} cells"
        notes.append(
            f"One seed in {which}: no standard deviation and no test, and the interval leaves out"
            " how much seeds vary. No conclusion can be drawn."
        )
    if len(data) and not len(gains):
        notes.append("Only the curriculum none was given, so there are no gains.")
    if (gains["n_paired_seeds"] == 0).any():
        notes.append("No gain (dash) where the cell of the curriculum none is absent.")
    unseen = np.asarray(data["n_dialogues"] == 0, bool)
    if unseen.any():
        notes.append("No interval (dash) where no predictions were given.")
    if data["n_dialogues"].between(1, FEWEST_DIALOGUES - 1).any():
        notes.append(
            f"No interval (dash) where the test split has fewer than {FEWEST_DIALOGUES} dialogues."
        )
    return notes


def notes_on_tests(differences: pd.DataFrame) -> list[str]:
    """Say which tests there are; columns ``test``, ``p``, ``n_paired_seeds``, ``n_dialogues``."""
    notes = []
    if (differences["test"] == "wilcoxon").any():
        notes.append(_wilcoxon_note(differences))
    if (differences["test"] == "permutation").any():
        notes.append(
            f"p: below {WILCOXON_SEEDS} seeds a permutation test over dialogues. It asks whether"
            " these trained models differ on other dialogues; the interval covers other seeds too."
        )
    few = differences.loc[differences["n_dialogues"] > 0, "n_dialogues"].min()
    if few < _FEW_DIALOGUES:
        notes.append(
            f"Only {few} test dialogues in the smallest test split: intervals and tests are rough."
        )
    return notes


def _wilcoxon_note(gains: pd.DataFrame) -> str:
    """Say so where even the clearest result could not pass the correction."""
    note = "p: Wilcoxon's signed-rank test over seeds."
    n_tests = int(gains["p"].notna().sum())
    needed = math.ceil(math.log2(2 * n_tests / 0.05))  # 2 / 2^S is the smallest p
    if gains.loc[gains["test"] == "wilcoxon", "n_paired_seeds"].max() >= needed:
        return note
    return (
        f"{note} With so few seeds none can stay below 0.05 after correction for {n_tests} tests;"
        f" that takes {needed} seeds. Read the intervals."
    )
