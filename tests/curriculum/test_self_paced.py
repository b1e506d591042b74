"""The self-paced curriculum, against a simple implementation of its equations."""

import math
import statistics

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spcl.curriculum import SelfPacedCurriculum, build

OPTIONS = {
    "normalize": ("all", "selected"),
    "confidence": ("sum", "mean"),
    "spread": ("sample", "population"),
    "level": ("both", "utterance", "conversation"),
}


@st.composite
def batches(draw):
    """Float64 logits (M, N, C), labels (N,) with some unlabelled, lengths (B,)."""
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    M, C, N = draw(st.integers(1, 3)), draw(st.integers(2, 4)), sum(lengths)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10_000)))
    logits = 2 * torch.randn(M, N, C, generator=generator, dtype=torch.float64)
    labels = draw(st.lists(st.integers(-1, C - 1), min_size=N, max_size=N))
    return logits, torch.tensor(labels), torch.tensor(lengths)


def softmax(row):
    exponentials = [math.exp(value) for value in row]
    return [value / sum(exponentials) for value in exponentials]


def obvious(logits, labels, lengths, *, threshold, normalize, confidence, spread, level):
    """The equations of the paper, one utterance at a time, in plain Python."""
    M, N = len(logits), len(labels)
    joint = [
        [sum(column) for column in zip(*(z[j] for z in logits), strict=True)] for j in range(N)
    ]
    loss = [-math.log(softmax(joint[j])[y]) if y >= 0 else 0.0 for j, y in enumerate(labels)]
    rho, selected, means = [math.inf] * N, [False] * N, []
    s_all, start = [], 0
    for length in lengths:
        js = [j for j in range(start, start + length) if labels[j] >= 0]
        start += length
        s_m = [sum(softmax(z[j])[labels[j]] for j in js) for z in logits]
        if confidence == "mean":
            s_m = [s / max(len(js), 1) for s in s_m]
        s_all.append(s_m)
        if M > 1:
            s = statistics.stdev(s_m) if spread == "sample" else statistics.pstdev(s_m)
        for j in js:
            if level == "utterance" or M == 1:
                rho[j] = loss[j]
            elif level == "conversation":
                rho[j] = s
            else:
                rho[j] = 2 * s * loss[j] / (s + loss[j]) if s + loss[j] else 0.0
            selected[j] = rho[j] <= threshold
        chosen = [loss[j] for j in js if selected[j]]
        if js:
            means.append(sum(chosen) / max(len(chosen), 1))
    labelled = sum(y >= 0 for y in labels)
    if normalize == "all":
        total = sum(value for value, v in zip(loss, selected, strict=True) if v) / max(labelled, 1)
    else:
        total = sum(means) / max(len(means), 1)
    return total, selected, rho, list(zip(*s_all, strict=True))


@given(
    batch=batches(),
    threshold=st.floats(0.05, 5),
    options=st.fixed_dictionaries({name: st.sampled_from(v) for name, v in OPTIONS.items()}),
)
def test_it_computes_the_equations(batch, threshold, options):
    logits, labels, lengths = batch
    step = SelfPacedCurriculum(threshold, 1.25, **options)(logits, labels, lengths)
    loss, selected, rho, s = obvious(
        logits.tolist(), labels.tolist(), lengths.tolist(), threshold=threshold, **options
    )
    torch.testing.assert_close(step.difficulty, torch.tensor(rho, dtype=torch.float64))
    torch.testing.assert_close(step.confidence, torch.tensor(s, dtype=torch.float64))
    assert step.selected.tolist() == selected
    torch.testing.assert_close(step.loss, torch.tensor(loss, dtype=torch.float64))


@given(batch=batches())
def test_an_unlabelled_utterance_does_not_change_the_others(batch):
    logits, labels, lengths = batch
    curriculum = SelfPacedCurriculum(1.0, 1.25)
    step = curriculum(logits, labels, lengths)
    other = logits.clone()
    other[:, labels < 0] = torch.randn_like(other[:, labels < 0])
    again = curriculum(other, labels, lengths)
    assert not step.selected[labels < 0].any()
    assert torch.equal(step.difficulty, again.difficulty)
    assert torch.equal(step.loss, again.loss)


@given(batch=batches())
def test_a_threshold_that_admits_all_gives_the_bytes_of_no_curriculum(batch):
    logits, labels, lengths = batch
    results = []
    for curriculum in (build("none"), build("spcl", threshold=60.0, growth=1.0)):
        z = logits.float().requires_grad_()
        step = curriculum(z, labels, lengths)
        step.loss.backward()
        results.append((step.loss, z.grad, step.selected, step.confidence))
    for none, spcl in zip(*results, strict=True):
        assert torch.equal(none, spcl)


def test_no_gradient_flows_through_the_selection():
    logits = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    labels, lengths = torch.tensor([0, 1, 2, 0]), torch.tensor([2, 2])
    step = SelfPacedCurriculum(0.5, 1.0)(logits, labels, lengths)
    step.loss.backward()
    plain = logits.detach().clone().requires_grad_()
    loss = torch.nn.functional.cross_entropy(plain.sum(0), labels, reduction="none")
    (loss * step.selected).mean().backward()
    torch.testing.assert_close(logits.grad, plain.grad)


