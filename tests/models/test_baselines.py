"""Properties of every baseline: independent dialogues, finite numbers, checked settings."""

from dataclasses import dataclass

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from spcl.errors import UserError
from spcl.models import Batch, build
from spcl.study.extensions import BASELINE, names

WIDTHS = {"a": 10, "t": 14, "v": 7}
N_SPEAKERS = 9
SMALL = {
    "biddin": {
        "global_hidden": 6,
        "party_hidden": 8,
        "emotion_hidden": 4,
        "classifier_hidden": 5,
    },
    "dialogue_gcn": {"hidden": 9, "graph_hidden": 7, "window_past": 2, "window_future": 3},
    "late_fusion": {"hidden": 8},
    "mm_dfn": {"hidden": 8},
    "mmgcn": {"hidden": 8},
}
NAMES = names(BASELINE)
NO_DROPOUT = {
    "biddin": {"dropout": 0.0, "position_dropout": 0.0},
    "dialogue_gcn": {"dropout": 0.0},
    "late_fusion": {"dropout": 0.0},
    "mm_dfn": {"dropout": 0.0, "gate_dropout": 0.0},
    "mmgcn": {"dropout": 0.0},
}
each_baseline = pytest.mark.parametrize("name", NAMES)
each_modality_set = pytest.mark.parametrize("modalities", ["atv", "at", "va", "t"])


@dataclass
class Dialogue:
    """n utterances: features and observed by modality, (n, D) and (n,) bool; speakers (n,)."""

    features: dict[str, Tensor]
    speakers: Tensor
    observed: dict[str, Tensor]


def small(name, modalities="atv", seed=0, n_speakers=N_SPEAKERS, **settings):
    torch.manual_seed(seed)
    widths = {m: WIDTHS[m] for m in modalities}
    settings = SMALL[name] | settings
    return build(name, widths=widths, n_classes=4, n_speakers=n_speakers, **settings)


def dialogues(lengths, modalities="atv", *, n_speakers=N_SPEAKERS, seed=0):
    """Random ones, all observed."""
    random = torch.Generator().manual_seed(seed)
    return [
        Dialogue(
            {m: torch.randn(length, WIDTHS[m], generator=random) for m in modalities},
            torch.randint(n_speakers, (length,), generator=random),
            {m: torch.ones(length, dtype=torch.bool) for m in modalities},
        )
        for length in lengths
    ]


def hard_dialogues(modalities):
    """An ordinary one; 1 utterance; 200 of nine speakers; no norm; some and all unobserved."""
    chosen = dialogues([7, 1, 200, 4, 9, 5], modalities)
    assert chosen[2].speakers.unique().numel() == N_SPEAKERS
    m = modalities[-1]
    chosen[3].features[m].zero_()
    chosen[4].observed[m][2:5] = False
    chosen[5].observed[m][:] = False
    return chosen


def together(chosen, *, longer=0):
    """One batch of these dialogues, padded by `longer` places more than it must be."""
    lengths = [len(one.speakers) for one in chosen]
    speakers = torch.cat([one.speakers for one in chosen])
    modalities = list(chosen[0].features)
    return Batch(
        features={m: torch.cat([one.features[m] for one in chosen]) for m in modalities},
        lengths=torch.tensor(lengths),
        speakers=speakers,
        labels=torch.zeros_like(speakers),
        observed={m: torch.cat([one.observed[m] for one in chosen]) for m in modalities},
        max_length=max(lengths) + longer,
    )


def logits(model, batch):
    """(M, N, C)."""
    return torch.stack(list(model(batch).values()))


def results(model, chosen, **batch):
    """The logits, and the gradients of their squares: by features, by weights."""
    batch = together(chosen, **batch)
    for x in batch.features.values():
        x.requires_grad_()
    z = logits(model, batch)
    wanted = [*batch.features.values(), *model.parameters()]
    gradients = torch.autograd.grad(z.square().sum() / 10, wanted, materialize_grads=True)
    n = len(batch.features)
    return z.detach(), torch.cat(gradients[:n], 1), gradients[n:]


