"""Calibration: the table and the reliability diagram show what the answers of the cells give."""

import math

import numpy as np
import pandas as pd
import pytest
from made_results import make_results
from matplotlib.text import Text
from tiny_cells import gathered, sure, write_cell

from spcl.report.analysis.calibration import answers_on_test
from spcl.report.analysis.results import Results
from spcl.report.drawing import style
from spcl.report.figures import calibration as figure
from spcl.report.figures import plot
from spcl.report.tables import tabulate
from spcl.tables import parquet, schemas

TRUE = "cgcg-c"  # five labelled utterances
RIGHT, CALM = "cgcgsc", "cccccc"  # all right; three of five right
KEY = ["baseline", "modalities", "curriculum"]


@pytest.fixture
def cells(tmp_path):
    """Every answer has a probability of 0.8, the other two classes 0.1 each."""
    none = write_cell(tmp_path, "d/mmgcn/at/none", TRUE, {1: RIGHT, 2: CALM})
    spcl = write_cell(tmp_path, "d/mmgcn/at/spcl", TRUE, {1: RIGHT, 2: RIGHT})
    return gathered(none, spcl)


def diverged(folder, address):
    """A cell whose first seed diverged at once: its probabilities are NaN."""
    cell = write_cell(folder, address, TRUE, {1: CALM, 2: RIGHT}, diverged=True)
    for kind, names in (
        ("metrics", ("ece", "brier", "nll")),
        ("predictions", ("probabilities",)),
    ):
        edit(cell[kind], kind, names)
    return cell


def edit(path, kind, names):
    """Set columns of the first seed to NaN."""
    schema = {"metrics": schemas.METRICS, "predictions": schemas.PREDICTIONS}[kind]
    table = parquet.read(path, schema)
    rows = table.to_pylist()
    for row in rows:
        if row["seed"] == 1:
            row |= {name: [math.nan] * 3 if kind == "predictions" else math.nan for name in names}
    columns = {column.name: [row[column.name] for row in rows] for column in schema.columns}
    parquet.write(schema.table(columns), path, schema, labels=parquet.metadata(table)["labels"])


def by_curriculum(results):
    return tabulate("calibration", results).data.set_index("curriculum")


class TestTable:
    def test_errors_are_those_worked_out_by_hand(self, cells):
        data = by_curriculum(Results(**cells))
        right, calm = 0.2**2 + 2 * 0.1**2, 0.8**2 + 0.9**2 + 0.1**2
        spcl, none = data.loc["spcl"], data.loc["none"]
        assert spcl["ece"] == pytest.approx(20)
        assert spcl["brier"] == pytest.approx(right)
        assert spcl["nll"] == pytest.approx(-math.log(0.8))
        assert (spcl["ece_sd"], spcl["n_seeds"], spcl["n_utterances"]) == (0, 2, 5)
        assert none["ece"] == pytest.approx(20)  # |1 - 0.8| and |0.6 - 0.8|
        assert none["brier"] == pytest.approx((right + (3 * right + 2 * calm) / 5) / 2)
        by_seed = [-math.log(0.8), -(3 * math.log(0.8) + 2 * math.log(0.1)) / 5]
        assert none["nll"] == pytest.approx(np.mean(by_seed))
        assert none["nll_sd"] == pytest.approx(np.std(by_seed, ddof=1))

    def test_confidence_minus_accuracy_has_the_sign_of_over_confidence(self, cells):
        table = tabulate("calibration", Results(**cells))
        data = table.data.set_index("curriculum")
        assert data.loc["spcl", ["confidence", "accuracy", "excess"]].tolist() == pytest.approx(
            [80, 100, -20]
        )
        none = data.loc["none"]
        assert none[["confidence", "accuracy"]].tolist() == pytest.approx([80, 80])
        assert none["excess"] == pytest.approx(0, abs=1e-5)
        assert none["excess_sd"] == pytest.approx(math.sqrt(2) * 20)
        assert any("over-confident" in note for note in table.notes)
        assert "−20.0 ± 0.0" in table.markdown()  # noqa: RUF001

    def test_seeds_without_probabilities_are_left_out_and_named(self, tmp_path):
        cell = diverged(tmp_path, "d/mmgcn/at/none")
        table = tabulate("calibration", Results(**gathered(cell)))
        (row,) = table.data.to_dict("records")
        assert (row["n_seeds"], row["n_undefined"], row["n_diverged"]) == (2, 1, 2)
        assert (row["ece"], row["accuracy"], row["excess"]) == pytest.approx((20, 100, -20))
        assert math.isnan(row["ece_sd"])
        assert any("d/mmgcn/at/none (1 of 2)" in note for note in table.notes)

    def test_without_predictions_there_is_no_confidence(self, cells):
        table = tabulate("calibration", Results(metrics=cells["metrics"]))
        assert table.data["ece"].notna().all()
        assert table.data[["confidence", "excess"]].isna().all(axis=None)
        assert any(note.startswith("No confidence (dash)") for note in table.notes)

    def test_without_cells_there_is_a_note(self):
        table = tabulate("calibration", Results())
        assert not len(table.data)
        assert "There are no cells: no metrics were given." in table.notes
        assert table.markdown()


