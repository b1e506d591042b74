"""Every balancing method against a slow version of its equations, and its settings."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_training import BALANCING, made_training_set, steps_of
from torch.nn.functional import cross_entropy

from spcl.curriculum import build
from spcl.curriculum.balancing.relearning import purity
from spcl.models import Batch

modality_counts = st.integers(1, 3)
seeds = st.integers(0, 999)
lengths_of_batches = st.lists(st.integers(1, 4), min_size=1, max_size=5)


def made(lengths, modalities, seed, unlabelled=0.3):
    """A training set, and its utterances as one step with float64 logits that need a gradient."""
    known = made_training_set(lengths, modalities=modalities, seed=seed, unlabelled=unlabelled)
    steps = steps_of(known, batch_size=len(lengths), seed=seed, dtype=torch.float64)
    logits, labels, lengths, rows = next(steps)
    return known, SimpleNamespace(
        z=logits.requires_grad_(),
        y=labels,
        lengths=lengths,
        arguments=(logits, labels, lengths, rows),
    )


def started(name, known, **settings):
    method = build(name, **settings)
    method.start(known)
    return method


def made_gradients(modalities, seed):
    """By modality, the gradients of a matrix and a vector."""
    generator = torch.Generator().manual_seed(seed)
    return {
        m: [
            torch.randn(*shape, generator=generator, dtype=torch.float64)
            for shape in [(3, 4), (2,)]
        ]
        for m in "atv"[:modalities]
    }


def copies(gradients):
    return {m: [g.clone() for g in own] for m, own in gradients.items()}


def generator_of(method):
    """A generator that draws what the method draws next."""
    return torch.Generator().set_state(method.get_extra_state()["generator"])


def probability(z, y, m, j):
    """softmax(z_j^m)[y_j], by hand."""
    exponentials = [math.exp(value) for value in z[m][j].tolist()]
    return exponentials[int(y[j])] / sum(exponentials)


def labelled(y):
    return [j for j in range(len(y)) if y[j] >= 0]


def mean_cross_entropy(z, y):
    """Over the labelled utterances; 0 if there are none."""
    chosen = labelled(y)
    return sum((cross_entropy(z[j], y[j]) for j in chosen), torch.zeros(())) / max(len(chosen), 1)


def unimodal(step):
    """The mean loss of each modality."""
    return [mean_cross_entropy(z, step.y) for z in step.z]


def assert_equal_with_gradient(loss, expected, z):
    tolerance = {"rtol": 1e-5, "atol": 1e-6}  # some factors are float32
    torch.testing.assert_close(loss, expected.to(loss.dtype), **tolerance)
    if expected.requires_grad:
        found, wanted = (torch.autograd.grad(one, z, retain_graph=True) for one in (loss, expected))
        torch.testing.assert_close(found, wanted, **tolerance)


def ratios(step):
    """s^m of every modality divided by the mean of the others, by hand."""
    s = [
        sum(probability(step.z, step.y, m, j) for j in labelled(step.y)) for m in range(len(step.z))
    ]
    others = [np.mean([s[n] for n in range(len(s)) if n != m] or [0]) for m in range(len(s))]
    return [a / b if b > 0 else 1.0 for a, b in zip(s, others, strict=True)]


@given(lengths_of_batches, modality_counts, seeds)
def test_unimodal_loss(lengths, modalities, seed):
    known, step = made(lengths, modalities, seed)
    loss = started("unimodal_loss", known, weight=0.7)(*step.arguments).loss
    added = 0.7 * sum(unimodal(step)) if modalities > 1 else 0
    assert_equal_with_gradient(loss, mean_cross_entropy(step.z.sum(0), step.y) + added, step.z)


@given(lengths_of_batches, modality_counts, seeds)
def test_unimodal_teacher(lengths, modalities, seed):
    known, step = made(lengths, modalities, seed)
    loss = started("unimodal_teacher", known, weight=0.7)(*step.arguments).loss
    expected = mean_cross_entropy(step.z.sum(0), step.y)
    chosen = labelled(step.y)
    for teacher, z in zip(known.teachers.values(), step.z, strict=True):
        for j in chosen if modalities > 1 else ():
            t, p = teacher[step.arguments[3][j]].exp(), z[j].softmax(-1)
            for c in range(3):
                expected = expected + 0.7 / len(chosen) * t[c] * (t[c] / p[c]).log()
    assert_equal_with_gradient(loss, expected, step.z)


def test_a_step_without_teachers_or_rows_is_refused():
    known, step = made([3, 2], 2, 0)
    method = started("unimodal_teacher", known)
    with pytest.raises(ValueError, match=r"needs TrainingSet.teachers, and `rows` in every step"):
        method(*step.arguments[:3])
    with pytest.raises(ValueError, match=r"needs TrainingSet.teachers, and `rows` in every step"):
        build("unimodal_teacher")(*step.arguments)


@given(lengths_of_batches, modality_counts, seeds)
def test_ogm_ge(lengths, modalities, seed):
    known, step = made(lengths, modalities, seed)
    method = started("ogm_ge", known, alpha=0.4, end_at=0.1)
    loss = method(*step.arguments).loss
    assert_equal_with_gradient(loss, mean_cross_entropy(step.z.sum(0), step.y), step.z)
    before, generator = made_gradients(modalities, seed), generator_of(method)
    after = copies(before)
    method.adjust(after)
    for m, r in zip(before, ratios(step), strict=True):
        k = 1 - math.tanh(0.4 * r) if r > 1 else 1
        for g, changed in zip(before[m], after[m], strict=True):
            noise = torch.empty_like(g).normal_(generator=generator)
            expected = k * g + noise * float(np.std(g.numpy()))
            torch.testing.assert_close(changed, expected if modalities > 1 else g)
    method.step()  # end_at: 0.1 of 10 epochs
    method(*step.arguments)
    unchanged = copies(before)
    method.adjust(unchanged)
    assert all(map(torch.equal, unchanged["a"], before["a"]))


@given(lengths_of_batches, modality_counts, seeds)
def test_agm(lengths, modalities, seed):
    known = made_training_set(lengths, modalities=modalities, seed=seed, unlabelled=0.3)
    method = started("agm", known, alpha=0.5)
    seen = []
    for number in range(3):
        _, step = made(lengths, modalities, seed + number)
        method(*step.arguments)
        rows = labelled(step.y)
        if rows:
            s = [
                np.mean([math.log(probability(step.z, step.y, m, j)) for j in rows])
                for m in range(modalities)
            ]
            leads = [
                s[m] - np.mean([s[n] for n in range(modalities) if n != m]) if modalities > 1 else 0
                for m in range(modalities)
            ]
            seen.append([math.exp(lead) for lead in leads])
        before = made_gradients(modalities, seed)
        after = copies(before)
        method.adjust(after)
        if rows:
            means = np.mean(seen, 0)
            for m, mean, r in zip(before, means, seen[-1], strict=True):
                k = math.exp(min(0.5 * (mean - r), 7))
                for g, changed in zip(before[m], after[m], strict=True):
                    torch.testing.assert_close(changed, k * g)


@given(lengths_of_batches, modality_counts, seeds)
def test_opm(lengths, modalities, seed):
    known, step = made(lengths, modalities, seed)
    method = started("opm", known, base=0.6, slope=0.5)
    generator = generator_of(method)
    loss = method(*step.arguments).loss
    u = torch.rand(modalities, len(lengths), generator=generator)
    dialogue = torch.repeat_interleave(step.lengths)
    joint = torch.zeros_like(step.z[0])
    for m, r in enumerate(ratios(step)):
        q = 0.6 * (1 + 0.5 * math.tanh(r - 1)) if r > 1 else 0
        for j in range(len(step.y)):
            if u[m, dialogue[j]] >= q:
                joint = joint.index_add(0, torch.tensor([j]), step.z[m, j][None])
    assert_equal_with_gradient(loss, mean_cross_entropy(joint, step.y), step.z)


def test_opm_leaves_out_only_modalities_that_are_ahead_and_never_all():
    known, step = made([3] * 50, 3, 0, unlabelled=0.0)
    z = torch.zeros(3, len(step.y), 3)
    z[1].scatter_(1, step.y[:, None], 4.0)  # ahead: right and sure
    z.requires_grad_()
    started("opm", known, base=0.5)(z, *step.arguments[1:]).loss.backward()
    gone = (z.grad == 0).all(-1).float().mean(1)
    assert gone[[0, 2]].tolist() == [0, 0]
    assert 0.4 < gone[1] < 0.9


@given(lengths_of_batches, st.integers(2, 3), seeds)
def test_mmpareto(lengths, modalities, seed):
    known, step = made(lengths, modalities, seed)
    method = started("mmpareto", known, weight=0.5, gain=1.5)
    learnt = method(*step.arguments)
    assert_equal_with_gradient(learnt.loss, mean_cross_entropy(step.z.sum(0), step.y), step.z)
    assert_equal_with_gradient(learnt.separate, 0.5 * sum(unimodal(step)), step.z)
    joint, separate = made_gradients(modalities, seed), made_gradients(modalities, seed + 1)
    after = copies(joint)
    method.adjust(after, separate)
    for m in joint:
        g, u, found = (torch.cat([x.flatten() for x in one[m]]) for one in (joint, separate, after))
        h = g + u
        if g @ u < 0:
            line = torch.linspace(0, 1, 20_001, dtype=torch.float64)[:, None]
            points = line * g + (1 - line) * u
            h = 2 * points[points.norm(dim=1).argmin()]
            h = h * (g + u).norm() / h.norm()
        torch.testing.assert_close(found, 1.5 * h, rtol=1e-3, atol=1e-3)


def test_mmpareto_with_opposite_gradients_is_finite():
    method = build("mmpareto")
    g = {"a": [torch.ones(2)], "t": [torch.zeros(2)]}
    method.adjust(g, {"a": [-torch.ones(2)], "t": [torch.zeros(2)]})
    assert torch.equal(g["a"][0], torch.zeros(2))
    assert torch.equal(g["t"][0], torch.zeros(2))


@given(lengths_of_batches, modality_counts, seeds)
def test_cggm(lengths, modalities, seed):
    known = made_training_set(lengths, modalities=modalities, seed=seed, unlabelled=0.3)
    method = started("cggm", known, rho=1.3, weight=0.2)
    before = [0.0] * modalities
    for number in range(3):
        _, step = made(lengths, modalities, seed + number)
        rows, z = labelled(step.y), step.z
        accuracy = [
            np.mean([z[m, j].argmax() == step.y[j] for j in rows]) if rows else before[m]
            for m in range(modalities)
        ]
        d = [max(now - old, 0) for now, old in zip(accuracy, before, strict=True)]
        before = accuracy
        B = [1.3 * (1 - (own / sum(d) if sum(d) else 1 / modalities)) for own in d]
        expected = mean_cross_entropy(z.sum(0), step.y)
        if modalities > 1 and rows:
            target = torch.nn.functional.one_hot(step.y[rows], 3)
            D = (z.detach().sum(0)[rows].softmax(-1) - target).flatten()
            for m in range(modalities):
                own = (z[m][rows].softmax(-1) - target).flatten()
                cosine = (D @ own) / D.norm() / own.norm()
                expected = expected + 0.2 / modalities * B[m] * (1 - cosine)
        assert_equal_with_gradient(method(*step.arguments).loss, expected, z)
        gradients = made_gradients(modalities, seed)
        after = copies(gradients)
        method.adjust(after)
        for m, factor in zip(gradients, B, strict=True):
            for g, changed in zip(gradients[m], after[m], strict=True):
                expected = factor * g if modalities > 1 else g
                torch.testing.assert_close(changed, expected, rtol=1e-5, atol=1e-6)


@settings(max_examples=30)
@given(lengths_of_batches, st.integers(2, 3), seeds)
def test_gradient_blending(lengths, modalities, seed):
    known, step = made([*lengths, 9], modalities, seed)
    method = started("gradient_blending", known, every=2, weight=0.8)
    weights, before = np.full(modalities + 1, 1 / (modalities + 1)), None
    for epoch in range(5):
        if method.evaluates:
            assert epoch % 2 == 0
            splits = [made([9, 4], modalities, seed + 2 * epoch + k)[1] for k in range(2)]
            names = ("train", "dev")
            method.evaluated(
                {name: split.z.detach() for name, split in zip(names, splits, strict=True)},
                {name: split.y for name, split in zip(names, splits, strict=True)},
                {},
            )
            train, dev = (
                np.array(
                    [float(x.detach()) for x in [*unimodal(s), mean_cross_entropy(s.z.sum(0), s.y)]]
                )
                for s in splits
            )
            if before:
                gain = np.maximum(before[1] - dev, 0)
                overfitting = (dev - train) - (before[1] - before[0])
                new = gain / np.maximum(np.abs(overfitting), 1e-3) ** 2
                weights = new / new.sum() if new.sum() else weights
            before = train, dev
        joint = mean_cross_entropy(step.z.sum(0), step.y)
        losses = [*unimodal(step), joint]
        blended = sum(w * loss for w, loss in zip(weights, losses, strict=True))
        assert_equal_with_gradient(
            method(*step.arguments).loss, 0.2 * joint + 0.8 * blended, step.z
        )
        method.step()


def clusters(labels, spread, seed):
    """Points around three corners by label, (N, 3)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.eye(3)[labels.clamp(min=0)] + spread * torch.randn(
        len(labels), 3, generator=generator
    )


