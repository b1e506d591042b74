"""The graph of a dialogue's utterances in all modalities, and the network over it.

MMGCN (Hu et al. 2021, ACL, arXiv 2107.06779). A dialogue of n utterances has
M n nodes. Inside a modality every two utterances are joined, across modalities the copies of the
same utterance; with A the weights and D their row sums::

    A_xy = 1 - arccos(0.99999 cos(x, y)) / pi
    P    = D^(-1/2) A D^(-1/2)

The layers are GCNII's (Chen et al. 2020, ICML, arXiv 2007.02133), in the variant that keeps the
aggregated and the initial representation apart; layer l of lambda = 0.5, alpha = 0.1::

    H^(l+1) = relu(theta_l [P H^l, H^0] W^l + (1 - theta_l) ((1 - alpha) P H^l + alpha H^0))
    theta_l = log(lambda / l + 1)
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from spcl.models.batch import Batch
from spcl.models.blocks import mix, pairs
from spcl.models.dropout import dropout

_LAMBDA, _ALPHA = 0.5, 0.1


@dataclass
class ModalityGraph:
    """P of every dialogue: full inside a modality, a diagonal between two of them.

    Attributes
    ----------
    batch
        N utterances in M modalities.
    within
        A inside each modality, as blocks (`spcl.models.blocks`) of M kinds.
    across
        A between the modalities of an utterance, (N, M, M); 0 from a modality to itself.
    scale
        D^(-1/2), (M, N, 1).
    """

    batch: Batch
    within: Tensor
    across: Tensor
    scale: Tensor

    @classmethod
    def of(cls, batch: Batch, h: Tensor) -> "ModalityGraph":
        """Join the nodes h (M, N, H).

        A vector of zeros is at a right angle to every other, and gets no gradient from its angles.
        """
        # The cosine of a vector with itself passes 1 in half precision, and arccos has no value
        # there. So it is taken in float32 and clamped, which covers TF32 too.
        with torch.autocast(h.device.type, enabled=False):
            h = h.float()
            norm = torch.linalg.vector_norm(h, dim=-1, keepdim=True)
            unit = h / norm.masked_fill(norm == 0, 1)
            within = _similarity(pairs(batch, unit, unit))
            others = 1 - torch.eye(len(h), device=h.device)
            across = _similarity(torch.einsum("mkh,nkh->kmn", unit, unit)) * others
            inside = mix(batch, within, torch.ones_like(norm))
            degree = inside + across.sum(-1).T.unsqueeze(-1)
            return cls(batch, within, across, degree.rsqrt())

    def aggregate(self, h: Tensor) -> Tensor:
        """P h, (M, N, H) -> (M, N, H)."""
        h = self.scale * h
        near = mix(self.batch, self.within, h)
        return self.scale * (near + torch.einsum("kmn,nkh->mkh", self.across, h))


def _similarity(cosine: Tensor) -> Tensor:
    return 1 - torch.arccos((0.99999 * cosine).clamp(-0.99999, 0.99999)) / math.pi


class GraphNetwork(nn.Module):
    """GCNII over the graph of all modalities; the same weights serve every modality.

    Parameters
    ----------
    hidden
        H.
    layers
        Their number.
    dropout
        Of the input and after every layer.
    """

    def __init__(self, hidden: int, *, layers: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.inward = nn.Linear(hidden, hidden)
        bound = hidden**-0.5
        self.weights = nn.ParameterList(
            nn.init.uniform_(torch.empty(2 * hidden, hidden), -bound, bound) for _ in range(layers)
        )

    def forward(self, batch: Batch, h: Tensor) -> Tensor:
        """[input, output] of every node: (M, N, H) -> (M, N, 2 H)."""
        graph = ModalityGraph.of(batch, h)
        x = self._drop(h)
        initial = torch.relu(self.inward(x))
        h = self._drop(initial)
        for index, weight in enumerate(self.weights, start=1):
            theta = math.log(_LAMBDA / index + 1)
            near = graph.aggregate(h)
            mean = (1 - _ALPHA) * near + _ALPHA * initial
            change = torch.cat([near, initial], -1) @ weight
            h = self._drop(torch.relu(theta * change + (1 - theta) * mean))
        return torch.cat([x, h], -1)

    def _drop(self, x: Tensor) -> Tensor:
        return dropout(x, self.dropout, self.training)


REFERENCE_NAMES = {
    r"^graph_net\.fcs\.0\.": "graph.inward.",
    r"^graph_net\.convs\.(\d+)\.weight": r"graph.weights.\1",
    r"^speaker_embeddings\.": None,
}
"""What the reference calls our weights; see `spcl.models.reference`."""
