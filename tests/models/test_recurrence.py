"""The recurrence of DialogueRNN, against a slow loop, with gradients."""

import pytest
import torch

from spcl.models.recurrence import Recurrence, Steps

ACTIVE = [3, 3, 2, 1]


def recurrence_of(cells):
    torch.manual_seed(0)
    made = Recurrence(
        cells,
        global_hidden=3,
        party_hidden=4,
        emotion_hidden=2,
        dropout=0.5,
        position_dropout=0.3,
    )
    return made.double()


def steps_of(cells, *, n_speakers=2, masks=()):
    torch.manual_seed(1)
    shape = (len(ACTIVE), cells, ACTIVE[0])
    return Steps(
        to_global=torch.randn(*shape, 9, dtype=torch.float64, requires_grad=True),
        to_party=torch.randn(*shape, 12, dtype=torch.float64, requires_grad=True),
        speaker=torch.randint(n_speakers, shape),
        n_speakers=n_speakers,
        active=ACTIVE,
        masks=masks,
    )


@pytest.mark.parametrize("training", [False, True])
def test_every_gradient_is_that_of_finite_differences(training):
    recurrence = recurrence_of(2).train(training)
    steps = steps_of(2, masks=recurrence.draw(len(ACTIVE), ACTIVE[0]))
    taking_part = torch.arange(ACTIVE[0]) < torch.tensor(ACTIVE)[:, None]

    def emotions(to_global, to_party, *weights):
        given = dict(zip(names, weights, strict=True))
        steps.to_global, steps.to_party = to_global, to_party
        e = torch.func.functional_call(recurrence, given, (steps,))
        return e.transpose(1, 2)[taking_part]

    names = [name for name, _ in recurrence.named_parameters()]
    inputs = (steps.to_global, steps.to_party, *recurrence.parameters())
    assert torch.autograd.gradcheck(emotions, inputs, fast_mode=True)


def test_a_party_remembers_what_it_said_last():
    recurrence, steps = recurrence_of(1).eval(), steps_of(1)
    steps.speaker = torch.tensor([0, 1, 0, 1])[:, None, None].expand(-1, 1, ACTIVE[0])
    alternating = recurrence(steps)
    steps.speaker = torch.zeros_like(steps.speaker)
    alone = recurrence(steps)
    torch.testing.assert_close(alternating[0], alone[0])
    assert (alternating[1:] - alone[1:])[:, :, 0].abs().min() > 1e-6
