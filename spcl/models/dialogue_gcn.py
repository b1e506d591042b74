"""DialogueGCN: a graph convolutional network on the utterances of a dialogue.

Ghosal et al. 2019, EMNLP (arXiv 1908.11540), in the variant of the SPCL authors: a separate
network for each modality, with a transformer as the sequential encoder. For utterances i, j of one
dialogue, with edges j -> i where i is in the window of j::

    g       = encoder(x)
    a_ji    = softmax over the i in the window of j of (W_e g_i) . g_j
    h_i     = sum_r mean over the j of relation r of (W_r g_j) + W_0 g_i + b
    W_r     = sum_b c_rb V_b
    f_i     = U_1 sum_j a_ji h_j + U_0 h_i + b'
    z_i     = V dropout(relu(W [g_i, f_i] + b'')) + c

The relation r is the ordered pair of speakers, and whether j comes before i (Schlichtkrull et al.
2018, arXiv 1703.06103, for W_r of 30 bases; Morris et al. 2019, arXiv 1810.02244, for f).
"""

from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spcl.models.batch import Batch
from spcl.models.dropout import dropout
from spcl.models.encoder import REFERENCE_NAMES, Encoder
from spcl.models.parameters import Part, owned
from spcl.models.reference import parts, rename
from spcl.models.window import WindowGraph

_BASES = 30