@pytest.mark.parametrize("training", [False, True])
@each_modality_set
@each_baseline
def test_logits_and_gradients_do_not_depend_on_other_dialogues_order_or_padding(
    name, modalities, training
):
    model = small(name, modalities, **NO_DROPOUT[name]).train(training)
    chosen = hard_dialogues(modalities)
    alone = [results(model, [one]) for one in chosen]
    for order, longer in (([0, 1, 2, 3, 4, 5], 0), ([3, 5, 1, 0, 4, 0], 3)):
        z, of_features, of_weights = results(model, [chosen[i] for i in order], longer=longer)
        expected = torch.cat([alone[i][0] for i in order], 1)
        torch.testing.assert_close(z, expected, atol=1e-5, rtol=1e-5)
        expected = torch.cat([alone[i][1] for i in order])
        torch.testing.assert_close(of_features, expected, atol=1e-5, rtol=1e-5)
        for gradient, *parts in zip(of_weights, *(alone[i][2] for i in order), strict=True):
            torch.testing.assert_close(gradient, sum(parts), atol=1e-5, rtol=1e-4)


@each_baseline
def test_no_gradient_leaks_from_one_dialogue_into_another(name):
    model = small(name).eval()
    batch = together(dialogues([5, 8]))
    for x in batch.features.values():
        x.requires_grad_()
    sum(z[:5].sum() for z in model(batch).values()).backward()
    for x in batch.features.values():
        assert x.grad[:5].abs().max() > 0
        assert x.grad[5:].abs().max() == 0


@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    name=st.sampled_from(NAMES),
    seed=st.integers(0, 99),
)
def test_any_batch_gives_what_its_dialogues_give_alone(lengths, name, seed):
    model = small(name, "at", seed).eval()
    chosen = dialogues(lengths, "at", seed=seed)
    with torch.no_grad():
        expected = torch.cat([logits(model, together([one])) for one in chosen], 1)
        torch.testing.assert_close(logits(model, together(chosen)), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("training", [True, False])
@each_baseline
def test_extreme_dialogues_give_finite_logits_and_gradients(name, training):
    model = small(name).train(training)
    chosen = dialogues([1, 200, 30])
    chosen[2].features["a"].zero_()  # a modality without any signal
    chosen[1].features["t"][5:9] = 0  # vectors of norm zero
    chosen[1].features["v"][:] = 1e4 * chosen[1].features["v"][:1]  # equal and large
    assert chosen[1].speakers.unique().numel() == N_SPEAKERS
    z = logits(model, together(chosen))
    z.square().mean().backward()
    assert z.isfinite().all()
    assert all(value.grad.isfinite().all() for value in model.parameters())


@each_baseline
def test_the_features_of_an_unobserved_utterance_are_not_used(name):
    model = small(name).eval()
    one, other, zeros = (dialogues([6, 3]) for _ in range(3))
    other[0].features["v"][2] = torch.nan
    zeros[0].features["v"][2] = 0
    seen = logits(model, together(one))
    expected = logits(model, together(zeros))
    for chosen in (one, other):
        chosen[0].observed["v"][2] = False
        assert torch.equal(logits(model, together(chosen)), expected)
    assert not torch.equal(seen, expected)


@each_baseline
def test_a_modality_may_be_unobserved_in_every_dialogue(name):
    model = small(name)
    chosen = dialogues([6, 1])
    for one in chosen:
        one.observed["v"][:] = False
    z = logits(model, together(chosen))
    z.square().sum().backward()
    assert z.isfinite().all()
    assert all(value.grad.isfinite().all() for value in model.parameters())


@each_baseline
def test_the_same_seed_gives_the_same_weights_and_dropout(name):
    def one():
        model = small(name, seed=3)
        return logits(model, together(dialogues([5, 2])))

    assert torch.equal(one(), one())


@each_baseline
def test_dropout_acts_in_training_only(name):
    model, batch = small(name), together(dialogues([8, 3]))
    assert not torch.equal(logits(model, batch), logits(model, batch))
    model.eval()
    assert torch.equal(logits(model, batch), logits(model, batch))


@each_baseline
def test_with_every_dropout_at_0_training_and_evaluation_agree(name):
    model, batch = small(name, **NO_DROPOUT[name]), together(dialogues([8, 3]))
    trained = logits(model, batch)
    torch.testing.assert_close(logits(model.eval(), batch), trained, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "setting"), [(name, key) for name in NAMES for key in NO_DROPOUT[name]]
)
def test_each_dropout_has_its_setting(name, setting):
    only = NO_DROPOUT[name] | {setting: 0.5}
    model, batch = small(name, **only), together(dialogues([8, 3]))
    assert not torch.equal(logits(model, batch), logits(model, batch))


