"""Scores under missing modalities and noise."""

import numpy as np
import pyarrow.compute as pc
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from spcl import curriculum, models
from spcl.training.dialogues import load_corpus
from spcl.training.evaluation import evaluate
from spcl.training.loop import Training
from spcl.training.perturbations import perturbed, score_perturbed
from spcl.training.settings import RobustnessSettings, TrainingSettings
from tests.conftest import feature_table, make_corpus
from tests.training.test_cell import train

ALL = RobustnessSettings(True, (0.1, 0.5), (0.3, 1.0), (0.5, 2.0))


def load(tables, modalities="at", scale="standard"):
    return load_corpus(*tables, modalities, scale=scale, device="cpu")


class Heads(nn.Module):
    """z^m = weight_m W_m x^m: a model without context."""

    def __init__(self, widths, weights):
        super().__init__()
        torch.manual_seed(0)
        self.heads = nn.ModuleDict({m: nn.Linear(d, 3, bias=False) for m, d in widths.items()})
        self.weights = weights

    def forward(self, batch):
        return {m: self.weights[m] * head(batch.features[m]) for m, head in self.heads.items()}


def test_a_model_that_ignores_a_modality_loses_nothing_when_it_is_missing_or_noisy(corpus):
    loaded = load(corpus)
    model = Heads(loaded.widths, {"a": 0.0, "t": 1.0})
    clean = evaluate(model, loaded.splits["test"]).sum(0).argmax(-1)
    scores = score_perturbed(model, loaded, ALL)
    ignored = [one for one in scores if one.perturbation.modality == "a"]
    assert len(ignored) == 3
    for one in ignored:
        np.testing.assert_array_equal(one.predicted, clean)


def test_a_model_that_uses_one_modality_loses_all_of_it_when_it_is_missing(corpus):
    loaded = load(corpus)
    model = Heads(loaded.widths, {"a": 0.0, "t": 1.0})
    [missing] = [
        one
        for one in score_perturbed(model, loaded, RobustnessSettings(modality_missing=True))
        if one.perturbation.modality == "t"
    ]
    assert not missing.predicted.any()  # all logits are 0, so every answer is the first class


@pytest.mark.parametrize("modalities", ["a", "at", "atv"])
def test_every_set_of_modalities_is_missing_once(corpus, modalities):
    sets = [p.modality for p, _ in perturbed(load(corpus, modalities), ALL) if p.level == 1]
    missing = [one for one in sets if set(one) <= set(modalities)]
    assert len(set(missing)) == 2 ** len(modalities) - 1


def test_all_cells_see_the_same_perturbed_utterances(corpus):
    pair, triple = load(corpus, "at"), load(corpus, "atv")
    of_triple = {(p.perturbation, p.level, p.modality): d for p, d in perturbed(triple, ALL)}
    for p, dialogues in perturbed(pair, ALL):
        shared = "noise", "modality_missing"
        same = of_triple[p.perturbation, p.level, p.modality if p.perturbation in shared else "atv"]
        for m in "at":
            assert dialogues.features[m].equal(same.features[m])
            assert dialogues.observed[m].equal(same.observed[m])


@given(
    lengths=st.lists(st.integers(1, 6), min_size=5, max_size=15),
    shares=st.lists(st.floats(0.01, 1), min_size=2, max_size=2, unique=True).map(sorted),
    seed=st.integers(0, 3),
)
def test_the_given_share_is_missing_and_remains_missing_at_a_larger_share(lengths, shares, seed):
    loaded = load(make_corpus(lengths))
    test = loaded.splits["test"]
    settings = RobustnessSettings(False, tuple(shares), tuple(shares), seed=seed)
    found = {(p.perturbation, p.level): d.observed for p, d in perturbed(loaded, settings)}
    dialogue = np.repeat(np.arange(len(test)), test.lengths)
    for m in "at":
        for name, n in (("utterances_missing", len(dialogue)), ("dialogues_missing", len(test))):
            small, large = (~found[name, share][m].numpy() for share in shares)
            assert (large | ~small).all()
            for share, missing in zip(shares, (small, large), strict=True):
                units = missing if name == "utterances_missing" else np.unique(dialogue[missing])
                assert (units.sum() if units.dtype == bool else len(units)) == round(share * n)
                if name == "dialogues_missing":
                    np.testing.assert_array_equal(missing, np.isin(dialogue, units))


@pytest.mark.parametrize("scale", ["standard", "none"])
def test_noise_has_the_deviation_of_the_feature_and_spares_constant_features(scale):
    utterances, features = make_corpus([40] * 10)
    x = np.stack(features["a"]["features"].to_numpy(zero_copy_only=False))
    x = (x * [1, 100, 0.01, 0] + [0, 0, 5, 7]).astype(np.float32)
    features["a"] = feature_table(features["a"]["utterance_id"].to_pylist(), x)
    loaded = load((utterances, features), scale=scale)
    clean = loaded.splits["test"].features["a"]
    deviation = loaded.splits["train"].features["a"].std(0, correction=0)
    noises = {}
    for p, dialogues in perturbed(loaded, RobustnessSettings(noise=(0.5, 2.0))):
        if p.modality == "a":
            noises[p.level] = (dialogues.features["a"] - clean).numpy()
            torch.testing.assert_close(
                torch.from_numpy(noises[p.level]).std(0)[:3],
                p.level * deviation[:3],
                rtol=0.3,
                atol=0,
            )
            assert not noises[p.level][:, 3].any()
    np.testing.assert_allclose(4 * noises[0.5], noises[2.0], rtol=1e-2, atol=1e-4)


def test_an_unobserved_utterance_stays_unobserved(corpus):
    utterances, features = corpus
    x = np.stack(features["a"]["features"].to_numpy(zero_copy_only=False))
    observed = np.arange(len(x)) % 3 > 0
    features = features | {
        "a": feature_table(features["a"]["utterance_id"].to_pylist(), x, observed)
    }
    loaded = load((utterances, features))
    missing = ~loaded.splits["test"].observed["a"]
    assert missing.any()
    for _, dialogues in perturbed(loaded, ALL):
        assert not dialogues.observed["a"][missing].any()


def test_the_model_of_the_best_epoch_is_scored(corpus):
    """A high learning rate, so that the last epoch is not the best one."""
    loaded = load(corpus)
    torch.manual_seed(1)
    model = models.build("late_fusion", widths=loaded.widths, n_classes=3, n_speakers=2, hidden=8)
    settings = TrainingSettings(epochs=12, batch_size=2, learning_rate=0.05)
    training = Training(model, curriculum.build("none"), loaded, settings, seed=1)
    while not training.finished:
        training.step()
    assert training.result.best_epoch < 12
    last = evaluate(model, loaded.splits["test"])
    best = evaluate(training.best_model(), loaded.splits["test"])
    assert best.equal(training.result.logits["test"])
    assert not last.equal(best)


def test_without_perturbations_the_table_is_empty_and_no_other_table_changes(corpus):
    without = train(corpus)
    settings = {"modality_missing": True, "utterances_missing": [0.5], "noise": [1]}
    tried = train(corpus, robustness=settings)
    assert len(without.robustness) == 0
    assert len(tried.robustness) == 3 + 1 + 2
    assert tried.predictions.equals(without.predictions)
    assert tried.history.equals(without.history)
    n_test = pc.sum(pc.equal(tried.predictions["split"], "test")).as_py()
    assert set(pc.list_value_length(tried.robustness["predicted"]).to_pylist()) == {n_test}
