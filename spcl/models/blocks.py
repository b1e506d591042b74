"""Matrices of all pairs of utterances of a dialogue: one square block per dialogue.

If the blocks of a batch of 32 dialogues are padded to the longest dialogue, they have three times
(size of IEMOCAP) to five times (size of MELD) as many elements as there are pairs. A call is cheap
on a CPU, which therefore processes one dialogue after another and concatenates the flattened
blocks, without padding. A GPU processes all dialogues at once, with padding. Elementwise operations
work on both layouts.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from spcl.models.batch import Batch

_float32: dict[str, Any] = {"device_type": "cpu", "cast_inputs": torch.float32}
"""Use float32 under autocast too, so that forward and backward have the same type."""


def by_dialogue(x: Tensor) -> bool:
    """Whether the blocks of `x` are computed one dialogue after another, and concatenated."""
    return x.device.type == "cpu"


def pairs(batch: Batch, x: Tensor, y: Tensor) -> Tensor:
    """Compute x_i . y_j for all i, j of a dialogue.

    Parameters
    ----------
    batch
        N utterances.
    x, y
        (H, N, D): H kinds of vectors.

    Returns
    -------
    Tensor
        The blocks of all kinds and dialogues; the layout depends on the device.
    """
    if by_dialogue(x):
        return _Pairs.apply(x, y, batch.lengths.tolist())
    return _pad(batch, x) @ _pad(batch, y).mT


def mix(batch: Batch, w: Tensor, y: Tensor) -> Tensor:
    """Compute the sum of w_ij y_j over all j of the dialogue of i.

    Parameters
    ----------
    batch
        N utterances.
    w
        Blocks of H kinds, in the layout of `pairs`.
    y
        (H, N, D).

    Returns
    -------
    Tensor
        (H, N, D).
    """
    if by_dialogue(y):
        return _Mix.apply(w, y, batch.lengths.tolist())
    # Padded vectors are zero, so their weights do not matter.
    return batch.pack((w @ _pad(batch, y)).permute(1, 2, 0, 3)).transpose(0, 1)


def softmax(batch: Batch, w: Tensor, kinds: int) -> Tensor:
    """Softmax over the j of the dialogue of i; for the layout `by_dialogue` only."""
    return _Softmax.apply(w, kinds, batch.lengths.tolist())


def _pad(batch: Batch, x: Tensor) -> Tensor:
    """(H, N, D) -> (H, B, L, D)."""
    return batch.pad(x.transpose(0, 1)).permute(2, 0, 1, 3)


def _blocks(w: Tensor, kinds: int, lengths: Sequence[int]) -> Iterator[Tensor]:
    """The block (kinds, n, n) of each dialogue, as views of concatenated blocks."""
    for n, block in zip(lengths, w.split([kinds * n * n for n in lengths]), strict=True):
        yield block.view(kinds, n, n)


def _pairs(x: Tensor, y: Tensor, lengths: Sequence[int]) -> Tensor:
    w = x.new_empty(len(x) * sum(n * n for n in lengths))
    for x_i, y_i, block in zip(
        x.split(lengths, 1), y.split(lengths, 1), _blocks(w, len(x), lengths), strict=True
    ):
        torch.bmm(x_i, y_i.mT, out=block)
    return w


def _mix(w: Tensor, y: Tensor, lengths: Sequence[int], *, transposed: bool = False) -> Tensor:
    both = zip(_blocks(w, len(y), lengths), y.split(lengths, 1), strict=True)
    return torch.cat([(block.mT if transposed else block) @ y_i for block, y_i in both], 1)


class _Pairs(torch.autograd.Function):
    @staticmethod
    @torch.amp.custom_fwd(**_float32)
    def forward(ctx: Any, x: Tensor, y: Tensor, lengths: list[int]) -> Tensor:
        ctx.save_for_backward(x, y)
        ctx.lengths = lengths
        return _pairs(x, y, lengths)

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y = ctx.saved_tensors
        return (
            _mix(grad, y, ctx.lengths),
            _mix(grad, x, ctx.lengths, transposed=True),
            None,
        )


class _Mix(torch.autograd.Function):
    @staticmethod
    @torch.amp.custom_fwd(**_float32)
    def forward(ctx: Any, w: Tensor, y: Tensor, lengths: list[int]) -> Tensor:
        ctx.save_for_backward(w, y)
        ctx.lengths = lengths
        return _mix(w, y, lengths)

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx: Any, grad: Tensor) -> Any:
        w, y = ctx.saved_tensors
        return (
            _pairs(grad, y, ctx.lengths) if ctx.needs_input_grad[0] else None,
            _mix(w, grad, ctx.lengths, transposed=True) if ctx.needs_input_grad[1] else None,
            None,
        )


class _Softmax(torch.autograd.Function):
    @staticmethod
    @torch.amp.custom_fwd(**_float32)
    def forward(ctx: Any, w: Tensor, kinds: int, lengths: list[int]) -> Tensor:
        p = torch.empty_like(w)
        for block, of_p in zip(_blocks(w, kinds, lengths), _blocks(p, kinds, lengths), strict=True):
            torch.softmax(block, -1, out=of_p)
        ctx.save_for_backward(p)
        ctx.kinds, ctx.lengths = kinds, lengths
        return p

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx: Any, grad: Tensor) -> Any:
        (p,) = ctx.saved_tensors
        # p (grad - sum_j p grad)
        weighted = p * grad
        for block, of_p in zip(
            _blocks(weighted, ctx.kinds, ctx.lengths),
            _blocks(p, ctx.kinds, ctx.lengths),
            strict=True,
        ):
            torch.addcmul(block, of_p, block.sum(-1, keepdim=True), value=-1, out=block)
        return weighted, None, None
