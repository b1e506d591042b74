"""Pacing: how much of the training set each epoch admits, and the threshold that admits it.

A threshold in numbers has to be tuned, for the difficulty is in units of the network's own, which
drift while it learns. A share has not: "the easiest 30 %" means the same for every network.
"""

import math

import torch
from torch import Tensor, nn


def full_epoch(epochs: int, full_at: float) -> int:
    """The epoch, from 1, from which on everything is admitted.

    Parameters
    ----------
    epochs
        Of the training.
    full_at
        The share of them, 0 to 1, by which everything is admitted; never in the first.
    """
    return max(2, math.floor(full_at * epochs))


def check_share(name: str, value: float) -> None:
    """Refuse a setting that is no share.

    Raises
    ------
    ValueError
        `value` is not above 0, or is above 1.
    """
    if not 0 < value <= 1:
        raise ValueError(f"{name}: {value} is no share; choose one above 0 and up to 1")


_NONE = 1e-200


def threshold_shares(
    difficulty: Tensor, epochs: int, *, start_share: float, full_at: float
) -> Tensor:
    """The shares that a growing threshold on a known difficulty would admit, epoch by epoch.

    epsilon is the quantile `start_share` of the difficulty, and alpha carries it to the largest
    difficulty by `full_at`::

        p_e = share of utterances with rho <= epsilon * alpha ** (e - 1)

    Parameters
    ----------
    difficulty
        (n,) of the labelled utterances, finite and not negative; n >= 1.
    epochs, full_at
        See `full_epoch`.
    start_share
        p_1, above 0 and up to 1.

    Returns
    -------
    (epochs,) float64, never falling; 1 from `full_epoch` on
    """
    full = full_epoch(epochs, full_at)
    rho = difficulty.double().sort().values
    # An epsilon of 0 would never grow; this one admits the same, and no rho is infinitely larger.
    epsilon = rho[max(round(start_share * len(rho)), 1) - 1].clamp(min=_NONE)
    progress = torch.arange(epochs, dtype=rho.dtype, device=rho.device) / (full - 1)
    threshold = epsilon * (rho[-1] / epsilon) ** progress
    shares = (rho <= threshold[:, None]).double().mean(1).clamp(min=start_share)
    shares[0] = start_share
    shares[full - 1 :] = 1
    return shares


class Pacing(nn.Module):
    """The threshold that admits a given share of each epoch's utterances, easiest first.

    Every step takes it anew, as a quantile of the latest difficulties::

        k      = round(m (p + (p seen - admitted) / h))
        lambda = the k-th smallest of the pool; just below the smallest where k = 0

    p is the epoch's share. The pool is this batch and, where it is small, the difficulties that
    came just before, m of them in all. seen and admitted count the labelled utterances of the epoch
    before this batch. What is admitted too much or too little is made good over the next h
    utterances: m, or what is left of the epoch where that is less. A batch that fills the pool
    leaves no more than a rounding error. All counting stays on the device.

    Parameters
    ----------
    shares
        (E,), p of each epoch; an epoch beyond takes the last.
    n_labelled
        The labelled utterances of the training set, all of which an epoch sees.
    """

    shares: Tensor
    epoch: Tensor
    seen: Tensor
    admitted: Tensor
    window: Tensor

    def __init__(self, shares: Tensor, n_labelled: int) -> None:
        super().__init__()
        self.n_labelled = n_labelled
        self.register_buffer("shares", shares.double())
        for name in ("epoch", "seen", "admitted"):
            self.register_buffer(name, torch.zeros((), dtype=torch.int64, device=shares.device))
        # Long enough for a quantile, short enough to follow a network that changes quickly.
        size = max(64, n_labelled // 20)
        self.register_buffer("window", torch.full_like(self.shares[:1], math.inf).repeat(size))

    def forward(self, difficulty: Tensor) -> Tensor:
        """The threshold of one step.

        Parameters
        ----------
        difficulty
            (N,), infinite where unlabelled.

        Returns
        -------
        lambda, a float64 scalar: the batch's utterances up to it are admitted
        """
        batch = difficulty.to(self.window.dtype)
        size = len(self.window)
        pool = torch.cat((self.window, batch))[-max(size, len(batch)) :]
        self.window.copy_(pool[-size:])

        n_pool, n_batch = pool.isfinite().sum(), batch.isfinite().sum()  # m, labelled of the batch
        share = self.shares.take(self.epoch.clamp(max=len(self.shares) - 1))  # p
        to_come = torch.maximum(self.n_labelled - self.seen, n_batch)
        horizon = torch.minimum(n_pool, to_come).clamp(min=1)  # h
        owed = share * self.seen - self.admitted
        k = torch.minimum((n_pool * (share + owed / horizon)).round().long(), n_pool)
        kth = pool.sort().values.take((k - 1).clamp(min=0)).to(difficulty.dtype)
        below = torch.nextafter(kth, torch.full_like(kth, -math.inf))
        threshold = torch.where(k > 0, kth, below).double()

        self.seen += n_batch
        self.admitted += (batch <= threshold).sum()
        return threshold

    def step(self) -> None:
        """End an epoch."""
        self.epoch += 1
        self.seen.zero_()
        self.admitted.zero_()
