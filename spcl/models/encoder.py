"""The transformer encoder that most baselines put before anything else.

Attention Is All You Need (Vaswani et al. 2017, arXiv 1706.03762), post-norm and without positions,
as the reference has it::

    x <- LayerNorm(x + dropout(W_o attention(x)))
    x <- LayerNorm(x + dropout(W_2 dropout(relu(W_1 x))))

All but the attention works on packed utterances: dialogues differ so much in length that padding
would be half of the work or more.
"""

import torch
from torch import Tensor, nn

from spcl.models.attention import attend
from spcl.models.batch import Batch
from spcl.models.dropout import dropout

_FEED_FORWARD = 2048


class Encoder(nn.Module):
    """`layers` encoder layers as wide as the features, then a linear map to `hidden`.

    Parameters
    ----------
    width
        Features of an utterance.
    hidden
        Width of the output.
    layers
        Their number.
    dropout
        Everywhere in a layer, the attention weights included.
    heads
        A divisor of `width`; by default its smallest divisor in 5..14, else 1.

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
"""What the reference calls our weights; see `spcl.models.reference`."""
