"""MMGCN: multimodal fusion via deep graph convolution.

Hu et al. 2021, ACL (arXiv 2107.06779), in the variant of the SPCL authors: one encoder per
modality, one graph network on all modalities, one linear classifier per modality::

    h^m          = encoder^m(x^m)
    [h^m, g^m]   = graph network over the nodes of all m
    z^m          = W^m [h^m, g^m] + b^m
"""

from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn

from spcl.models.batch import Batch
from spcl.models.encoder import REFERENCE_NAMES as ENCODER_NAMES
from spcl.models.encoder import Encoder
from spcl.models.graph import REFERENCE_NAMES as GRAPH_NAMES
from spcl.models.graph import GraphNetwork
from spcl.models.parameters import Part, owned
from spcl.models.reference import encoder_sizes, parts, rename


class MMGCN(nn.Module):
    """Encoders, one graph network on all modalities, classifiers.

    Parameters
    ----------
    widths, n_classes, n_speakers
        See `spcl.models.build`. The speakers are not used.
    hidden
        Width of the nodes.
    dropout
        Dropout probability in the encoders and the graph network.
    encoder_layers, graph_layers
        The numbers of layers.
    """

    def __init__(
        self,
        *,
        widths: Mapping[str, int],
        n_classes: int,
        n_speakers: int,
        hidden: int = 256,
        dropout: float = 0.4,
        encoder_layers: int = 2,
        graph_layers: int = 2,
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(
            {
                m: Encoder(width, hidden, layers=encoder_layers, dropout=dropout)
                for m, width in widths.items()
            }
        )
        self.graph = GraphNetwork(hidden, layers=graph_layers, dropout=dropout)
        self.classifiers = nn.ModuleDict({m: nn.Linear(2 * hidden, n_classes) for m in widths})

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The logits of each modality, {"a": (N, C), ...}."""
        encoded = [encoder(batch, batch.features[m]) for m, encoder in self.encoders.items()]
        nodes = self.graph(batch, torch.stack(encoded))
        return {
            m: classify(h) for (m, classify), h in zip(self.classifiers.items(), nodes, strict=True)
        }

    def modality_parameters(self) -> dict[str, list[Part]]:
        """What serves one modality alone, see `spcl.models.parameters`."""
        return owned(self.encoders, self.classifiers)

    @classmethod
    def from_reference(
        cls, weights: Mapping[str, Tensor], *, n_speakers: int, **settings: Any
    ) -> Self:
        """See `spcl.models.load_reference`."""
        names = {r"^modality_encoder\.": "encoders.", r"^uni_fc\.": "classifiers."}
        ours = rename(weights, names | ENCODER_NAMES | GRAPH_NAMES)
        modalities = parts(ours, "encoders.")
        model = cls(
            n_speakers=n_speakers,
            encoder_layers=len(parts(ours, f"encoders.{modalities[0]}.layers.")),
            graph_layers=len(parts(ours, "graph.weights.")),
            **encoder_sizes(ours),
            **settings,
        )
        model.load_state_dict(ours)
        return model


MODEL = MMGCN