@each_baseline
def test_every_weight_learns(name):
    model = small(name).eval()
    logits(model, together(dialogues([12, 5]))).square().sum().backward()
    idle = [key for key, value in model.named_parameters() if not value.grad.abs().sum() > 0]
    assert idle == []


@pytest.mark.parametrize("name", ["biddin", "dialogue_gcn"])
def test_the_speaker_changes_the_logits(name):
    model = small(name).eval()
    (one,) = dialogues([6])
    one.speakers = torch.zeros(6, dtype=torch.int64)
    monologue = logits(model, together([one]))
    one.speakers = torch.tensor([0, 1, 0, 1, 0, 1])
    assert (logits(model, together([one])) - monologue).abs().max() > 1e-4


def test_dialogue_gcn_looks_no_further_than_its_window_after_the_encoder():
    model = small("dialogue_gcn", "t", n_speakers=2).eval()
    network = model.networks["t"]
    batch = together(dialogues([15], "t", n_speakers=2))
    g = torch.randn(15, 9, requires_grad=True)
    network.encoder.forward = lambda batch, x: g
    model(batch)["t"][7].sum().backward()
    reached = g.grad.abs().sum(1).nonzero().flatten().tolist()
    # Two convolutions, each from 3 before to 2 after; and an edge's weight depends on the other
    # targets of its source, 2 before it to 3 after it.
    assert reached == list(range(7 - 3 - 3, 7 + 2 + 3 + 1))


@each_baseline
def test_an_unknown_setting_names_the_known_ones(name):
    with pytest.raises(
        UserError, match=rf"baselines\.{name}\.model: .*'hiden'; the class takes: .*dropout"
    ):
        build(name, widths=WIDTHS, n_classes=4, n_speakers=2, hiden=3)


def test_an_unknown_baseline_names_the_known_ones():
    with pytest.raises(UserError, match=r"there is no 'dialogue_rnn'.*biddin.*mmgcn"):
        build("dialogue_rnn", widths=WIDTHS, n_classes=4, n_speakers=2)


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("dialogue_gcn", {"window_past": -1}),
        ("dialogue_gcn", {"heads": 3}),
        ("biddin", {"emotion_hidden": 5}),
    ],
)
def test_a_setting_out_of_range_is_a_users_error(name, setting):
    (key,) = setting
    with pytest.raises(UserError, match=rf"baselines\.{name}\.model: {key}"):
        build(name, widths=WIDTHS, n_classes=4, n_speakers=2, **setting)


@pytest.mark.parametrize("training", [False, True])
@each_baseline
def test_half_precision_gives_finite_numbers_close_to_full(name, training):
    model = small(name, **NO_DROPOUT[name]).train(training)
    chosen = dialogues([8, 30, 1])
    chosen[1].features["t"][:] = chosen[1].features["t"][:1]  # a cosine of 1, and above it
    full = logits(model, together(chosen))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = logits(model, together(chosen))
    torch.testing.assert_close(half.float(), full, atol=0.1, rtol=0.1)
    half.float().square().mean().backward()
    assert all(value.grad.isfinite().all() for value in model.parameters())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@each_baseline
def test_on_a_gpu_the_logits_are_the_same_and_nothing_waits_for_it(name):
    model = small(name).eval()
    batch = together(dialogues([8, 30, 1]))
    expected = logits(model, batch)
    model, batch = model.cuda(), batch.to("cuda")
    torch.cuda.set_sync_debug_mode("error")
    try:
        z = logits(model, batch)
        z.square().sum().backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(z.cpu(), expected, atol=1e-4, rtol=1e-4)
