"""The other curricula, against simple slow implementations."""

import dataclasses
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from made_training import admitted, made_training_set, steps_of

from spcl.curriculum import build

lengths = st.lists(st.integers(1, 6), min_size=1, max_size=15)


def started(name, known, **settings):
    curriculum = build(name, **settings)
    curriculum.start(known)
    return curriculum


def rows(masks):
    """Of each epoch, the set of admitted places in the training set."""
    return [set(mask.nonzero().flatten().tolist()) for mask in masks]


@pytest.mark.parametrize(("name", "level"), [("spl", "utterance"), ("coherence", "conversation")])
def test_half_of_spcl_is_spcl_at_that_level(name, level):
    known = made_training_set([4, 1, 9, 6] * 5)
    for settings in ({"threshold": "auto"}, {"threshold": 0.3, "growth": 1.3}):
        half = started(name, known, **settings)
        whole = started("spcl", known, level=level, **settings)
        for epoch in range(5):
            for arguments in steps_of(known, batch_size=3, seed=epoch):
                one, other = half(*arguments), whole(*arguments)
                assert torch.equal(one.loss, other.loss)
                assert torch.equal(one.selected, other.selected)
            half.step(), whole.step()


def test_coherence_admits_a_dialogue_whole_or_not_at_all():
    known = made_training_set([4, 1, 9, 6] * 5, unlabelled=0)
    (mask,) = admitted(started("coherence", known, threshold="auto"), known, epochs=1)
    whole = [len(set(part.tolist())) for part in mask.split(known.lengths.tolist())]
    assert set(whole) == {1}


