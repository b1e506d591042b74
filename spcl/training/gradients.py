"""The gradients of one or several trainings, and those of each modality for their strategies."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from spcl.curriculum import Curriculum, CurriculumStep
from spcl.models.parameters import Part


class ModalityParameters:
    """The parameters that serve one modality alone.

    Parameters
    ----------
    parts
        By modality, see `spcl.models.parameters`.
    """

    def __init__(self, parts: Mapping[str, Sequence[Part]]) -> None:
        self._parts = {
            m: [part if isinstance(part, tuple) else (part, slice(None)) for part in own]
            for m, own in parts.items()
        }

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Each of them once."""
        of_all = (parameter for own in self._parts.values() for parameter, _ in own)
        return list(dict.fromkeys(of_all))

    def weights(self) -> dict[str, list[Tensor]]:
        """By modality, the parameters without gradient; a change in place changes the model."""
        return {m: [p.detach()[rows] for p, rows in own] for m, own in self._parts.items()}

    def gradients(
        self, of: Mapping[nn.Parameter, Tensor | None] | None = None
    ) -> dict[str, list[Tensor]]:
        """By modality, the gradients of the parameters that have one.

        Parameters
        ----------
        of
            Gradients to return in place of ``parameter.grad``; None stands for zeros.
        """
        return {
            m: [
                _gradient(parameter, of)[rows]
                for parameter, rows in own
                if parameter.grad is not None
            ]
            for m, own in self._parts.items()
        }


def backward(
    steps: Sequence[tuple[Curriculum, CurriculumStep, ModalityParameters]],
) -> None:
    """Compute the gradients of trainings that share a graph, and let their strategies adjust them.

    Parameters
    ----------
    steps
        Of each training, its strategy, its step, and the parameters of its modalities. All steps
        have a `CurriculumStep.separate`, or none.
    """
    apart = [step.separate for _, step, _ in steps if step.separate is not None]
    wanted = [p for _, _, own in steps for p in own.parameters] if apart else []
    found = (
        torch.autograd.grad(_total(apart), wanted, retain_graph=True, allow_unused=True)
        if apart
        else ()
    )
    separate = dict(zip(wanted, found, strict=True))
    _total([step.loss for _, step, _ in steps]).backward()
    with torch.no_grad():
        for strategy, _, own in steps:
            if strategy.uses_parameters:
                strategy.adjust(own.gradients(), own.gradients(separate) if apart else None)


def _total(losses: Sequence[Tensor]) -> Tensor:
    return losses[0] if len(losses) == 1 else torch.stack(tuple(losses)).sum()


def _gradient(parameter: nn.Parameter, of: Mapping[nn.Parameter, Tensor | None] | None) -> Tensor:
    gradient = parameter.grad if of is None else of[parameter]
    return torch.zeros_like(parameter) if gradient is None else gradient