@given(seeds)
def test_clusters_of_one_class_each_have_purity_1(seed):
    labels = torch.arange(60) % 3
    labels[:7] = -1
    x = clusters(labels, 0.01, seed)
    x[:7] = 0.5  # unlabelled: not clustered
    assert purity(x, labels, torch.Generator().manual_seed(seed)) == 1


@given(seeds)
def test_purity_is_that_of_the_clusters_by_hand(seed):
    """Two well separated groups and a third class that lies in both."""
    labels = torch.tensor([0] * 10 + [2] * 5 + [1] * 20 + [2] * 3)
    x = torch.zeros(38, 3)
    x[15:] = 1.0
    assert purity(x, labels, torch.Generator().manual_seed(seed)) == pytest.approx(30 / 38)


def test_identical_points_are_one_cluster():
    labels = torch.tensor([0, 0, 1, 2])
    assert purity(torch.ones(4, 3), labels, torch.Generator().manual_seed(0)) == 0.5


def test_relearning_moves_the_modality_that_overfits_towards_its_start():
    known = made_training_set([10] * 12, unlabelled=0.0)
    method = started("relearning", known, strength=2.0, every=2, times=1)
    weights = {m: [torch.zeros(3), torch.zeros(2, 2)] for m in "at"}
    y, noise = known.labels, torch.randint(3, (120,), generator=torch.Generator().manual_seed(5))
    train = torch.stack([clusters(y, 0.01, 1), clusters(y, 0.01, 2)])
    dev = torch.stack([clusters(noise, 0.01, 3), clusters(y, 0.01, 4)])  # "a" overfits
    arguments = {"train": train, "dev": dev}, {"train": y, "dev": y}, weights
    assert method.evaluates == ("train", "dev")
    method.evaluated(*arguments)  # before the first epoch
    for own in weights.values():
        for w in own:
            w.fill_(1.0)
    asked = []
    for _ in range(6):
        method.step()
        asked.append(bool(method.evaluates))
        if method.evaluates:
            method.evaluated(*arguments)
    assert asked == [False, True, False, False, False, False]
    found = [int((noise[y == k] == c).sum()) for c in range(3) for k in range(3)]
    counts = torch.zeros(3, 3)
    for cluster, label in zip(noise, y, strict=True):
        counts[cluster, label] += 1
    assert sum(found) == counts.sum()
    a = math.tanh(2 * (1 - float(counts.amax(1).sum()) / 120))
    for w in weights["a"]:
        torch.testing.assert_close(w, torch.full_like(w, 1 - a))
    for w in weights["t"]:
        assert (w == 1).all()


