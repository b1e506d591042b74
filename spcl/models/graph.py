"""The multimodal graph of a dialogue, and the graph network on it.

MMGCN (Hu et al. 2021, ACL, arXiv 2107.06779). A dialogue of n utterances has M n nodes. Within a
modality all pairs of utterances are connected; across modalities the nodes of the same utterance
are. With A the weights and D their row sums::

    A_xy = 1 - arccos(0.99999 cos(x, y)) / pi
    P    = D^(-1/2) A D^(-1/2)

The layers are those of GCNII (Chen et al. 2020, ICML, arXiv 2007.02133), in the variant with
separate weights for the aggregated and the initial representation. Layer l, with lambda = 0.5 and
alpha = 0.1, is::

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
    """P of every dialogue: a full block within a modality, a diagonal one between two modalities.

    Attributes
    ----------
    batch
        N utterances in M modalities.
    within
        A within each modality, as blocks (`spcl.models.blocks`) of M kinds.
    across
        A between the modalities of an utterance, (N, M, M); the diagonal is 0.
    scale
        D^(-1/2), (M, N, 1).
    """

    batch: Batch
    within: Tensor
    across: Tensor
    scale: Tensor

    @classmethod
    def of(cls, batch: Batch, h: Tensor) -> "ModalityGraph":
        """Build the graph of the nodes h (M, N, H).

        A zero vector has cosine 0 with every other vector, and gets no gradient from it.
        """
        # In half precision the cosine of a vector with itself can exceed 1, where arccos is
        # undefined. Float32 and clamping avoid this, also under TF32.
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
    """GCNII on the graph of all modalities; the modalities share the weights.

    Parameters
    ----------
    hidden
        H.
    layers
        The number of layers.
    dropout
        Dropout probability of the input and after every layer.
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
        """Concatenate input and output of every node: (M, N, H) -> (M, N, 2 H)."""
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
"""Replacements for the names in the reference code; see `spcl.models.reference.rename`."""
