"""Conversion of rows between layouts, with a gather as gradient.

The gradient of an ordinary gather is a scatter, which is slow, and not deterministic on a GPU. For
all layouts here (packed, padded, reversed, windows) the inverse mapping is known, so both
directions use a gather.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass
class Rows:
    """The rows to take.

    Attributes
    ----------
    index
        Row numbers, of any shape; valid everywhere.
    keep
        The same shape; False gives a row of zeros. None keeps all rows.
    """

    index: Tensor
    keep: Tensor | None = None

    def of(self, x: Tensor) -> Tensor:
        """The rows of x (n, ...), as (*index.shape, ...)."""
        taken = x.index_select(0, self.index.reshape(-1)).unflatten(0, self.index.shape)
        if self.keep is None:
            return taken
        if x.device.type == "cpu":
            # On a CPU, finding the dropped rows is faster than a mask.
            dropped = (~self.keep).flatten().nonzero().squeeze(1)
            taken.flatten(0, self.index.ndim - 1).index_fill_(0, dropped, 0)
            return taken
        keep = self.keep.reshape(self.keep.shape + (1,) * (x.ndim - 1))
        return taken.masked_fill(~keep, 0)


def take(x: Tensor, there: Rows, back: Rows) -> Tensor:
    """Compute ``there.of(x)``. Its gradient uses the inverse mapping `back`.

    Parameters
    ----------
    x
        (n, ...).
    there
        Of shape s; the result is (*s, ...).
    back
        n k entries, if a row of x is taken up to k times: for each row of x, its rows in the
        flattened result.
    """
    taken: Tensor = _Take.apply(x, there.index, there.keep, back.index, back.keep)
    return taken


class _Take(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, index: Tensor, keep: Tensor | None, *back: Tensor | None
    ) -> Tensor:
        ctx.save_for_backward(*back)
        ctx.n, ctx.ndim = len(x), index.ndim
        return Rows(index, keep).of(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        index, keep = ctx.saved_tensors
        rows = Rows(index, keep).of(grad.flatten(0, ctx.ndim - 1))
        rows = rows.reshape(ctx.n, -1, *grad.shape[ctx.ndim :])
        return rows.squeeze(1) if rows.shape[1] == 1 else rows.sum(1), None, None, None, None
