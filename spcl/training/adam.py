"""Adam (Kingma and Ba 2015, arXiv 1412.6980), fused, as torch.optim.Adam computes it.

The constructor of torch.optim.Adam imports torch's compiler, which takes more than a second at the
start of every cell. The function behind that class computes the same without the compiler.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adam import adam


class Adam:
    """The steps of ``torch.optim.Adam(..., fused=True)``, bit by bit.

    Parameters
    ----------
    parameters
        Float tensors on one device. A parameter without a gradient does not change.
    learning_rate
        Step size.
    weight_decay
        Added to the gradient, not decoupled.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], *, learning_rate: float, weight_decay: float
    ) -> None:
        self.parameters = list(parameters)
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.state = {
            "mean": [torch.zeros_like(p) for p in self.parameters],
            "square": [torch.zeros_like(p) for p in self.parameters],
            "step": [torch.zeros((), device=p.device) for p in self.parameters],
        }

    def zero_grad(self) -> None:
        """Delete all gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Update every parameter that has a gradient."""
        moved = [i for i, parameter in enumerate(self.parameters) if parameter.grad is not None]
        gradients: list[Any] = [self.parameters[i].grad for i in moved]
        mean, square, step = ([values[i] for i in moved] for values in self.state.values())
        adam(
            [self.parameters[i] for i in moved],
            gradients,
            mean,
            square,
            [],
            step,
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=self.learning_rate,
            weight_decay=self.weight_decay,
            eps=1e-8,
            maximize=False,
        )

    def state_dict(self) -> dict[str, list[Tensor]]:
        """Running means of gradients and of their squares, and step counts; not copied."""
        return self.state

    def load_state_dict(self, state: Mapping[str, list[Tensor]]) -> None:
        """Copy the `state_dict` of an instance with the same parameters."""
        for name, values in self.state.items():
            for value, loaded in zip(values, state[name], strict=True):
                value.copy_(loaded)
