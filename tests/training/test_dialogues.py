"""Conversion of corpus tables to tensors: aligned by id, scaled, and split into batches."""

import numpy as np
import pytest

from spcl.errors import UserError
from spcl.training.dialogues import load_corpus
from tests.conftest import feature_table, make_corpus


def load(utterances, features, modalities="at", scale="standard"):
    return load_corpus(utterances, features, modalities, scale=scale, device="cpu")


def test_scaling_is_fitted_on_observed_training_rows_only():
    utterances, features = make_corpus([5] * 10)
    n = len(utterances)
    x = np.random.default_rng(0).normal(3.0, 1e5, (n, 2)).astype(np.float32)
    train = utterances["split"].to_numpy(zero_copy_only=False) == "train"
    observed = np.arange(n) != 2
    x[~train] += 1e6
    features["a"] = feature_table([f"u{i}" for i in range(n)], x, observed)
    corpus = load(utterances, features)
    scaled = corpus.splits["train"].features["a"].numpy()
    np.testing.assert_allclose(scaled[observed[train]].mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled[observed[train]].std(0), 1, atol=1e-5)
    assert not scaled[2].any()
    assert corpus.splits["test"].features["a"].min() > 3


def test_a_constant_feature_becomes_zero():
    utterances, features = make_corpus([5] * 10)
    x = np.full((len(utterances), 2), 0.1, np.float32)
    features["a"] = feature_table(utterances["utterance_id"].to_pylist(), x)
    assert not load(utterances, features).splits["train"].features["a"].any()


def test_rows_are_joined_by_id_whatever_their_order(corpus):
    utterances, features = corpus
    shuffled = np.random.default_rng(0).permutation(len(utterances))
    mixed = utterances.take(shuffled[np.argsort(shuffled % 2, kind="stable")])
    first, second = load(utterances, features), load(mixed, features)
    for split in ("train", "dev", "test"):
        a, b = first.splits[split], second.splits[split]
        place = {name: i for i, name in enumerate(b.utterance_ids)}
        rows = [place[name] for name in a.utterance_ids]
        assert (a.features["t"] == b.features["t"][rows]).all()
        assert (a.labels == b.labels[rows]).all()


def test_an_utterance_without_a_feature_row_is_unobserved(corpus):
    utterances, features = corpus
    features["a"] = features["a"].slice(1)
    train = load(utterances, features).splits["train"]
    assert not train.observed["a"][0]
    assert not train.features["a"][0].any()
    assert train.observed["a"][1:].all()


def test_batches_have_whole_dialogues_in_the_requested_order(corpus):
    train = load(*corpus).splits["train"]
    order = np.arange(len(train))[::-1]
    seen = []
    for rows, batch in train.batches(order, 3):
        assert int(batch.lengths.sum()) == len(batch.labels) == len(rows)
        assert (batch.features["t"] == train.features["t"][rows]).all()
        seen += [(str(train.dialogue_ids[row])) for row in rows]
    expected = [train.dialogue_ids[r] for d in order for r in train.rows(np.array([d]))]
    assert seen == expected


def test_speakers_are_numbered_within_their_dialogue(corpus):
    utterances, features = corpus
    loaded = load(utterances, features)
    train = loaded.splits["train"]
    assert loaded.n_speakers == 2
    for dialogue in np.unique(train.dialogue_ids):
        assert train.speakers[train.dialogue_ids == dialogue][0] == 0


def test_a_modality_never_observed_in_training_is_refused(corpus):
    utterances, features = corpus
    none = np.zeros(len(utterances), bool)
    x = np.zeros((len(utterances), 2), np.float32)
    features["a"] = feature_table(utterances["utterance_id"].to_pylist(), x, none)
    with pytest.raises(UserError, match=r"modality 'a' \(audio\): none is observed"):
        load(utterances, features)
