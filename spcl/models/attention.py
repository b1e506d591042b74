"""Self-attention within each dialogue of a packed batch, and positional encodings."""

import torch
from torch import Tensor
from torch.nn import functional as F

from spcl.models.batch import Batch
from spcl.models.blocks import by_dialogue, mix, pairs, softmax
from spcl.models.dropout import dropout


def attend(batch: Batch, qkv: Tensor, *, heads: int, p: float = 0.0) -> Tensor:
    """softmax(q k^T / sqrt(D / heads)) v over the utterances of the same dialogue.

    Parameters
    ----------
    batch
        N utterances.
    qkv
        (N, 3 D): queries, keys and values, concatenated; each is split into heads.
    heads
        A divisor of D.
    p
        Dropout probability of the attention weights.

    Returns
    -------
    Tensor
        (N, D).
    """
    if by_dialogue(qkv):
        # On a CPU, torch's fused kernel does not support dropout.
        q, k, v = qkv.unflatten(-1, (3, heads, -1)).permute(1, 2, 0, 3)  # (H, N, d)
        weights = softmax(batch, pairs(batch, q * q.shape[-1] ** -0.5, k), heads)
        return mix(batch, dropout(weights, p), v).transpose(0, 1).flatten(1)
    q, k, v = batch.pad(qkv).unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)  # (B, H, L, d)
    mask = batch.mask[:, None, None, :]
    context = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=p)
    return batch.pack(context.transpose(1, 2).flatten(2))


def sinusoids(length: int, width: int, device: torch.device) -> Tensor:
    """Positional encodings: sines in even columns, cosines in odd ones, (length, width).

    The frequency of column 2k is 10000^(-2k / width) radians per position (Vaswani et al. 2017,
    section 3.5).
    """
    column = torch.arange(0, width, 2, device=device, dtype=torch.float32)
    angle = torch.arange(length, device=device)[:, None] * 10_000 ** (-column / width)
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1)[:, :width]