@given(
    lengths=lengths,
    buckets=st.integers(1, 8),
    epochs=st.integers(1, 12),
    full_at=st.floats(0.05, 1),
    seed=st.integers(0, 50),
)
def test_baby_steps_open_one_bucket_of_dialogues_after_another(
    lengths, buckets, epochs, full_at, seed
):
    known = made_training_set(lengths, epochs=epochs, seed=seed)
    rate = [0.0 if math.isnan(r) else round(r, 1) for r in known.shift_rate.tolist()]  # with ties
    known = dataclasses.replace(known, shift_rate=torch.tensor(rate).double())
    easiest = sorted(range(len(lengths)), key=lambda i: (rate[i], i))
    steps = max(2, math.floor(full_at * epochs)) - 1
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    expected = []
    for epoch in range(epochs):
        opened = min(buckets, 1 + epoch * (buckets - 1) // steps)
        dialogues = easiest[: math.ceil(opened * len(lengths) / buckets)]
        inside = {starts[i] + j for i in dialogues for j in range(lengths[i])}
        expected.append({row for row in inside if known.labels[row] >= 0})
    masks = admitted(
        started("baby_step", known, buckets=buckets, full_at=full_at), known, epochs=epochs
    )
    assert rows(masks) == expected


def test_a_dialogue_without_a_pair_is_among_the_easiest():
    known = made_training_set([1, 5, 5, 5, 5, 5], unlabelled=0)  # the first has a rate of NaN
    curriculum = started("baby_step", known, buckets=6)
    assert rows(admitted(curriculum, known, epochs=1)) == [{0}]


PACING = {
    "linear": lambda s, t: s + (1 - s) * t,
    "root": lambda s, t: math.sqrt(s * s + (1 - s * s) * t),
    "geometric": lambda s, t: s * (1 / s) ** t,
    "step": lambda s, t: s if t < 1 else 1,
}


@given(
    lengths=lengths,
    pacing=st.sampled_from(list(PACING)),
    epochs=st.integers(1, 12),
    start_share=st.floats(0.05, 1),
    full_at=st.floats(0.05, 1),
    seed=st.integers(0, 50),
)
def test_the_teacher_admits_the_easiest_for_its_probes(
    lengths, pacing, epochs, start_share, full_at, seed
):
    known = made_training_set(lengths, epochs=epochs, seed=seed)
    joint = sum(known.probes.values()).tolist()
    loss = {
        row: math.log(sum(map(math.exp, z))) - z[y]
        for row, (z, y) in enumerate(zip(joint, known.labels.tolist(), strict=True))
        if y >= 0
    }
    easiest = sorted(loss, key=lambda row: (loss[row], row))
    steps = max(2, math.floor(full_at * epochs)) - 1
    curriculum = started(
        "transfer_teacher", known, pacing=pacing, start_share=start_share, full_at=full_at
    )
    masks = rows(admitted(curriculum, known, epochs=epochs))
    for epoch, mask in enumerate(masks):
        share = PACING[pacing](start_share, min(epoch / steps, 1))
        assert mask == set(easiest[: len(mask)])
        assert len(mask) == pytest.approx(share * len(loss), abs=0.5 + 1e-9)
    assert all(len(mask) == len(loss) for mask in masks[steps:])


@given(lengths=lengths, seed=st.integers(0, 50), batch_size=st.integers(1, 15), data=st.data())
def test_random_admits_exactly_the_pace(lengths, seed, batch_size, data):
    known = made_training_set(lengths, seed=seed)
    n_labelled = int((known.labels >= 0).sum())
    pace = data.draw(st.lists(st.integers(0, n_labelled), min_size=1, max_size=4))
    known = dataclasses.replace(known, pace=torch.tensor(pace))
    masks = admitted(started("random_pacing", known), known, epochs=6, batch_size=batch_size)
    assert [int(mask.sum()) for mask in masks] == (pace + pace[-1:] * 6)[:6]


def test_random_draws_by_the_seed_and_the_epoch_alone():
    known = made_training_set([7] * 30, pace=[60])
    masks = admitted(started("random_pacing", known), known, epochs=3)
    torch.manual_seed(99)
    again = admitted(started("random_pacing", known), known, epochs=3, batch_size=9, first_seed=50)
    assert rows(masks) == rows(again)
    other = dataclasses.replace(known, seed=known.seed + 1)
    masks += admitted(started("random_pacing", other), other, epochs=3)
    assert len({frozenset(mask) for mask in rows(masks)}) == 6


def test_random_draws_every_utterance_as_often():
    known = made_training_set([5] * 8, unlabelled=0, pace=[10])
    often = torch.stack(admitted(started("random_pacing", known), known, epochs=200)).sum(0)
    # 40 counts of 200 draws with probability 1/4: 50 each, standard deviation 6.
    assert int(often.min()) >= 25
    assert int(often.max()) <= 75


@pytest.mark.parametrize("batch_size", [1, 4, 16, 60])
def test_anti_admits_as_many_as_the_pace_within_a_fraction(batch_size):
    known = made_training_set([3, 9, 1, 14, 6, 8] * 10, unlabelled=0.1)
    n_labelled = int((known.labels >= 0).sum())
    pace = [n_labelled // 5, n_labelled // 2, n_labelled]
    known = dataclasses.replace(known, pace=torch.tensor(pace))
    masks = admitted(started("anti", known), known, epochs=4, batch_size=batch_size)
    found = [int(mask.sum()) for mask in masks]
    assert found == pytest.approx([*pace, n_labelled], abs=0.02 * n_labelled)
    assert found[2:] == [n_labelled, n_labelled]


@given(lengths=lengths, seed=st.integers(0, 50))
def test_anti_admits_what_is_hardest_for_the_network(lengths, seed):
    known = made_training_set(lengths, seed=seed, pace=[max(1, sum(lengths) // 3)])
    n_labelled = int((known.labels >= 0).sum())
    known = dataclasses.replace(known, pace=known.pace.clamp(max=n_labelled))
    curriculum, spcl = started("anti", known), build("spcl", threshold=1.0, growth=1.0)
    (arguments,) = steps_of(known, batch_size=len(lengths), seed=seed)
    step = curriculum(*arguments)
    assert torch.equal(step.difficulty, spcl(*arguments).difficulty)
    labelled = arguments[1] >= 0
    hardest = step.difficulty[labelled].sort(descending=True).values[: int(known.pace)]
    assert set(step.difficulty[step.selected].tolist()) == set(hardest.tolist())
    assert torch.equal(step.selected, (step.difficulty >= curriculum.threshold) & labelled)


@pytest.mark.parametrize(
    ("name", "needed", "message"),
    [
        ("baby_step", "shift_rate", "needs TrainingSet.shift_rate"),
        ("transfer_teacher", "probes", "needs TrainingSet.probes"),
        ("random_pacing", "pace", "needs TrainingSet.pace"),
        ("anti", "pace", "needs TrainingSet.pace"),
    ],
)
def test_a_missing_need_is_named(name, needed, message):
    known = made_training_set([5, 5])
    settings = {"of": "spl"} if needed == "pace" else {}
    (arguments,) = steps_of(known, batch_size=2, seed=0)
    with pytest.raises(ValueError, match=r"call curriculum.start\(training_set\)"):
        build(name, **settings)(*arguments)
    with pytest.raises(ValueError, match=message):
        started(name, dataclasses.replace(known, **{needed: None}), **settings)


@pytest.mark.parametrize("name", ["baby_step", "transfer_teacher", "random_pacing"])
def test_an_order_of_the_training_set_needs_rows(name):
    known = made_training_set([5, 5])
    (arguments,) = steps_of(known, batch_size=2, seed=0)
    with pytest.raises(ValueError, match="needs `rows`, the index of each utterance"):
        started(name, known)(*arguments[:3])


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("baby_step", {"buckets": 0}, "buckets: 0 is not a positive whole number"),
        ("baby_step", {"buckets": 2.5}, "buckets: 2.5 is not a positive whole number"),
        ("baby_step", {"full_at": 2}, "full_at: 2 is out of range"),
        ("transfer_teacher", {"pacing": "cubic"}, "choose linear or root or geometric or step"),
        ("transfer_teacher", {"start_share": 0}, "start_share: 0 is out of range"),
        ("random_pacing", {"normalize": "none"}, "normalize: 'none' is unknown; choose all or"),
        (
            "random_pacing",
            {"seed": 1},
            "argument 'seed'; available settings: of, normalize",
        ),
        ("anti", {"level": "word"}, "choose both or utterance or conversation"),
        (
            "spl",
            {"threshold": 1.0, "level": "both"},
            "argument 'level'; available settings: threshold, growth, normalize",
        ),
        ("coherence", {"threshold": 0.4}, "'growth' is missing"),
    ],
)
def test_a_wrong_setting_is_explained(name, settings, message):
    with pytest.raises(ValueError, match=message):
        build(name, **settings)
