"""For the same weights our baselines and our curriculum give the numbers of the authors' code.

Three files hold what that code (np4s/SPCL, commit fb2b8d2, under torch 2.13 and torch_geometric
2.6.1, on a CPU) gave. No weight or input is kept: `weights`, `dialogues` and `batch_of_logits` draw
them, the same for both codes, from uniform numbers of PCG64. A case is a baseline and a set of
modalities; its networks are small, and one dialogue makes a batch.

`golden_logits.parquet`: evaluation mode. A row is one tensor of a case: first every weight of the
state dict, by name and shape alone, in order; then the logits of each dialogue and modality.

`golden_steps.parquet`: training mode, every dropout of the network set to 0 and the curriculum
switched on. A row is the step on one dialogue: its loss, the selected utterances, the confidence of
each modality, and the gradient of the loss with respect to every weight tensor, in the order of the
first file, as its product with a random direction (`directions`). The threshold lies in the widest
gap among the middle half of the dialogue's difficulties. The authors' code returns neither the
selection nor the confidence: they were read where it makes the first and where it takes the
standard deviation of the second.

`golden_curriculum.parquet`: the authors' loss alone, its network replaced by one that returns the
logits of a batch of several dialogues. A row is an epoch; the threshold grew in between. The
gradient is that of each utterance's logits of one modality, times its direction.

The authors' code was run as it is but for two things: imports of modules that it does not ship were
left out, and a `.cuda()` did nothing.
"""

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import torch
from test_baselines import NO_DROPOUT

from spcl.curriculum import SelfPacedCurriculum
from spcl.errors import UserError
from spcl.models import Batch, load_reference

BASELINES = ("biddin", "dialogue_gcn", "late_fusion", "mm_dfn", "mmgcn")
MODALITIES = ("atv", "at", "tv", "av")
WIDTHS = {"a": 12, "t": 10, "v": 17}
LENGTHS = (1, 2, 13, 30)
N_SPEAKERS = 3
N_CLASSES = 4
SETTINGS = {"dialogue_gcn": {"window_past": 2, "window_future": 3}}
BATCH = (5, 1, 12, 30, 2)
"""Utterances of each dialogue of the curriculum's batch."""
EPOCHS = 15
THRESHOLD, GROWTH = 0.4, 1.5


def generator(kind, case):
    return np.random.Generator(np.random.PCG64([kind, *case.encode()]))


def uniform(rng, shape):
    """Numbers of mean 0 and variance 1."""
    return torch.from_numpy(((2 * rng.random(shape) - 1) * 3**0.5).astype(np.float32))


def integers(rng, n, length):
    """Numbers 0..n-1."""
    return torch.from_numpy(np.floor(n * rng.random(length)).astype(np.int64))


def weights(case, names_and_shapes):
    """Draw the state dict of a case: variance 1 / fan-in, norms around 1."""
    rng = generator(1, case)
    drawn = {}
    for name, shape in names_and_shapes:
        value = uniform(rng, tuple(shape)) / (shape[-1] if len(shape) > 1 else 4) ** 0.5
        drawn[name] = 1 + value / 4 if "norm" in name and name.endswith("weight") else value
    return drawn


def dialogues(case):
    """Draw the dialogues of a case: features by modality, speakers and labels."""
    rng = generator(2, case)
    return [
        (
            {m: uniform(rng, (length, WIDTHS[m])) for m in case.split("/")[1]},
            integers(rng, N_SPEAKERS, length),
            integers(rng, N_CLASSES, length),
        )
        for length in LENGTHS
    ]


def directions(case, names_and_shapes):
    """Draw a direction in each weight tensor of a case."""
    rng = generator(3, case)
    return {name: uniform(rng, tuple(shape)) for name, shape in names_and_shapes}


def batch_of_logits(modalities):
    """Draw logits (M, N, C), labels (N,) and a direction (N, C) for the curriculum's batch."""
    rng, n = generator(4, modalities), sum(BATCH)
    logits = 2 * uniform(rng, (len(modalities), n, 6))
    return logits, integers(rng, 6, n), uniform(rng, (n, 6))


def rows_of(file, case):
    table = pq.read_table(Path(__file__).with_name(f"golden_{file}.parquet"))
    return table.filter(pc.field("case") == case).to_pylist()


def names_and_shapes(case):
    """Of every weight of the reference's state dict, in its order."""
    return [
        (row["name"], row["shape"]) for row in rows_of("logits", case) if row["dialogue"] is None
    ]


def load(case, state_dict, **settings):
    baseline = case.split("/")[0]
    return load_reference(
        baseline, state_dict, n_speakers=N_SPEAKERS, **SETTINGS.get(baseline, {}), **settings
    )


def batch_of(features, speakers, labels):
    return Batch(features, torch.tensor([len(speakers)]), speakers, labels)


