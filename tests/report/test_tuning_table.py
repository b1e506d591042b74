"""The table and the figure of tuned cells, worked by hand, and gains between tuned strategies."""

import json

import numpy as np
import pytest
from made_results import make_results

from benchmarks.tuning import coverage
from spcl.report.analysis.results import Results
from spcl.report.figures import plot
from spcl.report.figures import tuning as figure
from spcl.report.findings import tuning as finding
from spcl.report.tables import tabulate
from spcl.tables import parquet, schemas

CELL = ("meld-sim", "mmgcn", "at")
NONE = [({}, (0.50, 0.52)), ({"learning_rate": 0.01}, (0.54, 0.58))]
SPCL = [
    ({"threshold": 0.4, "growth": 1.6}, (0.52, 0.50)),
    ({"threshold": 0.2, "growth": 1.6}, (0.40, None)),
    ({"threshold": 0.4, "growth": 1.2}, (0.50, 0.51)),
]


def write_tuning(folder, curriculum, candidates, chosen, seeds=(101, 102)):
    """The candidates of one cell: their settings, and by seed their score on dev."""
    rows = [
        dict(zip(schemas.CELL_KEY, (*CELL, curriculum), strict=True))
        | {
            "trials": 3,
            "candidate": number,
            "settings": json.dumps({"curriculum": settings}),
            "chosen": number == chosen,
            "seed": seed,
            "dev_weighted_f1": score,
            "best_epoch": 1,
            "simulated": True,
            "config_digest": "0",
        }
        for number, (settings, scores) in enumerate(candidates)
        for seed, score in zip(seeds, scores, strict=True)
        if score is not None
    ]
    path = folder / "tuning" / f"{curriculum}.parquet"
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    parquet.write(schemas.TUNING.table(columns), path, schemas.TUNING)
    return path


@pytest.fixture
def results(tmp_path):
    """Two tuned cells, trained with two other seeds."""
    paths = make_results(
        tmp_path,
        datasets=CELL[:1],
        baselines=CELL[1:2],
        modalities=CELL[2:],
        curricula=("none", "spcl"),
        seeds=(1, 2),
        epochs=3,
    )
    tuned = [write_tuning(tmp_path, "none", NONE, 1), write_tuning(tmp_path, "spcl", SPCL, 0)]
    return paths | {"tuning": tuned}


def rows(table):
    return {row["curriculum"]: row for row in table.data.to_dict("records")}


class TestTable:
    def test_the_numbers_are_those_of_the_candidates_and_of_the_reported_seeds(self, results):
        found = rows(tabulate("tuning", Results(**results)))
        none, spcl = found["none"], found["spcl"]
        assert none["config"] == pytest.approx(51)
        assert none["best"] == pytest.approx(56)
        assert (none["change"], none["change_sd"]) == pytest.approx((5, np.std([4, 6], ddof=1)))
        assert spcl["change"] == 0
        assert spcl["config_gain"] == pytest.approx(0)
        metrics = Results(**results).metrics
        dev = 100 * metrics[metrics["split"] == "dev"].groupby("curriculum")["weighted_f1"].mean()
        assert none["reported"] == pytest.approx(dev["none"])
        assert none["optimism"] == pytest.approx(56 - dev["none"])
        assert spcl["tuned_gain"] == pytest.approx(dev["spcl"] - dev["none"])
        assert (none["n_candidates"], spcl["n_candidates"], spcl["trials"]) == (2, 3, 3)

    def test_it_shows_what_was_chosen_and_where_the_budget_was_not_used(self, results):
        text = tabulate("tuning", Results(**results)).markdown()
        assert "learning_rate 0.01" in text
        assert "threshold 0.4, growth 1.6" in text
        assert "as in the config" in text
        assert "2 of up to 3" in text
        assert "Not all cells have the same number of candidates." in text

    def test_without_the_cell_of_none_there_is_no_gain(self, results):
        found = rows(tabulate("tuning", Results(**results | {"tuning": results["tuning"][1:]})))
        assert np.isnan(found["spcl"]["config_gain"])

    def test_without_tunings_it_says_so(self, results):
        text = tabulate("tuning", Results(metrics=results["metrics"])).markdown()
        assert "No cell was tuned." in text

    def test_it_is_written_in_every_format(self, results, tmp_path):
        table = tabulate("tuning", Results(**results))
        out = {ext: tmp_path / f"t.{ext}" for ext in ("parquet", "md", "tex", "html")}
        table.write(**out)
        assert len(parquet.read(out["parquet"], table.schema)) == 2


class TestFigure:
    def test_it_shows_each_candidate_above_the_mean_of_its_cell(self, results, tmp_path):
        out = {ext: tmp_path / f"tuning.{ext}" for ext in ("parquet", "svg", "png")}
        plot("tuning", Results(**results), **out)
        data = parquet.read(out["parquet"], figure.SCHEMA).to_pandas()
        growth = data[data["setting"] == "growth"].set_index("candidate")
        mean = (51 + 40 + 50.5) / 3
        assert growth["above_mean"].tolist() == pytest.approx([51 - mean, 40 - mean, 50.5 - mean])
        assert growth["n_trial_seeds"].tolist() == [2, 1, 2]
        assert growth["value"].tolist() == ["1.6", "1.6", "1.2"]

    def test_without_tunings_it_says_so(self, tmp_path):
        out = {ext: tmp_path / f"tuning.{ext}" for ext in ("parquet", "svg", "png")}
        plot("tuning", Results(), **out)
        assert out["svg"].exists()


class TestFindings:
    def test_tuned_results_are_called_tuned_with_budget_and_optimism(self, results):
        data = tabulate("findings", Results(**results)).data
        (said,) = data.loc[data["question"] == finding.QUESTION, "statement"]
        assert said.startswith(
            "Not with the same number of trials: all statements are about settings that were chosen"
            " on dev from 2 to 3 candidates a cell (budget 3)"
        )

    def test_equal_budgets_are_called_equal(self, results, tmp_path):
        results["tuning"][0] = write_tuning(tmp_path, "none", [*NONE, ({}, (0.4, 0.4))], 1)
        data = tabulate("findings", Results(**results)).data
        (said,) = data.loc[data["question"] == finding.QUESTION, "statement"]
        assert said.startswith(
            "Yes: all statements are about settings that were chosen on dev from 3"
        )

    def test_other_results_are_called_untuned(self, results):
        del results["tuning"]
        text = tabulate("findings", Results(**results)).markdown()
        assert f"{finding.QUESTION} No: all statements are about the settings in the config" in text

    def test_the_provenance_has_the_choice(self, results):
        data = tabulate("provenance", Results(**results)).data
        assert data.loc[data["item"] == "tuned", "value"].tolist() == [
            "candidate 1 of 2, budget 3, seeds 101, 102",
            "candidate 0 of 3, budget 3, seeds 101, 102",
        ]


# With three tuning seeds and candidates that differ by two points, it is 91 in 100: the interval is
# that of the chosen settings and leaves out the luck of the choice; see docs/fair-comparison.md.
@pytest.mark.parametrize(("spread", "n_trial_seeds"), [(0.0, 3), (0.1, 10), (0.5, 10)])
def test_between_tuned_strategies_without_a_difference_the_interval_covers_0(spread, n_trial_seeds):
    assert 0.92 <= coverage(spread, n_trial_seeds)["covered"] <= 0.98


def test_a_tuned_strategy_beside_one_that_is_not_seems_better_than_it_is():
    found = coverage(0.2, 3, both_tuned=False, studies=200)
    assert found["covered"] < 0.8
    assert found["gain"] > 1
