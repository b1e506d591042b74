"""`threshold: auto`: the probes set the pace, the difficulty of the network the order."""

import dataclasses
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from made_training import admitted, made_training_set, steps_of

from spcl import models
from spcl.curriculum import SelfPacedCurriculum, build
from spcl.curriculum.pacing import threshold_shares
from spcl.training.dialogues import load_corpus
from tests.conftest import make_corpus

OPTIONS = {
    "confidence": ("sum", "mean"),
    "spread": ("sample", "population"),
    "level": ("both", "utterance", "conversation"),
}
options = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in OPTIONS.items()})
lengths = st.lists(st.integers(1, 8), min_size=1, max_size=12)


def started(known, **settings):
    curriculum = SelfPacedCurriculum("auto", **settings)
    curriculum.start(known)
    return curriculum


@given(lengths=lengths, options=options, modalities=st.integers(1, 3), seed=st.integers(0, 99))
def test_the_pace_is_that_of_the_probes_under_the_same_difficulty(
    lengths, options, modalities, seed
):
    known = made_training_set(lengths, modalities=modalities, seed=seed, unlabelled=0)
    by_number = SelfPacedCurriculum(1.0, 1.0, **options)
    rho = by_number(known.probes, known.labels, known.lengths).difficulty
    found = started(known, start_share=0.2, full_at=0.8, **options).pacing.shares
    expected = threshold_shares(rho, known.epochs, start_share=0.2, full_at=0.8)
    assert torch.equal(found, expected)


@given(
    lengths=lengths,
    options=options,
    modalities=st.integers(1, 3),
    batch_size=st.integers(1, 12),
    unlabelled=st.sampled_from([0, 0.4]),
)
def test_what_is_selected_is_up_to_the_threshold(
    lengths, options, modalities, batch_size, unlabelled
):
    known = made_training_set(lengths, modalities=modalities, unlabelled=unlabelled)
    if not (known.labels >= 0).any():
        return
    curriculum = started(known, **options)
    for epoch in range(3):
        for arguments in steps_of(known, batch_size=batch_size, seed=epoch):
            step = curriculum(*arguments)
            assert torch.equal(
                step.selected, (step.difficulty <= curriculum.threshold) & (arguments[1] >= 0)
            )
        curriculum.step()


@pytest.mark.parametrize("batch_size", [1, 8, 60])
@pytest.mark.parametrize("level", OPTIONS["level"])
def test_the_epochs_admit_the_shares_and_at_last_everything(batch_size, level):
    known = made_training_set([1, 3, 17, 9, 5, 12] * 10, epochs=10)
    curriculum = started(known, level=level)
    masks = admitted(curriculum, known, epochs=12, batch_size=batch_size)
    labelled = known.labels >= 0
    for mask, share in zip(masks, [*curriculum.pacing.shares.tolist(), 1.0, 1.0], strict=True):
        assert float(mask.sum() / labelled.sum()) == pytest.approx(share, abs=0.05)
    assert all(torch.equal(mask, labelled) for mask in masks[4:])


def test_where_everything_is_admitted_the_threshold_is_the_largest_difficulty():
    known = made_training_set([5] * 8, epochs=1)
    curriculum = started(known, start_share=1.0)
    (arguments,) = steps_of(known, batch_size=8, seed=0)
    step = curriculum(*arguments)
    assert curriculum.threshold == step.difficulty[step.selected].max()


def test_the_share_is_kept_while_the_difficulty_grows_a_thousandfold_in_the_first_epoch():
    known = made_training_set([10] * 60, unlabelled=0.0)
    curriculum = started(known, level="utterance")
    n_admitted = 0
    for i, (logits, *others) in enumerate(steps_of(known, batch_size=2, seed=0)):
        n_admitted += int(curriculum(logits * 10 ** (i / 10), *others).selected.sum())
    assert n_admitted / 600 == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("probe", [0.0, 1e4])
