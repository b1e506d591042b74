"""The folds of a corpus, pooled: scores over the union, worked by hand."""

import numpy as np
import pyarrow as pa
import pytest
from made_by_hand import LABELS, write_cells
from made_results import make_results
from sklearn.metrics import f1_score

from spcl.report.analysis.folds import pool_metrics, pool_predictions, pool_probes
from spcl.report.analysis.results import Results
from spcl.report.tables import tabulate
from spcl.tables import parquet, schemas

# Session 1 has four utterances, session 2 two, one of which is unlabelled.
FIRST = {"s1_a": "jj", "s1_b": "aa"}
SECOND = {"s2_a": "j", "s2_b": "-"}


def read(paths, kind):
    schema = {"metrics": schemas.METRICS, "predictions": schemas.PREDICTIONS}[kind]
    return pa.concat_tables([parquet.read(path, schema) for path in paths[kind]])


@pytest.fixture
def folds(tmp_path):
    """Two folds of a corpus with two seeds; the second fold has a third seed."""
    first = write_cells(
        tmp_path / "1",
        FIRST,
        {"mine-session1/mmgcn/at/none": {1: "jjaa", 2: "jaaa"}},
        full_at_epoch=3,
        commit="one",
    )
    second = write_cells(
        tmp_path / "2",
        SECOND,
        {"mine-session2/mmgcn/at/none": {1: "aj", 2: "jj", 3: "jj"}},
        full_at_epoch=5,
        commit="two",
        train_seconds=30.0,
        utterances_per_second=20.0,
    )
    return first, second


def pooled(folds):
    predictions = pool_predictions([read(fold, "predictions") for fold in folds], "mine")
    metrics = pool_metrics([read(fold, "metrics") for fold in folds], predictions, "mine")
    return metrics, predictions


def test_scores_are_those_of_the_union_of_the_predictions(folds):
    metrics, _ = pooled(folds)
    first, second = metrics.to_pylist()
    # Seed 1: joy jj,j -> jj,a; anger aa -> aa. Joy: 2 hits, 2 answers, 3 labels: F1 4/5; anger: 2
    # hits, 3 answers, 2 labels: F1 4/5. The folds' own scores are 1 and 0, their mean 1/2.
    assert first["weighted_f1"] == pytest.approx(0.8)
    assert first["accuracy"] == pytest.approx(4 / 5)
    assert first["f1_by_class"] == pytest.approx([0.8, 0.8])
    assert first["n_utterances"] == 5
    # Seed 2: joy jj,j -> ja,j: 2 hits, 2 answers, 3 labels: the same counts with other places.
    assert second["weighted_f1"] == pytest.approx(0.8)
    assert (first["seed"], second["seed"]) == (1, 2)


def test_heads_and_confidences_are_recomputed_too(folds):
    metrics, _ = pooled(folds)
    row = metrics.to_pylist()[0]
    # Every head answers as the joint model, with probability 3/4: right in four of five.
    assert row["modality_weighted_f1"] == pytest.approx([0.8, 0.8])
    assert row["modality_confidence"] == pytest.approx([(4 * 0.75 + 0.25) / 5] * 2)


def test_what_is_no_score_is_joined_as_the_docstring_says(folds):
    row = pooled(folds)[0].to_pylist()[0]
    assert row["dataset"] == "mine"
    assert row["full_at_epoch"] == 5
    assert row["commit"] == "one, two"
    assert row["device"] == "a made-up processor"
    assert row["versions"] == '{"python": "3.12.1"}'
    assert row["train_seconds"] == 40
    assert row["utterances_per_second"] == pytest.approx((10 * 100 + 30 * 20) / 40)


def test_a_seed_that_a_fold_lacks_is_left_out(folds):
    metrics, predictions = pooled(folds)
    assert metrics["seed"].to_pylist() == [1, 2]
    assert set(predictions["seed"].to_pylist()) == {1, 2}
    assert len(predictions) == 2 * 6


