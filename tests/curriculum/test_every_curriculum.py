"""Properties of every curriculum, and those that balancing methods share with them."""

import dataclasses
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_training import BALANCING, SETTINGS, admitted, made_training_set, steps_of

from spcl.curriculum import build

OPTIONS = "spcl with its options"
each_curriculum = pytest.mark.parametrize("name", [*SETTINGS, OPTIONS])
every = pytest.mark.parametrize("name", [*SETTINGS, OPTIONS, *BALANCING])
LENGTHS = [4, 1, 9, 6, 2] * 6


def built(name):
    if name == OPTIONS:
        return build("spcl", threshold="auto", utterance="modality", dependencies=True)
    return build(name, **(SETTINGS | BALANCING)[name])


def started(name, known):
    curriculum = built(name)
    curriculum.start(known)
    evaluate(curriculum, known)
    return curriculum


def evaluate(curriculum, known):
    """Give a strategy random logits of the splits that it asks for."""
    generator = torch.Generator().manual_seed(known.seed)
    shape = len(known.probes), len(known.labels), 3
    logits = {name: torch.randn(*shape, generator=generator) for name in curriculum.evaluates}
    if logits:
        labels = dict.fromkeys(logits, known.labels)
        device = known.labels.device
        curriculum.evaluated({name: z.to(device) for name, z in logits.items()}, labels, {})


@every
@settings(max_examples=30)
@given(
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=6),
    modalities=st.integers(1, 3),
    epochs=st.integers(1, 4),
    batch_size=st.integers(1, 6),
    seed=st.integers(0, 99),
)
def test_an_unlabelled_utterance_is_never_selected_and_has_infinite_difficulty(
    name, lengths, modalities, epochs, batch_size, seed
):
    known = made_training_set(
        lengths, modalities=modalities, epochs=epochs, seed=seed, unlabelled=0.4
    )
    if not (known.labels >= 0).any():
        return
    curriculum = started(name, known)
    for epoch in range(epochs + 1):
        for arguments in steps_of(known, batch_size=batch_size, seed=epoch):
            step, labelled = curriculum(*arguments), arguments[1] >= 0
            assert not (step.selected & ~labelled).any()
            assert torch.equal(step.difficulty.isfinite(), labelled)
            assert step.loss.isfinite()
        curriculum.step()


@each_curriculum
def test_if_everything_is_admitted_the_loss_equals_that_of_no_curriculum(name):
    known = made_training_set(LENGTHS)
    curriculum, none = started(name, known), build("none")
    admitted(curriculum, known, epochs=5)
    for arguments in steps_of(known, batch_size=7, seed=9):
        ours, baseline = curriculum(*arguments), none(*arguments)
        assert torch.equal(ours.loss, baseline.loss)
        assert torch.equal(ours.selected, baseline.selected)
        assert torch.equal(ours.confidence, baseline.confidence)


@each_curriculum
def test_the_loss_is_over_the_selected_utterances(name):
    known = made_training_set(LENGTHS)
    curriculum = started(name, known)
    for logits, labels, lengths, rows in steps_of(known, batch_size=7, seed=0):
        z = logits.requires_grad_()
        step = curriculum(z, labels, lengths, rows)
        loss = torch.nn.functional.cross_entropy(
            z.sum(0), labels, ignore_index=-1, reduction="none"
        )
        expected = (loss * step.selected).sum() / (labels >= 0).sum()
        torch.testing.assert_close(step.loss, expected)
        (gradient,) = torch.autograd.grad(step.loss, z)
        assert not gradient[:, ~step.selected].any()


@every
def test_a_training_resumes_from_its_state_dict(name):
    known = made_training_set(LENGTHS)
    first = started(name, known)
    admitted(first, known, epochs=1)
    steps = list(steps_of(known, batch_size=4, seed=1))
    for arguments in steps[:3]:
        first(*arguments)
    second = started(name, known)
    second.load_state_dict(first.state_dict())
    for arguments in steps[3:]:
        assert torch.equal(first(*arguments).selected, second(*arguments).selected)
    first.step(), second.step()
    for one, other in zip(
        admitted(first, known, epochs=3), admitted(second, known, epochs=3), strict=True
    ):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", [*SETTINGS, OPTIONS, *sorted(BALANCING.keys() - {"opm"})])
def test_it_compiles_into_one_graph(name):
    """Not `opm`: it draws random numbers in the step, from a generator that is not compiled."""
    known = made_training_set(LENGTHS)
    plain = started(name, known)
    original = started(name, known)
    compiled = torch.compile(original, fullgraph=True, backend="eager", dynamic=True)
    for epoch in range(3):
        for arguments in itertools.islice(steps_of(known, batch_size=6, seed=epoch), 3):
            expected, found = plain(*arguments), compiled(*arguments)
            assert torch.equal(found.selected, expected.selected)
            torch.testing.assert_close(found.loss, expected.loss)
        plain.step(), original.step()
    torch.compiler.reset()


@every
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_logits_may_have_any_precision(name, dtype):
    known = made_training_set(LENGTHS)
    curriculum, wide = started(name, known), started(name, known)
    for arguments in steps_of(known, batch_size=6, seed=0, dtype=dtype):
        step = curriculum(*arguments)
        expected = wide(
            arguments[0].float() if dtype == torch.bfloat16 else arguments[0], *arguments[1:]
        )
        assert torch.equal(step.selected, expected.selected)
        assert step.loss.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)


@every
def test_autocast_changes_nothing(name):
    known = made_training_set(LENGTHS)
    curriculum, plain = started(name, known), started(name, known)
    for arguments in steps_of(known, batch_size=6, seed=0):
        with torch.autocast("cpu", torch.bfloat16):
            step = curriculum(*arguments)
        assert torch.equal(step.selected, plain(*arguments).selected)


@every
def test_it_draws_nothing_from_the_generator_of_the_dropout_masks(name):
    known = made_training_set(LENGTHS)
    before = torch.get_rng_state()
    admitted(started(name, known), known, epochs=2)
    assert torch.equal(torch.get_rng_state(), before)


@every
def test_a_batch_without_labels_gives_a_loss_of_zero(name):
    known = made_training_set(LENGTHS)
    curriculum = started(name, known)
    logits, labels, lengths, rows = next(steps_of(known, batch_size=3, seed=0))
    step = curriculum(logits, torch.full_like(labels, -1), lengths, rows)
    assert step.loss == 0
    assert not step.selected.any()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@every
def test_on_a_gpu_nothing_waits_for_the_device(name):
    known = made_training_set(LENGTHS)
    there = dataclasses.replace(
        known,
        labels=known.labels.cuda(),
        lengths=known.lengths.cuda(),
        probes={m: z.cuda() for m, z in known.probes.items()},
        teachers={m: z.cuda() for m, z in known.teachers.items()},
        shift_rate=known.shift_rate.cuda(),
        pace=known.pace.cuda(),
    )
    plain, curriculum = started(name, known), built(name).cuda()
    curriculum.start(there)
    evaluate(curriculum, there)
    for arguments in steps_of(known, batch_size=6, seed=0, dtype=torch.float64):
        moved = [value.cuda() for value in arguments]
        torch.cuda.set_sync_debug_mode("error")
        try:
            step = curriculum(*moved)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        assert torch.equal(step.selected.cpu(), plain(*arguments).selected)
