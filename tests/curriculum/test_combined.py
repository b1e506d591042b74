"""A curriculum and a balancing method as one strategy."""

import pytest
import torch
from made_training import BALANCING, SETTINGS, made_training_set, steps_of

from spcl.curriculum import build
from spcl.curriculum.combined import Combined

LENGTHS = [4, 1, 9, 6, 2] * 6
SPCL = {"threshold": 0.4, "growth": 1.5}


def combined(first, second, known, **settings):
    both = Combined(build(first, **(SETTINGS | {"spcl": SPCL})[first]), build(second, **settings))
    both.start(known)
    return both


@pytest.mark.parametrize("name", ["unimodal_loss", "agm", "mmpareto", "ogm_ge"])
def test_the_method_sees_only_the_utterances_that_the_curriculum_selects(name):
    """They count as a batch in which all others are unlabelled, up to the divisor of the loss."""
    known = made_training_set(LENGTHS)
    both = combined("spcl", name, known)
    curriculum, method = build("spcl", **SPCL), build(name)
    method.start(known)
    for logits, labels, lengths, rows in steps_of(known, batch_size=7, seed=0):
        step, alone = both(logits, labels, lengths, rows), curriculum(logits, labels, lengths)
        assert torch.equal(step.selected, alone.selected)
        assert torch.equal(step.difficulty, alone.difficulty)
        assert 0 < step.selected.sum() < (labels >= 0).sum()
        visible = method(logits, labels.masked_fill(~alone.selected, -1), lengths, rows)
        share = alone.selected.sum() / (labels >= 0).sum()
        torch.testing.assert_close(step.loss, visible.loss * share)
        if step.separate is not None:
            torch.testing.assert_close(step.separate, visible.separate * share)
        found, expected = ({m: [torch.ones(3)] for m in "at"} for _ in range(2))
        separate = {m: [torch.ones(3)] for m in "at"} if step.separate is not None else None
        both.adjust(found, separate)
        method.adjust(expected, separate)
        torch.testing.assert_close(found, expected)


def test_it_paces_as_the_curriculum_does_and_resumes():
    known = made_training_set(LENGTHS)
    both, alone = combined("spcl", "agm", known), build("spcl", **SPCL)
    again = combined("spcl", "agm", known)
    steps = list(steps_of(known, batch_size=7, seed=0))
    for arguments in steps[:2]:
        both(*arguments)
    both.step(), alone.step()
    assert both.threshold == alone.threshold == pytest.approx(0.6)
    again.load_state_dict(both.state_dict())
    for arguments in steps[2:]:
        both(*arguments), again(*arguments)
        assert torch.equal(both.balancing.change, again.balancing.change)
        assert torch.equal(both.threshold, again.threshold)


def test_it_passes_on_what_the_method_needs():
    for name, settings in BALANCING.items():
        method = build(name, **settings)
        both = Combined(build("none"), method)
        assert both.uses_parameters == method.uses_parameters
        assert both.evaluates == method.evaluates
        assert both.threshold is None


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (("ogm_ge", {}), ("spcl", SPCL), "name a curriculum first and a balancing method second"),
        (("agm", {}), ("ogm_ge", {}), "name a curriculum first and a balancing method second"),
        (("spcl", SPCL), ("spl", SPCL), "name a curriculum first and a balancing method second"),
        (("spcl", SPCL | {"normalize": "selected"}), ("agm", {}), "set normalize: all"),
        (("spcl", SPCL | {"utterance": "modality"}), ("opm", {}), "set utterance: joint"),
    ],
)
def test_strategies_that_do_not_fit_are_refused(first, second, message):
    parts = [build(name, **settings) for name, settings in (first, second)]
    with pytest.raises(ValueError, match=f"^combine: .*{message}"):
        Combined(*parts)