def by_reference_tensor(case, products):
    """Sum `products`, by our parameters' names, over each tensor of the reference.

    The same loading that brings the weights brings their numbers: every entry of ours then says
    which tensor it came from.
    """
    shapes = names_and_shapes(case)
    numbers = {name: torch.full(tuple(s), float(i)) for i, (name, s) in enumerate(shapes)}
    total = torch.zeros(len(shapes), dtype=torch.float64)
    for name, number in load(case, numbers).state_dict().items():
        total.index_add_(0, number.flatten().long(), products[name].flatten().double())
    return total


each_case = pytest.mark.parametrize("case", [f"{b}/{m}" for b in BASELINES for m in MODALITIES])


@each_case
def test_logits_are_the_references(case):
    model = load(case, weights(case, names_and_shapes(case))).eval()
    drawn = dialogues(case)
    golden = [row for row in rows_of("logits", case) if row["dialogue"] is not None]
    for row in golden:
        with torch.no_grad():
            ours = model(batch_of(*drawn[row["dialogue"]]))[row["name"]]
        theirs = torch.tensor(row["values"]).view(row["shape"])
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    assert len(golden) == len(LENGTHS) * len(case.split("/")[1])


@each_case
def test_a_training_step_is_the_references(case):
    shapes = names_and_shapes(case)
    along = dict(load(case, directions(case, shapes)).named_parameters())
    model = load(case, weights(case, shapes), **NO_DROPOUT[case.split("/")[0]]).train()
    for row, (features, speakers, labels) in zip(
        rows_of("steps", case), dialogues(case), strict=True
    ):
        batch = batch_of(features, speakers, labels)
        step = SelfPacedCurriculum(row["threshold"], 1.0)(model(batch), labels, batch.lengths)
        assert step.loss.item() == pytest.approx(row["loss"], abs=1e-5)
        assert step.selected.tolist() == row["selected"]
        assert step.confidence.flatten().tolist() == pytest.approx(row["confidence"], abs=1e-5)
        gradients = torch.autograd.grad(
            step.loss, tuple(model.parameters()), materialize_grads=True
        )
        products = {
            name: gradient * along[name].detach()
            for name, gradient in zip(along, gradients, strict=True)
        }
        ours = by_reference_tensor(case, products)
        theirs = torch.tensor(row["gradient"], dtype=torch.float64)
        # A product sums up to 600 in absolute terms, of which almost nothing remains. Its float32
        # gradient differs between processors by a share of these terms.
        terms = by_reference_tensor(case, {name: one.abs() for name, one in products.items()})
        assert ((ours - theirs).abs() <= 1e-5 + 1e-4 * theirs.abs() + 1e-7 * terms).all()


@pytest.mark.parametrize("modalities", MODALITIES)
def test_the_curriculum_is_the_references_from_the_first_epoch_to_the_cap(modalities):
    logits, labels, direction = batch_of_logits(modalities)
    curriculum = SelfPacedCurriculum(THRESHOLD, GROWTH)
    golden = rows_of("curriculum", modalities)
    for row in golden:
        z = logits.clone().requires_grad_()
        step = curriculum(z, labels, torch.tensor(BATCH))
        step.loss.backward()
        assert float(curriculum.threshold) == row["threshold"]
        assert step.loss.item() == pytest.approx(row["loss"], abs=1e-5)
        assert step.selected.tolist() == row["selected"]
        assert step.confidence.flatten().tolist() == pytest.approx(row["confidence"], abs=1e-5)
        for gradient in z.grad:
            assert (gradient * direction).sum(1).tolist() == pytest.approx(
                row["gradient"], abs=1e-5
            )
        curriculum.step()
    assert len(golden) == EPOCHS
    assert golden[-1]["threshold"] == 60.0


def test_with_one_modality_the_reference_learns_nothing_and_ours_paces_by_the_loss():
    logits, labels, _ = batch_of_logits("t")
    for row in rows_of("curriculum", "t"):
        assert not any(row["selected"])
        assert row["loss"] == 0
    step = SelfPacedCurriculum(THRESHOLD, GROWTH)(logits, labels, torch.tensor(BATCH))
    loss = torch.nn.functional.cross_entropy(logits[0], labels, reduction="none")
    assert torch.equal(step.selected, loss <= THRESHOLD)
    assert step.selected.any()


@each_case
def test_the_golden_steps_select_a_part_of_every_longer_dialogue(case):
    for row, length in zip(rows_of("steps", case), LENGTHS, strict=True):
        assert len(row["selected"]) == length
        assert length <= 2 or 0 < sum(row["selected"]) < length


def test_a_checkpoint_of_the_whole_model_is_read_too():
    drawn = weights("mmgcn/at", names_and_shapes("mmgcn/at"))
    plain = load_reference("mmgcn", drawn)
    prefixed = load_reference("mmgcn", {f"net.{name}": value for name, value in drawn.items()})
    for name, value in plain.state_dict().items():
        assert torch.equal(prefixed.state_dict()[name], value)


def test_weights_of_another_baseline_are_a_users_error():
    drawn = weights("mmgcn/at", names_and_shapes("mmgcn/at"))
    for baseline in ("biddin", "dialogue_gcn", "mm_dfn", "late_fusion"):
        with pytest.raises(UserError, match=f"no weights of the reference's {baseline}"):
            load_reference(baseline, drawn)
