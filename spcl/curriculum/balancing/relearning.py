"""Diagnosing and re-learning: a modality that overfits goes part of the way back to its start.

Wei et al., ECCV 2024 (arXiv 2407.09705). Every few epochs the answers of each modality are grouped
into C clusters, on train and on dev. With P the purity (the share of utterances whose class is the
most frequent of their cluster), and theta_0^m the initial parameters::

    a^m      = tanh(strength |P_train^m - P_dev^m|)
    theta^m <- (1 - a^m) theta^m + a^m theta_0^m
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from spcl.curriculum.balancing.base import BalancingMethod
from spcl.curriculum.base import ByModality
from spcl.curriculum.checks import check_count, check_number

_ROUNDS = 20
"""Rounds of k-means."""


class Relearning(BalancingMethod):
    """Move the parameters of each modality towards their start, by its overfitting.

    Parameters
    ----------
    strength
        lambda, at least 0. At 0 the method does nothing.
    every
        The number of epochs between two moves, at least 1.
    times
        The maximum number of moves, at least 1.

    Notes
    -----
    A move evaluates the training split. The paper clusters the outputs of the encoders; here the
    logits z^m are clustered, because not every network has encodings of one modality alone. The
    state of the optimiser does not change. With one modality the method does nothing.
    """

    def __init__(self, strength: float = 3.0, *, every: int = 10, times: int = 2) -> None:
        super().__init__()
        check_number("strength", strength)
        check_count("every", every)
        check_count("times", times)
        self.strength = strength
        self.every = every
        self.times = times
        self._initial: dict[str, list[Tensor]] = {}

    @property
    def uses_parameters(self) -> bool:
        return True

    @property
    def evaluates(self) -> tuple[str, ...]:
        due = self.epoch % self.every == 0 and self.epoch <= self.every * self.times
        return ("train", "dev") if self.strength and due else ()

    @torch.no_grad()
    def evaluated(
        self, logits: Mapping[str, Tensor], labels: Mapping[str, Tensor], weights: ByModality
    ) -> None:
        if not self.epoch:
            self._initial = {m: [w.clone() for w in own] for m, own in weights.items()}
        elif len(weights) > 1:
            for index, (m, own) in enumerate(weights.items()):
                train, dev = (
                    purity(logits[name][index], labels[name], self.generator)
                    for name in ("train", "dev")
                )
                a = torch.tanh(self.strength * (train - dev).abs())
                for w, initial in zip(own, self._initial[m], strict=True):
                    w.lerp_(initial, a.to(w.dtype))


def purity(x: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """The share of labelled utterances whose class is the most frequent of their cluster.

    Parameters
    ----------
    x
        (N, C), to be clustered into C clusters by k-means, after scaling each column to -1..1.
    labels
        (N,), -1 = unlabelled.
    generator
        Draws the first centre of each cluster (k-means++, Arthur and Vassilvitskii 2007).

    Returns
    -------
    0-dimensional float64
    """
    C = x.shape[1]
    x, labels = x[labels >= 0].double(), labels[labels >= 0]
    low, high = x.amin(0), x.amax(0)
    x = 2 * (x - low) / (high - low).clamp(min=1e-12) - 1
    chosen = torch.randint(len(x), (1,), generator=generator, device=x.device)
    centres = x[chosen]
    for _ in range(C - 1):
        square = torch.cdist(x, centres).amin(1) ** 2
        square = square + (square.sum() == 0)  # all points are centres: draw any of them
        chosen = torch.multinomial(square, 1, generator=generator)
        centres = torch.cat([centres, x[chosen]])
    for _ in range(_ROUNDS):
        member = one_hot(torch.cdist(x, centres).argmin(1), C).double()  # (N, C)
        size = member.sum(0)[:, None]
        centres = torch.where(size > 0, member.T @ x / size.clamp(min=1), centres)
    counts = member.T @ one_hot(labels, C).double()  # clusters by classes
    return counts.amax(1).sum() / len(x)


CURRICULUM = Relearning
