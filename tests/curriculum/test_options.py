"""The options of `spcl` from the abstract, against a simple implementation of their equations."""

import statistics
from itertools import pairwise

import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_training import admitted, made_training_set, steps_of
from torch.nn.functional import cross_entropy

from spcl.curriculum import SelfPacedCurriculum, build
from spcl.curriculum.scores import score, shift_rate
from spcl.difficulty.conversations import score_conversations
from spcl.tables.parquet import describe


@st.composite
def batches(draw):
    """Float64 logits (M, N, C), labels (N,) with some unlabelled, lengths (B,).

    Where a modality is missing its logits are 0.
    """
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    M, C, N = draw(st.integers(1, 3)), draw(st.integers(2, 4)), sum(lengths)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10_000)))
    logits = 2 * torch.randn(M, N, C, generator=generator, dtype=torch.float64)
    logits[torch.rand(M, N, generator=generator) < draw(st.sampled_from([0, 0.3]))] = 0
    labels = draw(st.lists(st.integers(-1, C - 1), min_size=N, max_size=N))
    return logits, torch.tensor(labels), torch.tensor(lengths)


def obvious_shift_rate(labels):
    labelled = [y for y in labels if y >= 0]
    shifts = [one != other for one, other in pairwise(labelled)]
    return sum(shifts) / len(shifts) if shifts else 0.0


def obvious_rho(z, y, s, level):
    """The difficulty of one utterance with logits z, label y and incoherence s."""
    loss = float(cross_entropy(z.detach(), torch.tensor(y)))
    if level == "utterance" or s is None:
        return loss
    if level == "conversation":
        return s
    return 2 * s * loss / (s + loss) if s + loss else 0.0


def obvious(
    logits,
    labels,
    lengths,
    *,
    threshold,
    level="both",
    utterance="joint",
    dependencies=False,
    normalize="all",
):
    """The equations, one utterance and one modality at a time: loss, selected, difficulty."""
    M, N = len(logits), len(labels)
    total, selected, difficulty, means, start = torch.zeros(()), [False] * N, [torch.inf] * N, [], 0
    for length in lengths:
        js = [j for j in range(start, start + length) if labels[j] >= 0]
        start += length
        s_m = [sum(float(z[j].detach().softmax(-1)[labels[j]]) for j in js) for z in logits]
        s = statistics.stdev(s_m) if M > 1 else None
        if dependencies and M > 1:
            s *= 1 + obvious_shift_rate(labels[start - length : start])
        chosen = []
        for j in js:
            by_modality = [logits[m][j] for m in range(M)]
            if utterance == "joint":
                rho = [obvious_rho(sum(by_modality), labels[j], s, level)] * M
            else:
                rho = [obvious_rho(z, labels[j], s, level) for z in by_modality]
            difficulty[j] = min(rho)
            selected[j] = any(value <= threshold for value in rho)
            if selected[j]:
                joint = sum(
                    z if value <= threshold else z.detach()
                    for z, value in zip(by_modality, rho, strict=True)
                )
                chosen.append(cross_entropy(joint, torch.tensor(labels[j])))
        total = total + sum(chosen)
        if js:
            means.append(sum(chosen) / max(len(chosen), 1))
    if normalize == "all":
        return total / max(sum(y >= 0 for y in labels), 1), selected, difficulty
    return sum(means, torch.zeros(())) / max(len(means), 1), selected, difficulty


@settings(max_examples=300)
@given(
    batch=batches(),
    threshold=st.floats(0.05, 5),
    options=st.sampled_from(
        [
            {"utterance": "modality"},
            {"utterance": "modality", "level": "utterance"},
            {"utterance": "modality", "dependencies": True},
            {"dependencies": True},
            {"dependencies": True, "level": "conversation"},
        ]
    ),
    normalize=st.sampled_from(["all", "selected"]),
)
def test_values_and_gradients_are_those_of_the_equations(batch, threshold, options, normalize):
    logits, labels, lengths = batch
    options = options | {"normalize": normalize}
    ours, simple = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    step = SelfPacedCurriculum(threshold, 1.25, **options)(ours, labels, lengths)
    loss, selected, rho = obvious(
        simple, labels.tolist(), lengths.tolist(), threshold=threshold, **options
    )
    close = {"atol": 1e-6, "rtol": 1e-6, "check_dtype": False}
    assert step.selected.tolist() == selected
    torch.testing.assert_close(step.difficulty, torch.tensor(rho, dtype=torch.float64), **close)
    torch.testing.assert_close(step.loss, loss, **close)
    step.loss.backward()
    if loss.requires_grad:
        loss.backward()
        torch.testing.assert_close(ours.grad, simple.grad, **close)
    else:
        assert not ours.grad.any()