class DialogueGCN(nn.Module):
    """A separate network for each modality.

    Parameters
    ----------
    widths, n_classes, n_speakers
        See `spcl.models.build`. There are 2 n_speakers^2 relations.
    hidden
        Width of the encoder output g.
    graph_hidden
        Width of h, f and the hidden layer of the classifiers.
    dropout
        Dropout probability in the encoders and the classifiers.
    window_past, window_future
        The numbers of utterances before and after an utterance to which it has edges.
    layers, heads
        The numbers of layers and heads of each encoder; `heads` divides every width.

    Raises
    ------
    ValueError
        A window is negative, or `heads` does not divide a width.
    """

    def __init__(
        self,
        *,
        widths: Mapping[str, int],
        n_classes: int,
        n_speakers: int,
        hidden: int = 200,
        graph_hidden: int = 100,
        dropout: float = 0.1,
        window_past: int = 5,
        window_future: int = 5,
        layers: int = 2,
        heads: int = 1,
    ) -> None:
        super().__init__()
        for name, value in (("window_past", window_past), ("window_future", window_future)):
            if value < 0:
                raise ValueError(f"{name}: {value} is negative; write a number of utterances")
        self.n_speakers = n_speakers
        self.window_past = window_past
        self.window_future = window_future
        self.networks = nn.ModuleDict(
            {
                m: _Network(
                    Encoder(width, hidden, layers=layers, dropout=dropout, heads=heads),
                    hidden,
                    graph_hidden,
                    n_relations=2 * n_speakers**2,
                    n_classes=n_classes,
                    dropout=dropout,
                )
                for m, width in widths.items()
            }
        )

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The logits of each modality, {"a": (N, C), ...}."""
        graph = WindowGraph.of(
            batch, past=self.window_past, future=self.window_future, n_speakers=self.n_speakers
        )
        return {m: network(batch, graph, batch.features[m]) for m, network in self.networks.items()}

    def modality_parameters(self) -> dict[str, list[Part]]:
        """What serves one modality alone, see `spcl.models.parameters`."""
        return owned(self.networks)

    @classmethod
    def from_reference(
        cls, weights: Mapping[str, Tensor], *, n_speakers: int, **settings: Any
    ) -> Self:
        """See `spcl.models.load_reference`."""
        names = {
            r"^uni_fc\.(\w+)\.": r"networks.\1.",
            r"\.rnn\.": ".encoder.",
            r"\.edge_att\.weight$": ".attention",
            r"\.gcn\.conv1\.weight$": ".relational.bases",
            r"\.gcn\.conv1\.": ".relational.",
            r"\.gcn\.conv2\.lin_rel\.": ".near.",
            r"\.gcn\.conv2\.lin_root\.": ".self_.",
            r"\.clf\.lin1\.": ".mix.",
            r"\.clf\.lin2\.": ".classify.",
        }
        ours = rename(weights, names | REFERENCE_NAMES)
        modalities = parts(ours, "networks.")
        one = f"networks.{modalities[0]}."
        # There are two relations for every ordered pair of speakers.
        n_relations = len(ours[f"{one}relational.comp"])
        model = cls(
            widths={m: ours[f"networks.{m}.encoder.out.weight"].shape[1] for m in modalities},
            n_classes=len(ours[f"{one}classify.bias"]),
            n_speakers=round((n_relations / 2) ** 0.5),
            hidden=len(ours[f"{one}attention"]),
            graph_hidden=len(ours[f"{one}near.bias"]),
            layers=len(parts(ours, f"{one}encoder.layers.")),
            **settings,
        )
        model.load_state_dict(ours)
        return model


class _Network(nn.Module):
    """The network of one modality."""

    def __init__(
        self,
        encoder: Encoder,
        hidden: int,
        graph_hidden: int,
        *,
        n_relations: int,
        n_classes: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.attention = nn.Parameter(torch.empty(hidden, hidden))
        nn.init.normal_(self.attention, std=1 / hidden)
        self.relational = _RelationalConvolution(hidden, graph_hidden, n_relations)
        self.near = nn.Linear(graph_hidden, graph_hidden)
        self.self_ = nn.Linear(graph_hidden, graph_hidden, bias=False)
        self.mix = nn.Linear(hidden + graph_hidden, graph_hidden)
        self.dropout = dropout
        self.classify = nn.Linear(graph_hidden, n_classes)

    def forward(self, batch: Batch, graph: WindowGraph, x: Tensor) -> Tensor:
        g = self.encoder(batch, x)
        sources = graph.sources(g)  # (N, W, hidden)
        attention = graph.softmax_out(_dot(sources, F.linear(g, self.attention)))
        h = self.relational(graph, g, sources)
        f = self.near(_dot(graph.sources(h).mT, attention)) + self.self_(h)
        mixed = torch.relu(self.mix(torch.cat([g, f], -1)))
        logits: Tensor = self.classify(dropout(mixed, self.dropout, self.training))
        return logits


def _dot(tables: Tensor, vectors: Tensor) -> Tensor:
    """(N, W, D), (N, D) -> (N, W)."""
    return (tables @ vectors.unsqueeze(-1)).squeeze(-1)


class _RelationalConvolution(nn.Module):
    """h of the equations above."""

    def __init__(self, width: int, hidden: int, n_relations: int) -> None:
        super().__init__()
        self.bases = nn.Parameter(torch.empty(_BASES, width, hidden))
        self.comp = nn.Parameter(torch.empty(n_relations, _BASES))
        self.root = nn.Parameter(torch.empty(width, hidden))
        self.bias = nn.Parameter(torch.zeros(hidden))
        for weight in (self.bases, self.comp, self.root):
            bound = (6 / (weight.shape[-2] + weight.shape[-1])) ** 0.5
            nn.init.uniform_(weight, -bound, bound)

    def forward(self, graph: WindowGraph, g: Tensor, sources: Tensor) -> Tensor:
        # The neighbours are summed before the transformation, for each basis, or for each relation
        # if there are fewer relations. Transforming every edge would cost more.
        coefficients: Tensor = self.comp
        weights: Tensor = self.bases
        if len(coefficients) <= _BASES:
            weights = torch.tensordot(coefficients, weights, 1)
            coefficients = torch.eye(len(coefficients), device=g.device)
        mix = F.embedding(graph.relation, coefficients) * graph.share.unsqueeze(-1)  # (N, W, K)
        summed = mix.mT @ sources  # (N, K, width)
        return summed.flatten(1) @ weights.flatten(0, 1) + torch.addmm(self.bias, g, self.root)


MODEL = DialogueGCN