def test_probes_that_know_nothing_or_everything_give_a_pace_too(probe):
    known = made_training_set([4, 6, 1, 9] * 10, probe=probe)
    if probe:  # sure of the label, in all modalities alike
        sure = torch.nn.functional.one_hot(known.labels.clamp(min=0), 3).double() * probe
        probes = {m: sure.log_softmax(-1) for m in known.probes}
        known = dataclasses.replace(known, probes=probes)
    curriculum = started(known)
    shares = curriculum.pacing.shares
    assert shares[0] == 0.3
    assert torch.equal(shares, shares.sort().values)
    assert torch.equal(admitted(curriculum, known, epochs=5)[4], known.labels >= 0)


@pytest.mark.parametrize("batch_size", [1, 4, 16])
def test_a_network_in_training_is_paced_as_promised(batch_size):
    corpus = load_corpus(
        *make_corpus([3, 9, 1, 14, 6, 8, 2, 11] * 8, unlabelled=set(range(0, 400, 9))),
        "atv",
        scale="standard",
        device="cpu",
    )
    train = corpus.splits["train"]
    probes = {
        m: torch.randn(len(train.labels), 3, generator=torch.Generator().manual_seed(i))
        .double()
        .log_softmax(-1)
        for i, m in enumerate("atv")
    }
    known = made_training_set([1])
    known = dataclasses.replace(
        known, labels=train.labels, lengths=torch.from_numpy(train.lengths), probes=probes, epochs=4
    )
    torch.manual_seed(0)
    model = models.build(
        "late_fusion", widths=corpus.widths, n_classes=3, n_speakers=2, hidden=8, layers=1
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    curriculum = started(known, full_at=0.75)
    n_labelled = int((train.labels >= 0).sum())
    found, losses = [], []
    for epoch in range(4):
        order = torch.randperm(len(train), generator=torch.Generator().manual_seed(epoch)).numpy()
        n_admitted = 0
        for rows, batch in train.batches(order, batch_size):
            step = curriculum(model(batch), batch.labels, batch.lengths, rows)
            optimizer.zero_grad()
            step.loss.backward()
            optimizer.step()
            n_admitted += int(step.selected.sum())
            losses.append(step.loss.item())
        curriculum.step()
        found.append(n_admitted / n_labelled)
    assert found[:2] == pytest.approx(curriculum.pacing.shares[:2].tolist(), abs=0.05)
    assert found[2:] == [1, 1]
    assert all(map(math.isfinite, losses))


def test_it_wants_to_see_the_training_set_first():
    known = made_training_set([5, 5])
    (arguments,) = steps_of(known, batch_size=2, seed=0)
    with pytest.raises(ValueError, match=r"call curriculum.start\(training_set\) before"):
        build("spcl", threshold="auto")(*arguments)
    with pytest.raises(ValueError, match=r"needs TrainingSet\.probes"):
        build("spcl", threshold="auto").start(dataclasses.replace(known, probes=None))
    with pytest.raises(ValueError, match="needs labels"):
        build("spcl", threshold="auto").start(made_training_set([5, 5], unlabelled=1.1))


def test_a_threshold_in_numbers_needs_no_start_and_keeps_its_state():
    curriculum = build("spcl", threshold=0.4, growth=1.25)
    curriculum.start(dataclasses.replace(made_training_set([5]), probes=None))
    assert list(curriculum.state_dict()) == ["threshold"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threshold": "auto", "growth": 1.2}, "growth: has no effect with threshold: auto"),
        ({"threshold": "auto", "cap": 9.0}, "cap: has no effect with threshold: auto"),
        ({"threshold": 0.4, "growth": 1.2, "full_at": 0.9}, "full_at: has no effect with thresh"),
        ({"threshold": 0.4, "growth": 1.2, "start_share": 0.1}, "start_share: has no effect"),
        ({"threshold": "auto", "start_share": 0.0}, "start_share: 0.0 is out of range"),
        (
            {"threshold": "auto", "full_at": 50},
            "full_at: 50 is out of range; choose a share above 0",
        ),
        (
            {"threshold": "automatic"},
            "threshold: automatic is not above 0; write a positive number or auto",
        ),
    ],
)
@pytest.mark.parametrize("name", ["spcl", "spl", "coherence"])
def test_a_setting_that_does_not_go_with_the_threshold_is_refused(name, settings, message):
    with pytest.raises(ValueError, match=message):
        build(name, **settings)
