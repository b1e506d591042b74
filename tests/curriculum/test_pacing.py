"""Pacing by shares, against simple slow implementations, and under drift."""

import math

import pytest
import torch
from hypothesis import assume, example, given
from hypothesis import strategies as st

from spcl.curriculum.pacing import Pacing, full_epoch, threshold_shares

shares = st.floats(0.01, 1)


@st.composite
def difficulties(draw):
    """(n,) float64, not negative, with ties and zeros."""
    n = draw(st.integers(1, 40))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 1000)))
    values = torch.rand(n, generator=generator, dtype=torch.float64) * 5 + 0.01
    copied = draw(st.lists(st.integers(0, n - 1), max_size=n))
    values[copied] = draw(st.sampled_from([0.0, 1.0, float(values[0])]))
    return values


def obvious_shares(rho, epochs, start_share, full_at):
    """Epsilon times alpha to the power of the epoch, in plain Python."""
    rho = sorted(rho)
    epsilon = rho[max(round(start_share * len(rho)), 1) - 1]
    full = max(2, math.floor(full_at * epochs))
    result = [start_share]
    for epoch in range(2, epochs + 1):
        if epoch >= full:
            result.append(1.0)
            continue
        threshold = epsilon * (rho[-1] / epsilon) ** ((epoch - 1) / (full - 1)) if epsilon else 0
        assume(not any(0 < abs(r - threshold) < 1e-9 for r in rho))  # rounding would decide
        result.append(max(start_share, sum(r <= threshold for r in rho) / len(rho)))
    return result


@given(rho=difficulties(), epochs=st.integers(1, 20), start_share=shares, full_at=shares)
@example(torch.tensor([0.0, 0.0, 2.3, 4.6], dtype=torch.float64), 3, 0.5, 1.0)
def test_the_shares_are_those_of_a_growing_threshold(rho, epochs, start_share, full_at):
    found = threshold_shares(rho, epochs, start_share=start_share, full_at=full_at).tolist()
    assert found == pytest.approx(obvious_shares(rho.tolist(), epochs, start_share, full_at))
    assert found == sorted(found)
    assert found[0] == start_share
    assert set(found[full_epoch(epochs, full_at) - 1 :]) <= {1.0}


@pytest.mark.parametrize("value", [0.0, 0.7])
def test_equal_difficulties_are_all_admitted_from_the_second_epoch_on(value):
    rho = torch.full((9,), value)
    assert threshold_shares(rho, 6, start_share=0.3, full_at=1).tolist() == [0.3, 1, 1, 1, 1, 1]


def obvious_thresholds(batches, share, n_labelled, size):
    """Every step's k-th smallest of the latest difficulties, with lists."""
    latest, seen, n_admitted, result = [math.inf] * size, 0, 0, []
    for batch in batches:
        pool = (latest + batch)[-max(size, len(batch)) :]
        latest = pool[-size:]
        ranked = sorted(value for value in pool if value < math.inf)
        labelled = [value for value in batch if value < math.inf]
        to_come = max(n_labelled - seen, len(labelled))
        owed = share * seen - n_admitted
        k = round(len(ranked) * (share + owed / max(1, min(len(ranked), to_come))))
        k = min(max(k, 0), len(ranked))
        if k:
            result.append(ranked[k - 1])
        else:
            result.append(math.nextafter(ranked[0] if ranked else math.inf, -math.inf))
        seen += len(labelled)
        n_admitted += sum(value <= result[-1] for value in labelled)
    return result


@given(
    sizes=st.lists(st.integers(1, 90), min_size=1, max_size=8),
    share=shares,
    seed=st.integers(0, 1000),
    unlabelled=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_the_threshold_is_the_quantile_that_the_epoch_still_owes(sizes, share, seed, unlabelled):
    generator = torch.Generator().manual_seed(seed)
    batches = []
    for size in sizes:
        batch = torch.rand(size, generator=generator, dtype=torch.float64).mul(8).round() / 8
        batches.append(
            batch.masked_fill(torch.rand(size, generator=generator) < unlabelled, torch.inf)
        )
    n_labelled = sum(int(batch.isfinite().sum()) for batch in batches)
    pacing = Pacing(torch.tensor([share], dtype=torch.float64), n_labelled)
    found = [float(pacing(batch)) for batch in batches]
    lists = [batch.tolist() for batch in batches]
    assert found == obvious_thresholds(lists, share, n_labelled, len(pacing.window))


def an_epoch(pacing, lengths, *, drift, seed, epochs=1):
    """The share admitted in the last of `epochs`, whose difficulties grow by `drift` decades."""
    generator = torch.Generator().manual_seed(seed)
    n = sum(lengths)
    for _ in range(epochs):
        seen = n_admitted = 0
        for length in lengths:
            batch = torch.rand(length, generator=generator).exp() * 10 ** (drift * seen / n)
            n_admitted += int((batch <= pacing(batch)).sum())
            seen += length
        pacing.step()
    return n_admitted / n


@pytest.mark.parametrize("drift", [-6, -2, 0, 2, 6])
@pytest.mark.parametrize("batch", ["a dialogue", "eight", "thirty-two", "everything"])
@pytest.mark.parametrize(("dialogues", "longest"), [(40, 19), (120, 5), (60, 80)])
def test_an_epoch_admits_its_share_whatever_the_batch_and_the_drift(
    dialogues, longest, batch, drift
):
    generator = torch.Generator().manual_seed(dialogues)
    lengths = torch.randint(1, longest + 1, (dialogues,), generator=generator)
    size = {"a dialogue": 1, "eight": 8, "thirty-two": 32, "everything": dialogues}[batch]
    steps = [int(chunk.sum()) for chunk in lengths.split(size)]
    for share in (0.1, 0.3, 0.6):
        pacing = Pacing(torch.tensor([share]), sum(steps))
        assert an_epoch(pacing, steps, drift=drift, seed=1) == pytest.approx(share, abs=0.05)


def test_equal_difficulties_are_admitted_batch_by_batch():
    pacing = Pacing(torch.tensor([0.3]), 600)
    n_admitted = sum(int((torch.ones(10) <= pacing(torch.ones(10))).sum()) for _ in range(60))
    assert n_admitted / 600 == pytest.approx(0.3, abs=0.05)


def test_a_whole_share_admits_everything_in_every_step():
    pacing = Pacing(torch.tensor([0.4, 1.0]), 300)
    an_epoch(pacing, [30] * 10, drift=3, seed=0)
    for epoch in range(3):
        assert an_epoch(pacing, [30] * 10, drift=-3, seed=epoch) == 1


def test_the_share_is_kept_when_the_epoch_sees_more_or_less_than_it_said():
    for said in (100, 1000):
        pacing = Pacing(torch.tensor([0.3]), said)
        assert an_epoch(pacing, [20] * 20, drift=0, seed=0) == pytest.approx(0.3, abs=0.05)


def test_an_epoch_resumes_from_its_state_dict():
    batches = torch.rand(9, 25, generator=torch.Generator().manual_seed(0))
    first = Pacing(torch.tensor([0.3, 0.6]), 300)
    for batch in batches[:4]:
        first(batch)
    second = Pacing(torch.tensor([0.0, 0.0]), 300)
    second.load_state_dict(first.state_dict())
    for batch in batches[4:]:
        assert first(batch) == second(batch)
