"""What every baseline promises: a dialogue's logits are its own, and always numbers."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spcl.errors import UserError
from spcl.models import NAMES, Batch, build

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
each_baseline = pytest.mark.parametrize("name", NAMES)
each_modality_set = pytest.mark.parametrize("modalities", ["atv", "at", "va", "t"])


def small(name, modalities="atv", seed=0, n_speakers=N_SPEAKERS):
    torch.manual_seed(seed)
    widths = {m: WIDTHS[m] for m in modalities}
    return build(name, widths=widths, n_classes=4, n_speakers=n_speakers, **SMALL[name])


def dialogues(lengths, modalities="atv", *, n_speakers=N_SPEAKERS, seed=0):
    """Random (features, speakers), one pair a dialogue."""
    random = torch.Generator().manual_seed(seed)
    return [
        (
            {m: torch.randn(length, WIDTHS[m], generator=random) for m in modalities},
            torch.randint(n_speakers, (length,), generator=random),
        )
        for length in lengths
    ]


def together(chosen, *, longer=0, **batch):
    """One batch of these dialogues, padded by `longer` places more than it must be."""
    lengths = [len(speakers) for _, speakers in chosen]
    speakers = torch.cat([speakers for _, speakers in chosen])
    return Batch(
        features={m: torch.cat([x[m] for x, _ in chosen]) for m in chosen[0][0]},
        lengths=torch.tensor(lengths),
        speakers=speakers,
        labels=torch.zeros_like(speakers),
        max_length=max(lengths) + longer,
        **batch,
    )


def logits(model, batch):
    """(M, N, C)."""
    return torch.stack(list(model(batch).values()))


@each_modality_set
@each_baseline
def test_a_dialogue_has_the_same_logits_in_any_company_order_and_padding(name, modalities):
    model = small(name, modalities).eval()
    chosen = dialogues([3, 1, 12, 7], modalities)
    alone = [logits(model, together([one])) for one in chosen]
    for order, longer in (([0, 1, 2, 3], 0), ([2, 0, 3, 1], 0), ([1, 3], 5), ([1, 1, 2], 0)):
        batch = together([chosen[i] for i in order], longer=longer)
        expected = torch.cat([alone[i] for i in order], 1)
        torch.testing.assert_close(logits(model, batch), expected, atol=1e-5, rtol=1e-5)


@each_modality_set
@each_baseline
def test_gradients_of_a_batch_are_the_sum_of_its_dialogues(name, modalities):
    model = small(name, modalities).eval()
    chosen = dialogues([4, 1, 9], modalities)

    def gradients(batches):
        one = copy.deepcopy(model)
        for batch in batches:
            (logits(one, batch) ** 2).sum().backward()
        return {key: value.grad for key, value in one.named_parameters()}

    alone, joined = gradients([together([one]) for one in chosen]), gradients([together(chosen)])
    for key, gradient in joined.items():
        torch.testing.assert_close(alone[key], gradient, atol=1e-5, rtol=1e-4, msg=key)


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
    chosen[2][0]["a"].zero_()  # a modality without any signal
    chosen[1][0]["t"][5:9] = 0  # vectors of norm zero
    chosen[1][0]["v"][:] = 1e4 * chosen[1][0]["v"][:1]  # equal and large
    assert chosen[1][1].unique().numel() == N_SPEAKERS
    z = logits(model, together(chosen))
    z.square().mean().backward()
    assert z.isfinite().all()
    assert all(value.grad.isfinite().all() for value in model.parameters())


@each_baseline
def test_what_an_unobserved_utterance_holds_is_never_seen(name):
    model = small(name).eval()
    one, other, zeros = (dialogues([6, 3]) for _ in range(3))
    other[0][0]["v"][2] = torch.nan
    zeros[0][0]["v"][2] = 0
    observed = {"v": torch.arange(9) != 2}
    expected = logits(model, together(zeros))
    for chosen in (one, other):
        z = logits(model, together(chosen, observed=observed))
        assert torch.equal(z, expected)
    assert not torch.equal(logits(model, together(one)), expected)


@each_baseline
def test_a_whole_modality_may_be_unobserved(name):
    model = small(name)
    batch = together(dialogues([6, 1]), observed={"v": torch.zeros(7, dtype=torch.bool)})
    z = logits(model, batch)
    z.square().sum().backward()
    assert z.isfinite().all()


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
def test_without_dropout_training_and_evaluation_agree(name):
    torch.manual_seed(0)
    model = build(
        name, widths=WIDTHS, n_classes=4, n_speakers=2, **(SMALL[name] | {"dropout": 0.0})
    )
    batch = together(dialogues([8, 3], n_speakers=2))
    evaluated = logits(copy.deepcopy(model).eval(), batch)
    if name in ("biddin", "mm_dfn"):  # their inner dropout is fixed
        assert not torch.allclose(logits(model, batch), evaluated, atol=1e-5)
    else:
        torch.testing.assert_close(logits(model, batch), evaluated, atol=1e-5, rtol=1e-5)


@each_baseline
def test_every_weight_learns(name):
    model = small(name).eval()
    logits(model, together(dialogues([12, 5]))).square().sum().backward()
    idle = [key for key, value in model.named_parameters() if not value.grad.abs().sum() > 0]
    assert idle == []


@pytest.mark.parametrize("name", ["biddin", "dialogue_gcn"])
def test_who_speaks_matters(name):
    model = small(name).eval()
    ((features, _),) = dialogues([6])
    monologue = logits(model, together([(features, torch.zeros(6, dtype=torch.int64))]))
    turns = logits(model, together([(features, torch.tensor([0, 1, 0, 1, 0, 1]))]))
    assert (monologue - turns).abs().max() > 1e-4


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
    with pytest.raises(UserError, match=rf"baselines\.{name}\.model\.hiden: unknown.*dropout"):
        build(name, widths=WIDTHS, n_classes=4, n_speakers=2, hiden=3)


def test_an_unknown_baseline_names_the_known_ones():
    with pytest.raises(UserError, match=r"'dialogue_rnn' is unknown.*biddin.*mmgcn"):
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


@each_baseline
def test_half_precision_gives_finite_logits_close_to_full(name):
    model = small(name).eval()
    batch = together(dialogues([8, 30, 1]))
    full = logits(model, batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = logits(model, batch)
    torch.testing.assert_close(half.float(), full, atol=0.1, rtol=0.1)


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
