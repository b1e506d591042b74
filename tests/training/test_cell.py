"""Training of a cell: all seeds, paired over curricula, and tables that fit their schemas."""

import numpy as np
import pyarrow as pa
import pytest

from spcl.errors import UserError
from spcl.models.late_fusion import LateFusion
from spcl.provenance.environment import Provenance
from spcl.study.grid import Cell
from spcl.tables import parquet, schemas
from spcl.tables.parquet import read
from spcl.training.cell import train_cell
from spcl.training.cell_tables import KINDS
from spcl.training.settings import CellSettings
from tests.conftest import LABELS, feature_table, make_corpus

PROVENANCE = Provenance(commit="0", versions={}, device="here", config_digest="0")
SPCL = {"threshold": 0.3, "growth": 1.5}


def train(
    corpus,
    curriculum="none",
    settings=None,
    *,
    modalities="at",
    seeds=(1,),
    robustness=None,
    **training,
):
    settings = CellSettings.from_config(
        {
            "seeds": seeds,
            "training": {"epochs": 3, "batch_size": 3, "learning_rate": 0.003} | training,
            "model": {"hidden": 8, "dropout": 0.2},
            "curriculum": settings or {},
            "robustness": robustness or {},
        }
    )
    cell = Cell("made", "late_fusion", modalities, curriculum)
    return train_cell(cell, *corpus, settings, provenance=PROVENANCE)


def test_the_tables_fit_their_schemas(corpus, tmp_path):
    tables = train(corpus, "spcl", SPCL, modalities="atv", seeds=(1, 2))
    paths = {name: tmp_path / f"{name}.parquet" for name in KINDS}
    tables.write(paths)
    assert read(paths["metrics"], schemas.METRICS).num_rows == 2 * 2
    assert read(paths["history"], schemas.HISTORY).num_rows == 2 * 3
    predictions = read(paths["predictions"], schemas.PREDICTIONS).to_pandas()
    np.testing.assert_allclose(predictions["probabilities"].map(sum), 1, rtol=1e-5)
    assert set(predictions["split"]) == {"dev", "test"}
    assert predictions["modality_probabilities"][0].shape == (3,)
    read(paths["curriculum"], schemas.ADMISSIONS)


def test_the_same_seed_gives_the_same_tables(corpus):
    first, second = (train(corpus, "spcl", SPCL) for _ in range(2))
    assert first.history.equals(second.history)
    assert first.predictions.equals(second.predictions)
    assert first.curriculum.equals(second.curriculum)


def test_a_seed_does_not_depend_on_the_others_of_its_cell(corpus):
    alone, together = train(corpus, seeds=(2,)), train(corpus, seeds=(1, 2))
    kept = pa.compute.equal(together.history["seed"], 2)
    assert together.history.filter(kept).equals(alone.history)


def test_spcl_that_admits_everything_equals_none_to_the_byte(corpus):
    none = train(corpus)
    spcl = train(corpus, "spcl", {"threshold": 60, "growth": 1.0})
    for name in ("history", "predictions"):
        drop = ["curriculum", "threshold"] if name == "history" else ["curriculum"]
        assert getattr(none, name).drop(drop).equals(getattr(spcl, name).drop(drop))


def test_history_says_what_was_admitted(corpus):
    tables = train(corpus, "spcl", {"threshold": 0.3, "growth": 60.0}, epochs=4)
    history = tables.history.to_pandas()
    admitted = tables.curriculum.to_pandas()
    assert history["threshold"].tolist() == pytest.approx([0.3, 18, 60, 60])
    assert history["admitted_share"].iloc[0] < 1
    assert history["admitted_share"].iloc[1] == 1
    assert (admitted["first_epoch"] == 1).mean() == history["admitted_share"].iloc[0]
    assert admitted["share_of_epochs"].mean() == pytest.approx(history["admitted_share"].mean())
    assert tables.metrics["full_at_epoch"].to_pylist() == [2, 2]