def test_the_threshold_grows_by_the_factor_up_to_the_cap():
    curriculum = SelfPacedCurriculum(0.4, 1.25, cap=0.6)
    seen = []
    for _ in range(4):
        seen.append(float(curriculum.threshold))
        curriculum.step()
    assert seen == pytest.approx([0.4, 0.5, 0.6, 0.6])


def test_the_state_dict_contains_the_threshold():
    first = SelfPacedCurriculum(0.4, 1.25)
    first.step()
    second = SelfPacedCurriculum(0.4, 1.25)
    second.load_state_dict(first.state_dict())
    assert float(second.threshold) == 0.4 * 1.25


def test_a_tie_with_the_threshold_is_admitted():
    logits, labels, lengths = torch.zeros(1, 1, 2), torch.tensor([0]), torch.tensor([1])
    rho = float(SelfPacedCurriculum(1.0, 1.0)(logits, labels, lengths).difficulty)
    assert SelfPacedCurriculum(rho, 1.0)(logits, labels, lengths).selected.all()


def test_modalities_that_agree_on_a_certain_utterance_have_no_difficulty():
    logits = torch.tensor([[[1e4, 0.0]], [[1e4, 0.0]]])
    step = SelfPacedCurriculum(0.1, 1.0)(logits, torch.tensor([0]), torch.tensor([1]))
    assert step.difficulty.tolist() == [0.0]
    assert step.selected.all()


def test_nothing_selected_gives_a_loss_of_zero_with_a_gradient_of_zero():
    logits = torch.randn(2, 3, 4, requires_grad=True)
    step = SelfPacedCurriculum(1e-9, 1.0)(logits, torch.tensor([0, 1, 2]), torch.tensor([3]))
    step.loss.backward()
    assert step.loss == 0
    assert not logits.grad.any()


def test_a_batch_without_labels_gives_a_loss_of_zero():
    logits, labels, lengths = torch.randn(2, 3, 4), torch.full((3,), -1), torch.tensor([3])
    for name, settings in (("none", {}), ("spcl", {"threshold": 1.0, "growth": 1.0})):
        step = build(name, **settings)(logits, labels, lengths)
        assert step.loss == 0
        assert not step.selected.any()


def test_a_mapping_and_a_tensor_of_logits_mean_the_same():
    logits, labels, lengths = torch.randn(2, 3, 4), torch.tensor([0, 1, -1]), torch.tensor([1, 2])
    curriculum = SelfPacedCurriculum(1.0, 1.0)
    stacked = curriculum(logits, labels, lengths)
    named = curriculum({"a": logits[0], "t": logits[1]}, labels, lengths)
    assert torch.equal(stacked.loss, named.loss)


def test_it_compiles_into_one_graph():
    torch.manual_seed(0)
    logits, labels, lengths = torch.randn(3, 6, 4), torch.randint(4, (6,)), torch.tensor([2, 4])
    curriculum = SelfPacedCurriculum(1.0, 1.0)
    compiled = torch.compile(curriculum, fullgraph=True, backend="eager")
    torch.testing.assert_close(
        compiled(logits, labels, lengths).loss, curriculum(logits, labels, lengths).loss
    )


def test_half_precision_logits_are_scored_in_float32():
    logits = torch.randn(2, 3, 4).bfloat16()
    step = SelfPacedCurriculum(1.0, 1.0)(logits, torch.tensor([0, 1, 2]), torch.tensor([3]))
    assert step.difficulty.dtype == torch.float32


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("spcll", {}, "available: agm, anti, baby_step, cggm, coherence"),
        ("spcl", {"threshold": 1.0}, "'growth' is missing; it is required unless"),
        ("spcl", {}, "missing a required argument: 'threshold'; available settings: threshold"),
        (
            "spcl",
            {"threshold": 1.0, "growth": 1.1, "speed": 2},
            "argument 'speed'; available",
        ),
        ("spcl", {"threshold": 0.0, "growth": 1.1}, "threshold: 0.0 is not above 0"),
        ("spcl", {"threshold": 1.0, "growth": 0.5}, "growth: 0.5 is below 1"),
        ("spcl", {"threshold": 1.0, "growth": 1.1, "level": "word"}, "choose both or utterance"),
        ("spcl", {"threshold": "auto", "utterance": "word"}, "choose joint or modality"),
        ("spcl", {"threshold": "auto", "dependencies": "on"}, "'on' is unknown; choose true or"),
        (
            "spcl",
            {"threshold": "auto", "utterance": "modality", "level": "conversation"},
            "utterance: has no effect with level: conversation; remove it",
        ),
        (
            "spcl",
            {"threshold": "auto", "dependencies": True, "level": "utterance"},
            "dependencies: has no effect with level: utterance; remove it",
        ),
        ("none", {"threshold": 1.0}, "argument 'threshold'; available settings: none"),
    ],
)
def test_a_wrong_setting_is_explained(name, settings, message):
    with pytest.raises(ValueError, match=message):
        build(name, **settings)


def test_mismatched_shapes_are_refused():
    with pytest.raises(ValueError, match=r"expected logits \(M, N, C\)"):
        build("none")(torch.randn(2, 3, 4), torch.tensor([0, 1]), torch.tensor([3]))