class TestFigure:
    def test_its_bins_pool_the_seeds_of_the_largest_modality_set(self, cells, tmp_path):
        alone = write_cell(tmp_path, "d/mmgcn/a/none", TRUE, {1: RIGHT})
        paths = {kind: [*cells[kind], alone[kind]] for kind in cells}
        data = figure.compute(Results(**paths)).set_index("curriculum")
        assert set(data["modalities"]) == {"at"}
        # 0.8 as float32 is above 12/15, so in the thirteenth bin.
        assert data["bin"].tolist() == [13, 13]
        assert data["n"].tolist() == [10, 10]
        assert data["n_utterances"].tolist() == [5, 5]
        assert data["confidence"].tolist() == pytest.approx([80, 80])
        assert data["accuracy"].to_dict() == pytest.approx({"none": 80, "spcl": 100})

    def test_its_bins_give_the_error_of_each_cell_over_all_seeds(self, tmp_path):
        results = Results(**make_results(tmp_path, seeds=(1, 2), n_dialogues=12, epochs=2))
        answers = answers_on_test(results)
        data = figure.compute(results)
        assert set(data["modalities"]) == {"atv"}
        for key, bins in data.groupby(["dataset", *KEY]):
            of_cell = answers[(answers[["dataset", *KEY]].astype(str) == list(key)).all(axis=1)]
            assert bins["n"].sum() == len(of_cell)
            assert bins["share"].sum() == pytest.approx(100)
            mean = np.average(bins["confidence"], weights=bins["n"])
            assert mean == pytest.approx(100 * of_cell["confidence"].mean())
            accuracy = np.average(bins["accuracy"], weights=bins["n"])
            assert accuracy == pytest.approx(100 * of_cell["right"].mean())
            assert (
                bins["confidence"]
                .between(100 * (bins["bin"] - 1) / 15, 100 * bins["bin"] / 15)
                .all()
            )

    def test_a_seed_without_probabilities_is_left_out(self, tmp_path):
        cell = diverged(tmp_path, "d/mmgcn/at/none")
        (row,) = figure.compute(Results(**gathered(cell))).to_dict("records")
        assert (row["n"], row["n_seeds"], row["accuracy"]) == (5, 1, 100)

    def test_four_baselines_two_corpora_and_three_curricula_are_drawn(self, tmp_path):
        shape = {"curricula": ("none", "spcl", "anti"), "modalities": ("at",), "seeds": (1, 2)}
        results = Results(**make_results(tmp_path, **shape, epochs=2))
        with style.look():
            drawn = figure.draw(figure.compute(results))
            style.headline(drawn, figure.TITLE, figure.CAPTION, results.simulated)
            said = [text.get_text() for text in drawn.findobj(Text)]
        assert len(drawn.axes) == 16
        assert [said.count(name) for name in ("none", "spcl", "anti")] == [1, 1, 1]

    def test_bins_of_few_answers_are_marks_off_the_line(self, tmp_path):
        n = 40
        true = "c" * n
        cell = write_cell(tmp_path, "d/mmgcn/a/none", true, {1: true})
        data = figure.compute(Results(**gathered(cell)))
        few = data.assign(bin=5, n=figure._FEW - 1, confidence=30.0)
        with style.look():
            diagram = figure.draw(pd.concat([few, data])).axes[0]
        small, line = (one for one in diagram.lines if one.get_label() != "confidence = accuracy")
        assert list(small.get_xdata()) == [30]
        assert small.get_linestyle() == "None"
        assert list(line.get_xdata()) == pytest.approx([80])

    def test_a_second_run_writes_the_same_bytes(self, cells, tmp_path):
        written = []
        for run in ("first", "second"):
            out = {ext: tmp_path / run / f"c.{ext}" for ext in ("parquet", "svg", "png")}
            plot("calibration", Results(**cells), **out)
            written.append([path.read_bytes() for path in out.values()])
        assert written[0] == written[1]

    def test_nothing_to_show_is_said(self):
        with style.look():
            drawn = figure.draw(figure.compute(Results()))
            assert "no predictions were given" in drawn.texts[0].get_text()


def test_answers_are_those_of_labelled_test_utterances(cells):
    answers = answers_on_test(Results(**cells))
    assert len(answers) == 2 * 2 * 5
    assert answers["confidence"].to_numpy() == pytest.approx(sure(RIGHT).max())
    assert answers.groupby(["curriculum", "seed"], observed=True)["right"].sum().tolist() == [
        *(5, 3),
        *(5, 5),
    ]