def test_unlabelled_utterances_are_predicted_but_in_no_score(corpus):
    utterances, features = make_corpus([5, 4, 6, 3, 5, 4, 5, 4, 3, 5], unlabelled={0, 43})
    tables = train((utterances, features))
    predictions = tables.predictions.to_pandas()
    row = predictions[predictions["utterance_id"] == "u43"].iloc[0]
    assert row["emotion"] is None or row["emotion"] != row["emotion"]
    assert row["predicted"] in LABELS
    assert "u0" not in tables.curriculum["utterance_id"].to_pylist()
    test = tables.metrics.filter(pa.compute.equal(tables.metrics["split"], "test"))
    n_test = (predictions["split"] == "test").sum()
    assert test["n_utterances"].to_pylist() == [n_test - 1]


def test_it_learns():
    tables = train(make_corpus([8] * 40), epochs=8)
    test = tables.metrics.to_pandas().query("split == 'test'").iloc[0]
    assert test["weighted_f1"] > 0.85
    assert min(test["modality_weighted_f1"]) > 1 / len(LABELS)


def test_patience_ends_a_training_without_improvement():
    noise = make_corpus([4] * 10, signal=0.0)
    tables = train(noise, epochs=30, patience=2)
    metrics = tables.metrics.to_pandas().iloc[0]
    assert metrics["epochs"] == metrics["best_epoch"] + 2 < 30


def test_the_epoch_is_chosen_on_dev(corpus):
    tables = train(corpus, epochs=6)
    dev = tables.history["dev_weighted_f1"].to_numpy()
    assert tables.metrics["best_epoch"][0].as_py() == dev.argmax() + 1
    by_split = {row["split"]: row for row in tables.metrics.to_pylist()}
    assert by_split["dev"]["weighted_f1"] == dev.max()


def test_without_a_dev_split_the_epoch_is_chosen_on_test(corpus):
    utterances, features = corpus
    splits = ["train" if s == "dev" else s for s in utterances["split"].to_pylist()]
    place = utterances.column_names.index("split")
    utterances = utterances.set_column(place, "split", pa.array(splits))
    utterances = parquet.describe(utterances, protocol="best-test-epoch")
    tables = train((utterances, features), "spcl", SPCL, epochs=6)
    test = tables.history["test_weighted_f1"].to_numpy()
    assert tables.history["dev_weighted_f1"].null_count == 6
    assert tables.metrics["split"].to_pylist() == ["test"]
    assert tables.metrics["best_epoch"].to_pylist() == [test.argmax() + 1]
    assert set(tables.predictions["split"].to_pylist()) == {"test"}


def test_a_loss_of_nan_marks_the_seed_and_ends_it(corpus):
    utterances, features = corpus
    x = np.full((len(utterances), 3), np.inf, np.float32)
    features["a"] = feature_table(utterances["utterance_id"].to_pylist(), x)
    tables = train((utterances, features), scale="none", seeds=(1, 2))
    assert tables.metrics["diverged"].to_pylist() == [True] * 4
    assert tables.history.num_rows == 2


def test_a_gradient_of_nan_marks_the_seed_although_the_loss_is_finite(corpus, monkeypatch):
    """In the last step, after which no loss is computed."""

    def spoilt(model, batch):
        logits = forward(model, batch)
        if model.training:
            logits["a"].register_hook(lambda gradient: gradient * float("nan"))
        return logits

    forward = LateFusion.forward
    monkeypatch.setattr(LateFusion, "forward", spoilt)
    tables = train(corpus, epochs=1, batch_size=100)
    assert np.isfinite(tables.history["train_loss"].to_numpy()).all()
    assert tables.metrics["diverged"].to_pylist() == [True] * 2


def test_a_wrong_setting_names_the_config_key(corpus):
    with pytest.raises(
        UserError, match=r"curricula.spcl: got an unexpected keyword argument 'speed'"
    ):
        train(corpus, "spcl", SPCL | {"speed": 1})


def test_a_split_without_labels_is_explained():
    utterances, features = make_corpus([4, 4, 4], unlabelled=set(range(8, 12)))
    with pytest.raises(UserError, match=r"datasets.made: split '.*' has no labelled utterance"):
        train((utterances, features))
