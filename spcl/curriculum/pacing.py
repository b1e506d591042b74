"""Pacing: the share of the training set that each epoch admits, and the threshold that admits it.

A numeric threshold must be tuned, because the scale of the difficulty depends on the network and
changes during training. A share need not be tuned: "the easiest 30 %" means the same for every
network.
"""

import math

import torch
from torch import Tensor, nn


def full_epoch(epochs: int, full_at: float) -> int:
    """The first epoch, counted from 1, that admits everything.

    Parameters
    ----------
    epochs
        The number of epochs of the training.
    full_at
        The share of the epochs, 0 to 1, after which everything is admitted; at the earliest in the
        second epoch.
    """
    return max(2, math.floor(full_at * epochs))


_SMALLEST = 1e-200


def threshold_shares(
    difficulty: Tensor, epochs: int, *, start_share: float, full_at: float
) -> Tensor:
    """The share that a growing threshold on a known difficulty would admit in each epoch.

    epsilon is the quantile `start_share` of the difficulty, and alpha is such that the threshold
    reaches the largest difficulty at `full_at`::

        p_e = share of utterances with rho <= epsilon * alpha ** (e - 1)

    Parameters
    ----------
    difficulty
        (n,) of the labelled utterances, finite and non-negative; n >= 1.
    epochs, full_at
        See `full_epoch`.
    start_share
        p_1, above 0 and up to 1.

    Returns
    -------
    (epochs,) float64, non-decreasing; 1 from `full_epoch` on
    """
    full = full_epoch(epochs, full_at)
    rho = difficulty.double().sort().values
    # An epsilon of 0 would never grow. The smallest one admits the same utterances.
    epsilon = rho[max(round(start_share * len(rho)), 1) - 1].clamp(min=_SMALLEST)
    progress = torch.arange(epochs, dtype=rho.dtype, device=rho.device) / (full - 1)
    threshold = epsilon * (rho[-1] / epsilon) ** progress
    shares = (rho <= threshold[:, None]).double().mean(1).clamp(min=start_share)
    shares[0] = start_share
    shares[full - 1 :] = 1
    return shares


class Pacing(nn.Module):
    """The threshold that admits a given share of each epoch's utterances, easiest first.

    Every step computes the threshold as a quantile of the latest difficulties::

        k      = round(m (p + (p seen - admitted) / h))
        lambda = the k-th smallest of the pool; just below the smallest where k = 0

    p is the share of the epoch. The pool has m difficulties: those of this batch and, if the batch
    is small, the ones before it. seen and admitted count the labelled utterances of the epoch
    before this batch. The difference from the share is corrected over the next h utterances: m, or
    the remaining utterances of the epoch if they are fewer. If the batch fills the pool, only a
    rounding error remains. All counts stay on the device.

    Parameters
    ----------
    shares
        (E,), p of each epoch; later epochs use the last value.
    n_labelled
        The number of labelled utterances of the training set.
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
        # Large enough for a quantile, small enough to follow a network that changes quickly.
        size = max(64, n_labelled // 20)
        self.register_buffer("window", torch.full_like(self.shares[:1], math.inf).repeat(size))

    def forward(self, difficulty: Tensor) -> Tensor:
        """Compute the threshold of one step.

        Parameters
        ----------
        difficulty
            (N,), infinite where unlabelled.

        Returns
        -------
        lambda, a float64 scalar: utterances with a difficulty up to lambda are admitted
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