def batch_of(lengths, modalities, seed, missing=0.3):
    generator = torch.Generator().manual_seed(seed)
    n = sum(lengths)
    names = "atv"[:modalities]
    observed = {m: torch.rand(n, generator=generator) > missing for m in names}
    return Batch(
        {m: torch.rand(n, 2, generator=generator) + 1 for m in names},
        torch.tensor(lengths),
        torch.zeros(n, dtype=torch.int64),
        torch.zeros(n, dtype=torch.int64),
        observed,
    )


@given(lengths_of_batches, modality_counts, seeds)
def test_modality_dropout(lengths, modalities, seed):
    known = made_training_set(lengths, modalities=modalities, seed=seed)
    method = started("modality_dropout", known, p=0.6)
    generator = generator_of(method)
    batch = batch_of(lengths, modalities, seed)
    shown = method.prepare(batch)
    u = torch.rand(modalities, len(lengths), generator=generator)
    for i in range(len(lengths)):
        rows = batch.dialogue == i
        has = [m for m in batch.features if batch.observed[m][rows].any()]
        draws = {m: float(u[k, i]) for k, m in enumerate(batch.features) if m in has}
        for m in batch.features:
            hidden = m in has and draws[m] < 0.6 and draws[m] < max(draws.values())
            expected = batch.observed[m][rows] & (not hidden)
            assert torch.equal(shown.observed[m][rows], expected)
            assert torch.equal(shown.features[m][rows].any(1), expected)
        assert any(shown.observed[m][rows].any() for m in batch.features) == bool(has)


