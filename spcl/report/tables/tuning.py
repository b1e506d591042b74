"""Tuning: what was chosen on dev, and what choosing and tuning are worth."""

import math
from collections.abc import Iterator

import pandas as pd

from spcl.report import columns, fields, footnotes
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, over_seeds
from spcl.report.analysis.tunings import dev_points, in_words, tunings
from spcl.report.columns import COUNT, SIMULATED, TEXT
from spcl.report.fields import Field
from spcl.report.panels import Panel, signed, text
from spcl.report.table import frame_of
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY

TITLE = "Tuning"

SCHEMA = Schema(
    "tuning table",
    (
        *columns.CELL,
        Column("trials", COUNT, "the budget: the most candidates of a cell"),
        Column("n_candidates", COUNT, "candidates that were trained"),
        Column("n_trial_seeds", COUNT, "seeds of each candidate; with halving, of the chosen one"),
        columns.N_SEEDS,
        Column("chosen", COUNT, "the number of the chosen candidate; 0 = as in the config"),
        Column("settings", TEXT, "of the chosen candidate, those that were tuned"),
        *columns.mean("config", "W-F1 on dev of the config's settings, tuning seeds, points"),
        *columns.mean("best", "W-F1 on dev of the chosen settings, tuning seeds, points"),
        *columns.mean("change", "best minus config, paired by seed, points"),
        *columns.mean("reported", "W-F1 on dev, reported seeds, points", nullable=True),
        Column("optimism", columns.REAL, "best minus reported, of means, points", True),
        *columns.mean("config_gain", "config above that of none, points", nullable=True),
        *columns.mean("tuned_gain", "reported above that of none, points", nullable=True),
        SIMULATED,
    ),
    key=CELL_KEY,
)


def compute(results: Results) -> pd.DataFrame:
    """Compare the candidates of every cell on dev; see `SCHEMA`."""
    tuned, reported = tunings(results), dev_points(results)
    config = {key: own.points[0] for key, own in tuned.items()}
    unknown = pd.Series(dtype=float)
    rows = []
    for key, own in tuned.items():
        best, dev = own.points[own.chosen], reported.get(key, unknown)
        none = (*key[:-1], NONE)
        row: dict[str, object] = dict(zip(CELL_KEY, key, strict=True))
        for name, by_seed in (
            ("config", config[key]),
            ("best", best),
            ("change", best - config[key]),
            ("reported", dev),
            ("config_gain", config[key] - config.get(none, unknown)),
            ("tuned_gain", dev - reported.get(none, unknown)),
        ):
            row[name], row[f"{name}_sd"] = over_seeds(by_seed.dropna())
        rows.append(
            row
            | {
                "trials": own.trials,
                "n_candidates": len(own.candidates),
                "n_trial_seeds": best.notna().sum(),
                "n_seeds": len(dev),
                "chosen": own.chosen,
                "settings": in_words(own.candidates[own.chosen]),
                "optimism": best.mean() - dev.mean() if len(dev) else math.nan,
                "simulated": own.simulated,
            }
        )
    return frame_of(rows, SCHEMA)


def caption(data: pd.DataFrame) -> str:
    return (
        "Weighted F1 of the best epoch on the dev split, in points. Every cell was tuned: of the"
        " candidates, the settings of the config among them, the one with the highest mean over"
        f" {footnotes.seeds_in_words(data['n_trial_seeds'])} was chosen. The cell was then trained"
        " with other seeds, which all other tables report. Mean ± standard deviation over seeds."
    )


def panels(data: pd.DataFrame, results: Results) -> Iterator[Panel]:
    cell = tuple(fields.words(axis) for axis in CELL_KEY)
    counted = Field(
        "Candidates", lambda row: text(f"{row['n_candidates']} of up to {row['trials']}")
    )
    as_config = Field("Config", lambda row: text("" if row["chosen"] else "as in the config"))
    chosen = (*cell, fields.words("settings"), as_config, counted)
    yield fields.panel(data, chosen, "Chosen settings", nested=3)
    scores = (
        fields.value("config", "Config, tuning seeds"),
        fields.value("best", "Chosen, tuning seeds"),
        fields.difference("change", "Change"),
        fields.value("reported", "Chosen, reported seeds"),
        Field("Optimism", lambda row: signed(row["optimism"])),
    )
    yield fields.panel(data, (*cell, *scores), "Scores on dev", nested=3)
    gains = (
        fields.difference("config_gain", "Gain before tuning"),
        fields.difference("tuned_gain", "Gain after tuning"),
    )
    compared = data[data["curriculum"] != NONE]
    yield fields.panel(compared, (*cell, *gains), "Gain over none on dev", nested=3)


def notes(data: pd.DataFrame, results: Results) -> Iterator[str]:
    if not len(data):
        yield "No cell was tuned."
        return
    yield (
        "Change and optimism: the best of several candidates is partly lucky, so its score on the"
        " seeds that chose it is too high. Optimism is that score minus the one with other seeds."
    )
    yield (
        "Gain before tuning: with the settings of the config and the tuning seeds. Gain after"
        " tuning: both sides tuned, with the reported seeds. Dev chooses settings and epochs: the"
        " gains on test are in the table main."
    )
    if data["n_candidates"].nunique() > 1:
        yield (
            "Not all cells have the same number of candidates. Where the lists of the config have"
            " fewer combinations than the budget, all of them were tried. Give ranges instead of"
            " lists to use the whole budget."
        )
    yield from footnotes.fewer_seeds(data)
    yield from footnotes.absent_cells(data)