def test_a_modality_that_finds_an_utterance_too_difficult_does_not_learn_while_the_other_does():
    easy, hard = [9.0, 0.0], [0.0, 9.0]
    logits = torch.tensor([[easy, hard], [hard, hard]], requires_grad=True)
    curriculum = build("spcl", threshold=1.0, growth=1.0, utterance="modality", level="utterance")
    step = curriculum(logits, torch.tensor([0, 0]), torch.tensor([2]))
    step.loss.backward()
    assert step.selected.tolist() == [True, False]
    assert logits.grad.any(-1).tolist() == [[True, False], [False, False]]
    joint = cross_entropy(torch.tensor([[9.0, 9.0]]), torch.tensor([0]))
    torch.testing.assert_close(step.loss, joint / 2)


@given(batch=batches())
def test_a_threshold_that_admits_all_gives_the_bytes_of_no_curriculum(batch):
    logits, labels, lengths = batch
    results = []
    options = {"utterance": "modality", "dependencies": True}
    for curriculum in (build("none"), build("spcl", threshold=60.0, growth=1.0, **options)):
        z = logits.float().requires_grad_()
        step = curriculum(z, labels, lengths)
        step.loss.backward()
        results.append((step.loss, z.grad, step.selected, step.confidence))
    for none, spcl in zip(*results, strict=True):
        assert torch.equal(none, spcl)


@given(batch=batches())
def test_the_shift_rate_is_that_of_the_offline_difficulty_stage(batch):
    logits, labels, lengths = batch
    dialogue = torch.repeat_interleave(lengths).tolist()
    emotions = [f"e{y}" if y >= 0 else None for y in labels.tolist()]
    table = pa.table(
        {
            "dialogue_id": [f"d{i}" for i in dialogue],
            "utterance_id": [f"u{j}" for j in range(len(dialogue))],
            "position": pa.array(range(len(dialogue)), pa.int32()),
            "speaker": ["A"] * len(dialogue),
            "emotion": pa.array(emotions, pa.string()).dictionary_encode(),
            "split": ["train"] * len(dialogue),
        }
    )
    table = describe(table, labels=["e0", "e1", "e2", "e3"], simulated=False)
    offline = score_conversations(table, {}, dataset="made").to_pandas()["shift_rate"]
    found = shift_rate(score(logits, labels, lengths))
    expected = torch.tensor(offline.fillna(0.0).tolist(), dtype=torch.float64)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("batch_size", [1, 8, 60])
@pytest.mark.parametrize("modalities", [1, 3])
def test_auto_admits_the_share_of_pairs_of_an_utterance_and_a_modality(batch_size, modalities):
    known = made_training_set([1, 3, 17, 9, 5, 12] * 10, modalities=modalities)
    curriculum = build("spcl", threshold="auto", utterance="modality")
    curriculum.start(known)
    n_pairs = modalities * int((known.labels >= 0).sum())
    for epoch in range(6):
        pairs = 0
        for logits, *rest in steps_of(known, batch_size=batch_size, seed=epoch):
            z = logits.requires_grad_()
            curriculum(z, *rest).loss.backward()
            pairs += int(z.grad.any(-1).sum())
        share = float(curriculum.pacing.shares[epoch])
        assert pairs / n_pairs == pytest.approx(share, abs=0.05)
        if epoch >= 4:
            assert pairs == n_pairs
        curriculum.step()


def test_dependencies_admit_the_dialogues_with_few_shifts_first():
    n = 40
    labels = torch.tensor([0, 0, 0, 0, 1, 0, 1, 0]).repeat(n)
    known = made_training_set([4] * (2 * n), unlabelled=0)
    known = type(known)(**vars(known) | {"labels": labels})

    def calm_share(**options):
        curriculum = build("spcl", threshold="auto", level="conversation", **options)
        curriculum.start(known)
        (mask,) = admitted(curriculum, known, epochs=1)
        return float(mask.view(n, 2, 4)[:, 0].sum() / mask.sum())

    assert calm_share(dependencies=True) > calm_share() + 0.1
