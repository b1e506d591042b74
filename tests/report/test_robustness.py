"""Robustness: scores under perturbations, their summaries, and differences from none."""

from itertools import zip_longest

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from made_by_hand import LABELS, write_cells
from made_results import make_results
from sklearn.metrics import f1_score

from spcl.report.analysis.folds import pool_predictions, pool_robustness
from spcl.report.analysis.results import Results
from spcl.report.analysis.robustness import perturbed_scores
from spcl.report.analysis.scores import TestScores
from spcl.report.findings import robustness as question
from spcl.report.tables import tabulate
from spcl.tables import parquet, schemas

F1_WRONG = f1_score(list("jjaa"), list("jjja"), average="weighted")
CELL = list(schemas.CELL_KEY)
SHAPE = {
    "datasets": ("iemocap-sim",),
    "baselines": ("mmgcn",),
    "modalities": ("atv", "a"),
    "n_dialogues": 24,
    "seeds": (1, 2, 3),
    "epochs": 2,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_results(tmp_path_factory.mktemp("robustness"), **SHAPE)


@pytest.fixture(scope="module")
def table(made):
    return tabulate("robustness", Results(**made))


def write_robustness(folder, answers, scores=()):
    """Tables of answers without audio, by cell and seed a letter a test utterance.

    `scores` are the weighted F1 of the cells, in their order.
    """
    paths = []
    for (address, by_seed), score in zip_longest(answers.items(), scores, fillvalue=0.0):
        rows = [
            dict(zip(CELL, address.split("/"), strict=True))
            | {"seed": seed, "perturbation": "modality_missing", "modality": "a", "level": 1.0}
            | {"n_utterances": 0, "weighted_f1": score}
            | {"predicted": [[label[0] for label in LABELS].index(one) for one in letters]}
            for seed, letters in by_seed.items()
        ]
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        path = folder / f"robustness-{address.replace('/', '-')}.parquet"
        parquet.write(schemas.ROBUSTNESS.table(columns), path, schemas.ROBUSTNESS, labels=LABELS)
        paths.append(path)
    return paths


def of(data, *cell, **where):
    rows = data[(data[CELL] == list(cell)).all(axis=1)]
    for name, value in where.items():
        rows = rows[rows[name].isna() if value is None else rows[name] == value]
    (row,) = rows.to_dict("records")
    return row


NONE, SPCL = ("iemocap-sim", "mmgcn", "atv", "none"), ("iemocap-sim", "mmgcn", "atv", "spcl")


def test_means_over_levels_are_areas_under_the_curve(table):
    curve = [
        of(table.data, *NONE, perturbation="utterances_missing", level=level)["score"]
        for level in (0.1, 0.3, 0.5, 0.7)
    ]
    summary = of(table.data, *NONE, perturbation="utterances_missing", summary=True)
    clean = summary["score"] + summary["drop"]
    area = np.trapezoid([clean, *curve], [0, 0.1, 0.3, 0.5, 0.7]) / 0.7
    assert summary["score"] == pytest.approx(area)


def test_summaries_are_means_over_the_modalities(table):
    def scores(perturbation, level):
        found = [
            of(table.data, *NONE, perturbation=perturbation, modality=m, level=level, summary=False)
            for m in "atv"
        ]
        return [row["score"] for row in found]

    for perturbation, level in (("modality_missing", 1.0), ("noise", None)):
        summary = of(table.data, *NONE, perturbation=perturbation, summary=True)
        assert summary["score"] == pytest.approx(np.mean(scores(perturbation, level)))


def test_the_change_of_the_drop_is_the_gain_without_minus_the_gain_with_perturbation(made, table):
    clean = TestScores(Results(**made)).gain(SPCL, NONE).mean
    for perturbation in ("modality_missing", "utterances_missing", "dialogues_missing", "noise"):
        row = of(table.data, *SPCL, perturbation=perturbation, summary=True)
        assert row["drop_change"] == pytest.approx(clean - row["gain"])
        assert row["drop_change_low"] < row["drop_change"] < row["drop_change_high"]


def test_gains_and_intervals_equal_those_of_the_main_table_for_the_same_answers(made, table):
    """The slow version: the answers under a perturbation stand in for the predictions."""
    results = Results(**made)
    predictions = results.predictions.copy()
    test = predictions["split"] == "test"
    names = [column.name for column in schemas.ROBUSTNESS.columns]
    answers = pd.concat([one.to_pandas() for one in results.columns("robustness", names)])
    chosen = answers[(answers["perturbation"] == "noise") & (answers["level"] == 2.0)]
    chosen = chosen[(chosen["modality"] == "a") & (chosen["modalities"] == "atv")]
    whole = predictions[test & (predictions["modalities"] == "atv")]
    labels = np.array(results.labels["iemocap-sim"])
    for (curriculum, seed), rows in whole.groupby(["curriculum", "seed"], observed=True):
        (answer,) = chosen.loc[
            (chosen["curriculum"] == curriculum) & (chosen["seed"] == seed), "predicted"
        ]
        predictions.loc[rows.index, "predicted"] = labels[answer]
    metrics = results.metrics[results.metrics["modalities"] == "atv"].copy()
    for index, row in metrics.iterrows():
        same = (chosen["curriculum"] == row["curriculum"]) & (chosen["seed"] == row["seed"])
        metrics.loc[index, "weighted_f1"] = chosen.loc[same, "weighted_f1"].iloc[0]

    class Perturbed:
        pass

    slow = Perturbed()
    slow.metrics, slow.labels = metrics, results.labels
    slow.predictions = predictions[predictions["modalities"] == "atv"]
    expected = TestScores(slow).gain(SPCL, NONE)
    row = of(table.data, *SPCL, perturbation="noise", modality="a", level=2.0)
    assert row["gain"] == pytest.approx(expected.mean)
    assert row["gain_low"] == pytest.approx(expected.low)
    assert row["gain_high"] == pytest.approx(expected.high)


def test_unlabelled_utterances_do_not_shift_the_answers(tmp_path):
    cells = {"mine/mmgcn/at/none": {1: "jjaaj"}}
    paths = write_cells(tmp_path, {"d1": "j-a", "d2": "ja"}, cells)
    right, wrong = {1: "jaaja"}, {1: "aajaj"}
    for answers, expected in ((right, 1.0), (wrong, 0.0)):
        paths["robustness"] = write_robustness(tmp_path, {"mine/mmgcn/at/none": answers})
        scores = perturbed_scores(Results(**paths))[("mine", "mmgcn", "at", "none")]
        assert scores.at["modality_missing", "a", 1.0].resampled.eq(100 * expected).all(axis=None)


def test_a_model_of_one_modality_has_no_summary_of_a_missing_modality(table):
    alone = table.data[table.data["modalities"] == "a"]
    missing = alone[alone["perturbation"] == "modality_missing"]
    assert missing["modality"].tolist() == ["a", "a"]  # none and spcl
    assert not missing["summary"].any()
    assert set(alone.loc[alone["summary"], "perturbation"]) == {
        "utterances_missing",
        "dialogues_missing",
        "noise",
    }
    assert any("one modality" in note for note in table.notes)


def test_without_predictions_there_are_scores_and_no_intervals(made):
    table = tabulate("robustness", Results(**made | {"predictions": []}))
    assert table.data["score"].notna().all()
    assert table.data.loc[table.data["curriculum"] == "spcl", "gain"].notna().all()
    assert table.data["gain_low"].isna().all()
    assert any("No interval" in note for note in table.notes)


def test_nothing_tried_is_said(made):
    table = tabulate("robustness", Results(**made | {"robustness": []}))
    assert not len(table.data)
    assert any("No perturbation was tried" in note for note in table.notes)


class TestFindings:
    def answers(self, paths):
        results = Results(**paths)
        return list(question.answers(results, TestScores(results)))

    def test_the_change_of_the_drop_is_said_for_each_perturbation(self, made):
        found = self.answers(made)
        assert len(found) == 4
        assert found[0].statement.startswith(
            "One modality missing: without a curriculum weighted F1 drops by "
        )

    def test_a_smaller_drop_is_said_to_be_less(self, tmp_path):
        """Without a, none takes the second anger of each dialogue for joy, and spcl does not."""
        dialogues = {f"d{i}": "jjaa" for i in range(20)}
        none, spcl = "mine/mmgcn/at/none", "mine/mmgcn/at/spcl"
        right = dict.fromkeys((1, 2), "jjaa" * 20)
        paths = write_cells(tmp_path, dialogues, {none: right, spcl: right})
        wrong = dict.fromkeys((1, 2), "jjaj" * 20)
        paths["robustness"] = write_robustness(
            tmp_path, {none: wrong, spcl: right}, [F1_WRONG, 1.0]
        )
        (found,) = self.answers(paths)
        assert found.value == pytest.approx(-100 * (1 - F1_WRONG))
        assert "The drop with spcl is 26.7 points less than that without" in found.statement

    def test_a_curriculum_that_only_raises_all_scores_is_not_called_more_robust(self, tmp_path):
        """No audio costs neither anything, and spcl knows one anger more in both cases."""
        dialogues = {f"d{i}": "jjaa" for i in range(20)}
        none, spcl = "mine/mmgcn/at/none", "mine/mmgcn/at/spcl"
        clean = {none: dict.fromkeys((1, 2), "jjja" * 20), spcl: dict.fromkeys((1, 2), "jjaa" * 20)}
        paths = write_cells(tmp_path, dialogues, clean)
        paths["robustness"] = write_robustness(tmp_path, clean, [F1_WRONG, 1.0])
        (found,) = self.answers(paths)
        assert "No difference between the drop with spcl and that without" in found.statement

    def test_without_robustness_the_question_stays_open(self, made):
        assert self.answers(made | {"robustness": []}) == []


def test_folds_are_pooled_in_the_order_of_their_predictions(tmp_path):
    first = write_cells(
        tmp_path / "1", {"s1": "jjaa"}, {"m-session1/mmgcn/at/none": {1: "jjaa", 2: "jjaa"}}
    )
    second = write_cells(tmp_path / "2", {"s2": "j-a"}, {"m-session2/mmgcn/at/none": {1: "jja"}})
    tables = [
        write_robustness(tmp_path, {"m-session1/mmgcn/at/none": {1: "jjja", 2: "jjja"}})[0],
        write_robustness(tmp_path, {"m-session2/mmgcn/at/none": {1: "aaa"}})[0],
    ]
    predictions = pool_predictions(
        [parquet.read(paths["predictions"][0], schemas.PREDICTIONS) for paths in (first, second)],
        "m",
    )
    folds = [parquet.read(path, schemas.ROBUSTNESS) for path in tables]
    (row,) = pool_robustness(folds, predictions, "m").to_pylist()
    assert (row["dataset"], row["seed"], row["n_utterances"]) == ("m", 1, 6)
    assert row["predicted"] == [0, 0, 0, 1, 1, 1, 1]
    # Joy: 2 hits, 3 answers, 3 labels: F1 2/3; anger: 2 hits, 3 answers, 3 labels: F1 2/3.
    assert row["weighted_f1"] == pytest.approx(2 / 3)
    assert isinstance(row["predicted"], list)
    assert pa.types.is_list(folds[0].schema.field("predicted").type)
