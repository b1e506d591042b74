"""MM-DFN: multimodal dynamic fusion network.

Hu et al. 2022, ICASSP (arXiv 2203.02385), in the variant of the SPCL authors: the encoders and
the graph network of MMGCN, a gate for every ordered pair of modalities, one linear classifier per
modality::

    u^i  = dropout(relu(T^i [h^i, g^i] + b^i))
    r^ij = sigmoid(W^ij [u^i, u^j, u^i * u^j] + b^ij)
    z^i  = V^i sum_(j != i) (r^ij u^i + (1 - r^ij) u^j) + c^i

With one modality there is no pair, and the classifier gets u^i.
"""

from collections.abc import Mapping
from itertools import permutations
from typing import Any, Self

import torch
from torch import Tensor, nn

from spcl.models.batch import Batch
from spcl.models.dropout import dropout
from spcl.models.encoder import REFERENCE_NAMES as ENCODER_NAMES
from spcl.models.encoder import Encoder
from spcl.models.graph import REFERENCE_NAMES as GRAPH_NAMES
from spcl.models.graph import GraphNetwork
from spcl.models.parameters import Part, owned
from spcl.models.reference import encoder_sizes, parts, rename


class MMDFN(nn.Module):
    """Encoders, one graph network on all modalities, pairwise gates, classifiers.

    Parameters
    ----------
    widths, n_classes, n_speakers
        See `spcl.models.build`. The speakers are not used.
    hidden
        Width of the nodes and of the gates.
    dropout
        Dropout probability in the encoders and the graph network.
    gate_dropout
        Dropout probability of the input of the gates.
    encoder_layers, graph_layers
        The numbers of layers.
    """

    def __init__(
        self,
        *,
        widths: Mapping[str, int],
        n_classes: int,
        n_speakers: int,
        hidden: int = 300,
        dropout: float = 0.4,
        gate_dropout: float = 0.5,
        encoder_layers: int = 2,
        graph_layers: int = 2,
    ) -> None:
        super().__init__()
        self.gate_dropout = gate_dropout
        self.encoders = nn.ModuleDict(
            {
                m: Encoder(width, hidden, layers=encoder_layers, dropout=dropout)
                for m, width in widths.items()
            }
        )
        self.graph = GraphNetwork(hidden, layers=graph_layers, dropout=dropout)
        self.transforms = nn.ModuleDict({m: nn.Linear(2 * hidden, hidden) for m in widths})
        self.gates = nn.ModuleDict(
            {f"{i}_{j}": nn.Linear(3 * hidden, hidden) for i, j in permutations(widths, 2)}
        )
        self.classifiers = nn.ModuleDict({m: nn.Linear(hidden, n_classes) for m in widths})

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The logits of each modality, {"a": (N, C), ...}."""
        encoded = [encoder(batch, batch.features[m]) for m, encoder in self.encoders.items()]
        nodes = self.graph(batch, torch.stack(encoded))
        u = {
            m: dropout(torch.relu(transform(h)), self.gate_dropout, self.training)
            for (m, transform), h in zip(self.transforms.items(), nodes, strict=True)
        }
        return {i: classify(self._fuse(i, u)) for i, classify in self.classifiers.items()}

    def modality_parameters(self) -> dict[str, list[Part]]:
        """What serves one modality alone, see `spcl.models.parameters`."""
        return owned(self.encoders, self.transforms, self.classifiers)

    def _fuse(self, i: str, u: Mapping[str, Tensor]) -> Tensor:
        if len(u) == 1:
            return u[i]
        fused = torch.zeros_like(u[i])
        for j in u:
            if j != i:
                gate = torch.sigmoid(
                    self.gates[f"{i}_{j}"](torch.cat([u[i], u[j], u[i] * u[j]], -1))
                )
                fused = fused + torch.lerp(u[j], u[i], gate)
        return fused

    @classmethod
    def from_reference(
        cls, weights: Mapping[str, Tensor], *, n_speakers: int, **settings: Any
    ) -> Self:
        """See `spcl.models.load_reference`."""
        names = {r"^modality_encoder\.": "encoders.", r"^uni_fc\.": "classifiers."}
        ours = rename(weights, names | ENCODER_NAMES | GRAPH_NAMES)
        modalities = parts(ours, "encoders.")
        # The reference refers to modalities by their index.
        gate = r"^gated_attention\."
        numbered: dict[str, str | None] = {
            rf"{gate}transform_m\.{i}\.": f"transforms.{m}." for i, m in enumerate(modalities)
        }
        for (i, m), (j, n) in permutations(enumerate(modalities), 2):
            numbered[rf"{gate}tranfrorm_cross\.{i}{j}\."] = f"gates.{m}_{n}."
        ours = rename(ours, numbered)
        model = cls(
            n_speakers=n_speakers,
            encoder_layers=len(parts(ours, f"encoders.{modalities[0]}.layers.")),
            graph_layers=len(parts(ours, "graph.weights.")),
            **encoder_sizes(ours),
            **settings,
        )
        model.load_state_dict(ours)
        return model


MODEL = MMDFN