def test_folds_without_a_training_in_common_give_an_empty_table(tmp_path):
    first = write_cells(tmp_path / "1", FIRST, {"m1/mmgcn/t/none": {1: "jjaa"}})
    second = write_cells(tmp_path / "2", SECOND, {"m2/mmgcn/t/spcl": {1: "jj"}})
    metrics, predictions = pooled((first, second))
    assert len(metrics) == len(predictions) == 0
    assert schemas.METRICS.fault(metrics) is None


def test_one_fold_that_never_admitted_all_makes_the_corpus_one_that_did_not(tmp_path):
    answers = {1: "jjaa"}
    first = write_cells(tmp_path / "1", FIRST, {"m1/mmgcn/t/none": answers}, full_at_epoch=None)
    second = write_cells(tmp_path / "2", SECOND, {"m2/mmgcn/t/none": {1: "jj"}}, diverged=True)
    row = pooled((first, second))[0].to_pylist()[0]
    assert row["full_at_epoch"] is None
    assert row["diverged"] is True


def test_tables_show_the_corpus_like_any_other(folds, tmp_path):
    metrics, predictions = pooled(folds)
    parquet.write(metrics, tmp_path / "m.parquet", schemas.METRICS)
    parquet.write(predictions, tmp_path / "p.parquet", schemas.PREDICTIONS)
    results = Results(metrics=[tmp_path / "m.parquet"], predictions=[tmp_path / "p.parquet"])
    (row,) = tabulate("main", results).data.to_dict("records")
    assert (row["dataset"], row["n_seeds"], row["n_utterances"]) == ("mine", 2, 5)
    assert row["weighted_f1"] == pytest.approx(80)
    assert row["n_dialogues"] == 3  # the fourth has no label
    assert results.labels == {"mine": LABELS}


def test_the_folds_stand_apart_in_a_table_of_their_own(folds):
    paths = {kind: [path for fold in folds for path in fold[kind]] for kind in folds[0]}
    table = tabulate("folds", Results(**paths))
    # Session 1: 100, and (2/3 + 4/5) / 2 with the second seed. Session 2: 0, 100, 100.
    expected = [(100 + 50 * (2 / 3 + 4 / 5)) / 2, 200 / 3]
    assert table.data["weighted_f1"].tolist() == pytest.approx(expected)
    assert "table main" in table.notes[0]


def test_pooled_scores_are_scikit_learns_on_larger_folds(tmp_path):
    shape = {"baselines": ("mmgcn",), "modalities": ("av",), "seeds": (1, 2), "epochs": 2}
    made = [
        make_results(tmp_path / name, datasets=(name,), n_dialogues=12, **shape)
        for name in ("meld-a", "meld-b")
    ]
    metrics, predictions = pooled(made)
    frame = predictions.to_pandas()
    for row in metrics.to_pylist():
        chosen = frame[(frame["curriculum"] == row["curriculum"]) & (frame["seed"] == row["seed"])]
        chosen = chosen[chosen["emotion"].notna()]
        expected = f1_score(chosen["emotion"], chosen["predicted"], average="weighted")
        assert row["weighted_f1"] == pytest.approx(expected)
        assert row["simulated"] is True
    assert len(metrics) == 2 * 2


def test_probes_are_united_over_the_test_rows(tmp_path):
    shape = {"baselines": ("mmgcn",), "modalities": ("a",), "seeds": (1,), "epochs": 2}
    made = [
        make_results(tmp_path / name, datasets=(name,), n_dialogues=12, **shape)
        for name in ("meld-a", "meld-b")
    ]
    tables = [
        parquet.read(paths["utterance_difficulty"][0], schemas.UTTERANCE_DIFFICULTY)
        for paths in made
    ]
    united = pool_probes(tables, "meld")
    assert schemas.UTTERANCE_DIFFICULTY.fault(united) is None
    assert set(united["split"].to_pylist()) == {"test"}
    assert parquet.metadata(united)["dataset"] == "meld"
    assert len(united) == sum(np.sum(np.asarray(t["split"]) == "test") for t in tables)
