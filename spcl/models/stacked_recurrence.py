"""The recurrences of several models, computed as one; see `spcl.training.stacked`."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F

from spcl.models.recurrence import Recurrence, Steps

_GLOBAL = ("party_to_global", "global_to_global", "global_bias", "attention")
"""The parameters that determine the global state g."""


def run_stacked(recurrences: Sequence[Recurrence], steps: Sequence[Steps]) -> list[Tensor]:
    """Run several recurrences in training mode as one recurrence with all their cells.

    Parameters
    ----------
    recurrences
        Recurrences of the same sizes.
    steps
        The input of each; the numbers of steps and dialogues may differ.

    Returns
    -------
    list of Tensor
        The output of each, see `Recurrence.forward`.
    """
    length = max(len(one.active) for one in steps)
    dialogues = max(one.to_global.shape[2] for one in steps)

    def join(parts: Sequence[Tensor]) -> Tensor:
        return torch.cat([_pad(part, length, dialogues) for part in parts], 1)

    active = [[*one.active, *[0] * (length - len(one.active))] for one in steps]
    joined = Steps(
        join([_global(one.to_global, one) for one in steps]),
        join([one.to_party for one in steps]),
        join([one.speaker for one in steps]),
        max(one.n_speakers for one in steps),
        [max(counts) for counts in zip(*active, strict=True)],
        tuple(join(masks) for masks in zip(*(one.masks for one in steps), strict=True)),
    )
    weights = {
        name: torch.cat(
            [
                _global(one.get_parameter(name), of) if name in _GLOBAL else one.get_parameter(name)
                for one, of in zip(recurrences, steps, strict=True)
            ]
        )
        for name, _ in recurrences[0].named_parameters()
    }
    emotions = functional_call(recurrences[0], weights, (joined,))
    return [
        e[: len(one.active), :, : one.to_global.shape[2]]
        for e, one in zip(emotions.chunk(len(steps), 1), steps, strict=True)
    ]


def _global(x: Tensor, steps: Steps) -> Tensor:
    """Detach a weight or input of g if there is a single step, which gives it no gradient.

    Adam updates a parameter whose gradient is zero, but not one without a gradient.
    """
    return x if len(steps.active) > 1 else x.detach()


def _pad(x: Tensor, length: int, dialogues: int) -> Tensor:
    """Pad (T, K, B, ...) with zeros to T = length and B = dialogues."""
    return F.pad(x, (0, 0) * (x.ndim - 3) + (0, dialogues - x.shape[2], 0, 0, 0, length - len(x)))
