"""The offline probe scores an utterance without its dialogue or its label."""

import numpy as np
import pytest

from spcl.difficulty.probe import score_utterances
from spcl.errors import UserError
from spcl.tables import schemas
from tests.conftest import LABELS, feature_table, make_corpus


def score(utterances, features, **options):
    options = {"dataset": "made", "modality": "t", "folds": 3} | options
    return score_utterances(utterances, features["t"], **options)


def test_its_table_is_of_its_schema_and_in_the_corpus_order(corpus):
    utterances, features = corpus
    table = score(utterances, features)
    assert table["utterance_id"].equals(utterances["utterance_id"])
    assert schemas.UTTERANCE_DIFFICULTY.fault(table) is None


def test_a_dialogue_is_never_split_over_folds(corpus):
    table = score(*corpus).to_pandas()
    train = table[table["split"] == "train"]
    assert (train.groupby("dialogue_id")["fold"].nunique() == 1).all()
    assert train["fold"].nunique() == 3
    assert table.loc[table["split"] != "train", "fold"].isna().all()


def test_only_labelled_training_utterances_have_a_loss(corpus):
    utterances, features = corpus
    table = score(utterances, features).to_pandas()
    labelled = utterances["emotion"].is_valid().to_numpy() & (table["split"] == "train")
    assert (table["loss"].notna() == labelled).all()
    np.testing.assert_allclose(table["loss"], -np.log(table["p_true"]))


def test_labels_of_dev_and_test_change_nothing(corpus):
    utterances, features = corpus
    changed = utterances.to_pandas()
    outside = changed["split"] != "train"
    changed.loc[outside, "emotion"] = changed.loc[outside, "emotion"].iloc[::-1].to_numpy()
    i = utterances.column_names.index("emotion")
    column = type(utterances).from_pandas(changed[["emotion"]])["emotion"]
    other = utterances.set_column(i, "emotion", column)
    other = other.replace_schema_metadata(utterances.schema.metadata)
    assert not other["emotion"].equals(utterances["emotion"])
    assert score(other, features).equals(score(utterances, features))


def test_a_label_does_not_change_the_scores_of_its_dialogue():
    utterances, features = make_corpus([4] * 10, seed=3)
    flipped, _ = make_corpus([4] * 10, seed=3, unlabelled={0})
    table, other = (score(u, features).to_pandas() for u in (utterances, flipped))
    own = (table["dialogue_id"] == "d0").to_numpy()
    assert (table["probabilities"].map(tuple)[own] == other["probabilities"].map(tuple)[own]).all()


def test_it_finds_signal_but_not_noise():
    clear, noise = (make_corpus([6] * 40, signal=s) for s in (2.0, 0.0))
    assert score(*clear)["loss"].to_pandas().mean() < 0.8
    assert score(*noise)["loss"].to_pandas().mean() > np.log(len(LABELS)) - 0.1


def test_an_unobserved_utterance_gets_the_class_frequencies(corpus):
    utterances, features = corpus
    seen = np.ones(len(utterances), bool)
    seen[[0, 1]] = False
    x = features["t"]["features"].combine_chunks().flatten().to_numpy().reshape(len(seen), -1)
    features["t"] = feature_table(utterances["utterance_id"].to_pylist(), x, seen)
    table = score(utterances, features).to_pandas()
    assert table["probabilities"][0].tolist() == table["probabilities"][1].tolist()
    assert table["probabilities"][0].sum() == pytest.approx(1)


def test_a_training_split_of_one_dialogue_is_explained():
    utterances, features = make_corpus([5, 5], seed=1)
    with pytest.raises(UserError, match=r"datasets.made: the training split has fewer than two"):
        score(utterances, features)
