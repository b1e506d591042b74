"""The card of models: its numbers are those of the tables, its words those of the facts."""

from dataclasses import replace

import pytest

from spcl.models.saved import read_facts
from spcl.report.analysis.results import Results
from spcl.report.card import SCHEMA, card
from spcl.report.tables import calibration, main, per_class, robustness
from spcl.tables import parquet
from spcl.training.cell_tables import saved_models
from tests.conftest import make_corpus
from tests.prediction.made_cell import LENGTHS, train_made_cell


@pytest.fixture(scope="module")
def cell(tmp_path_factory):
    """The results of a trained cell of two seeds, and the facts of its models."""
    folder = tmp_path_factory.mktemp("card")
    train_made_cell(folder, make_corpus(LENGTHS * 3), model={"hidden": 8})
    kinds = ("metrics", "predictions", "robustness", "curriculum")
    results = Results(**{kind: [folder / f"{kind}.parquet"] for kind in kinds})
    return results, [read_facts(path) for path in saved_models(folder).values()]


def test_the_numbers_are_those_of_the_tables(cell):
    results, facts = cell
    data = card(results, facts).data.set_index(["measure", "of"])
    (scored,) = main.compute(results, test=False).to_dict("records")
    assert data.loc[("weighted_f1", ""), "value"] == scored["weighted_f1"]
    assert data.loc[("weighted_f1", ""), "low"] == scored["weighted_f1_low"]
    (calibrated,) = calibration.compute(results).to_dict("records")
    assert data.loc[("ece", ""), "value"] == calibrated["ece"]
    for row in per_class.compute(results).to_dict("records"):
        found = data.loc[("f1", row["emotion"])]
        assert (found["value"], found["value_sd"]) == (row["f1"], row["f1_sd"])
    perturbed = robustness.compute(results).query("perturbation == 'modality_missing'")
    for row in perturbed[~perturbed["summary"].astype(bool)].to_dict("records"):
        found = data.loc[("modality_missing", row["modality"])]
        assert (found["value"], found["drop"]) == (row["score"], row["drop"])


def test_the_text_says_what_a_user_must_know(cell, tmp_path):
    results, facts = cell
    made = card(results, facts)
    made.write(parquet=tmp_path / "card.parquet", md=tmp_path / "card.md")
    text = (tmp_path / "card.md").read_text()
    for words in (
        "SIMULATED DATA (made)",
        "happy, sad, neutral",
        "none: simulated",
        "seed 1: epoch",
        "## F1 by class",
        "## Missing modalities",
        "## Calibration",
        "arxiv.org/abs/2605.21565",
        "Every utterance is given one of the 3 classes",
    ):
        assert words in text
    assert parquet.read(tmp_path / "card.parquet", SCHEMA).num_rows == len(made.data)


def test_a_card_of_one_seed_says_that_there_is_one(cell):
    results, facts = cell
    assert any("one seed" in note for note in card(results, facts[:1]).notes)


def test_the_licence_is_that_of_the_config_or_unknown(cell):
    results, (first, *_) = cell
    named = card(results, [replace(first, licence="CC BY 4.0")]).markdown()
    assert "CC BY 4.0" in named
    unknown = card(results, [replace(first, simulated=False)]).markdown()
    assert "not named in the config; ask its authors" in unknown