def test_modality_dropout_hides_a_share_p_of_the_modalities():
    known = made_training_set([1] * 2000, modalities=3)
    shown = started("modality_dropout", known, p=0.2).prepare(batch_of([1] * 2000, 3, 0, 0.0))
    hidden = ~torch.stack(list(shown.observed.values()))
    assert hidden.float().mean() == pytest.approx(0.2 - 0.2**3 / 3, abs=0.02)
    assert not hidden.all(0).any()


@pytest.mark.parametrize("name", ["modality_dropout", "ogm_ge", "opm"])
def test_a_method_that_draws_says_that_start_was_not_called(name):
    _, step = made([3, 2], 2, 0)
    method = build(name)

    def use():
        method.prepare(batch_of([3, 2], 2, 0))
        method(*step.arguments)
        method.adjust(made_gradients(2, 0))

    with pytest.raises(ValueError, match=r"call curriculum.start\(training_set\) before"):
        use()


def test_gradient_blending_says_that_it_needs_an_evaluation():
    _, step = made([3, 2], 2, 0)
    with pytest.raises(
        ValueError, match=r"call curriculum.evaluated\(logits, labels, \{\}\) before"
    ):
        build("gradient_blending")(*step.arguments)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("unimodal_loss", {"weight": -1}, "weight: -1 is out of range; choose at least 0"),
        ("unimodal_loss", {"weight": "1"}, "weight: '1' is not a number"),
        ("modality_dropout", {"p": 1}, "p: 1 is out of range; choose at least 0 and below 1"),
        ("ogm_ge", {"alpha": math.nan}, "alpha: nan is out of range"),
        ("ogm_ge", {"end_at": 2}, "end_at: 2 is out of range; choose at least 0 and at most 1"),
        ("opm", {"base": 1.5}, "base: 1.5 is out of range"),
        ("mmpareto", {"gain": True}, "gain: True is not a number"),
        ("gradient_blending", {"every": 0}, "every: 0 is not a positive whole number"),
        ("relearning", {"times": 1.5}, "times: 1.5 is not a positive whole number"),
    ],
)
def test_a_wrong_setting_is_one_line(name, settings, message):
    with pytest.raises(ValueError, match=message) as error:
        build(name, **settings)
    assert "\n" not in str(error.value)


def test_the_list_of_methods_is_complete():
    from pathlib import Path

    import spcl.curriculum.balancing as package

    files = Path(package.__file__).parent.glob("*.py")
    assert {p.stem for p in files if "\nCURRICULUM = " in p.read_text()} == set(BALANCING)
