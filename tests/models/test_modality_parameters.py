"""The parameters that serve one modality alone: disjoint, and reached by no other modality."""

import pytest
import torch
from test_baselines import WIDTHS, dialogues, each_baseline, each_modality_set, small, together

LENGTHS = [4, 1, 7]


def parts_of(model):
    """By modality, (parameter, rows)."""
    return {
        m: [part if isinstance(part, tuple) else (part, slice(None)) for part in own]
        for m, own in model.modality_parameters().items()
    }


def touched(model, modalities, m):
    """The modalities whose parameters get a gradient from the logits of m."""
    model.zero_grad()
    batch = together(dialogues(LENGTHS, modalities))
    model(batch)[m].square().sum().backward()
    return {
        other
        for other, own in parts_of(model).items()
        if any(p.grad is not None and p.grad[rows].any() for p, rows in own)
    }


@each_modality_set
@each_baseline
def test_the_sets_are_disjoint_and_in_the_order_of_the_logits(name, modalities):
    model = small(name, modalities)
    parts = parts_of(model)
    assert list(parts) == list(modalities)
    times = {p: torch.zeros(p.shape) for p in model.parameters()}
    for own in parts.values():
        for parameter, rows in own:
            times[parameter][rows] += 1
    assert all(count.max() <= 1 for count in times.values())


@each_modality_set
@each_baseline
def test_the_loss_of_a_modality_touches_the_parameters_of_no_other(name, modalities):
    """In networks that mix modalities, the paths through the shared part are cut."""
    for m in modalities:
        model = small(name, modalities)
        for part in ("encoders", "transforms"):
            for other in set(modalities) - {m} if name in ("mmgcn", "mm_dfn") else ():
                if hasattr(model, part):
                    getattr(model, part)[other].register_forward_hook(lambda *io: io[-1].detach())
        assert touched(model, modalities, m) == {m}


@pytest.mark.parametrize("name", ["mmgcn", "mm_dfn"])
def test_the_graph_carries_the_loss_of_a_modality_to_the_encoders_of_all(name):
    assert touched(small(name), "atv", "a") == set("atv")


@pytest.mark.parametrize("name", ["biddin", "dialogue_gcn", "late_fusion"])
def test_where_modalities_do_not_meet_every_parameter_belongs_to_one(name):
    model = small(name)
    listed = sum(p[rows].numel() for own in parts_of(model).values() for p, rows in own)
    assert listed == sum(p.numel() for p in model.parameters())


def test_hidden_utterances_are_unobserved_and_have_no_features():
    chosen = dialogues(LENGTHS)
    chosen[2].observed["a"][0] = False
    batch = together(chosen)
    hidden = {"a": batch.dialogue == 1, "t": torch.zeros(12, dtype=torch.bool)}
    del batch.observed["t"]
    shown = batch.hide(hidden)
    assert shown.observed["a"].tolist() == [True] * 4 + [False, False] + [True] * 6
    assert shown.observed["t"].all()
    assert shown.observed["v"] is batch.observed["v"]
    assert not shown.features["a"][4:6].any()
    assert batch.features["a"][4].any()
    assert {m: x.shape[1] for m, x in shown.features.items()} == WIDTHS
