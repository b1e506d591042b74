"""The transformer encoder of the utterances of one modality.

Attention Is All You Need (Vaswani et al. 2017, arXiv 1706.03762), with post-norm and without
positions, as in the reference code::

    x <- LayerNorm(x + dropout(W_o attention(x)))
    x <- LayerNorm(x + dropout(W_2 dropout(relu(W_1 x))))

Everything except the attention operates on packed utterances. The lengths of dialogues differ so
much that padding would be half of the work or more.
"""

import torch
from torch import Tensor, nn

from spcl.models.attention import attend
from spcl.models.batch import Batch
from spcl.models.dropout import dropout

_FEED_FORWARD = 2048


class Encoder(nn.Module):
    """Encoder layers with the width of the features, then a linear map to `hidden`.

    Parameters
    ----------
    width
        The number of features of an utterance.
    hidden
        Width of the output.
    layers
        The number of encoder layers.
    dropout
        Dropout probability everywhere in a layer, including the attention weights.
    heads
        The number of heads, a divisor of `width`. The default is the smallest divisor in 5..14,
        or 1 if there is none.

    Raises
    ------
    ValueError
        `heads` does not divide `width`.
    """

    def __init__(
        self, width: int, hidden: int, *, layers: int, dropout: float, heads: int | None = None
    ) -> None:
        super().__init__()
        heads = heads or next((h for h in range(5, 15) if width % h == 0), 1)
        if width % heads:
            raise ValueError(f"heads: {heads} does not divide the {width} features of a modality")
        self.layers = nn.ModuleList(EncoderLayer(width, heads, dropout) for _ in range(layers))
        self.out = nn.Linear(width, hidden)

    def forward(self, batch: Batch, x: Tensor) -> Tensor:
        """(N, width) -> (N, hidden)."""
        for layer in self.layers:
            x = layer(batch, x)
        out: Tensor = self.out(x)
        return out


class EncoderLayer(nn.Module):
    """One layer of the encoder."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.qkv = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.norm1 = nn.LayerNorm(width)
        self.up = nn.Linear(width, _FEED_FORWARD)
        self.down = nn.Linear(_FEED_FORWARD, width)
        self.norm2 = nn.LayerNorm(width)
        nn.init.xavier_uniform_(self.qkv.weight)
        nn.init.zeros_(self.qkv.bias)
        nn.init.zeros_(self.mix.bias)

    def forward(self, batch: Batch, x: Tensor) -> Tensor:
        """(N, width) -> (N, width)."""
        p = self.dropout if self.training else 0.0
        context = self.mix(attend(batch, self.qkv(x), heads=self.heads, p=p))
        x = self.norm1(x + dropout(context, p))
        change = self.down(dropout(torch.relu(self.up(x)), p))
        out: Tensor = self.norm2(x + dropout(change, p))
        return out


REFERENCE_NAMES = {
    r"\.transformer_encoder\.": ".",
    r"\.self_attn\.in_proj_": ".qkv.",
    r"\.self_attn\.out_proj\.": ".mix.",
    r"\.linear1\.": ".up.",
    r"\.linear2\.": ".down.",
    r"\.(lin_out|transformer_out)\.": ".out.",
}
"""Replacements for the names in the reference code; see `spcl.models.reference.rename`."""
