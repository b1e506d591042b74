"""BiDDIN: bidirectional dynamic dual influence network.

Zhang et al. 2020, ACM Multimedia, "Modeling both Intra- and Inter-modal Influence for Real-Time
Emotion Detection in Conversations", in the variant of the SPCL authors: a separate network for each
modality, without influence between them. With e and e' the emotions of DialogueRNN's recurrence
(`spcl.models.recurrence`), forwards and backwards, and P the positional encoding::

    h   = [dropout(e), dropout(e')] + P
    h' <- LayerNorm(h + W_o attention(W_q h, W_k h, W_v h))
    z   = V dropout(relu(W h' + b)) + c
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spcl.models.attention import attend, sinusoids
from spcl.models.batch import Batch
from spcl.models.biddin_reference import convert
from spcl.models.dropout import dropout
from spcl.models.parameters import Part, owned
from spcl.models.recurrence import Recurrence, Steps
from spcl.models.rows import Rows, take
from spcl.models.stacked_recurrence import run_stacked

_HEADS = 4


class BiDDIN(nn.Module):
    """A separate network for each modality; their recurrences are computed as one.

    Parameters
    ----------
    widths, n_classes, n_speakers
        See `spcl.models.build`. Each speaker of a dialogue has a state.
    global_hidden, party_hidden, emotion_hidden
        Widths of the states of the recurrence; emotion_hidden is even.
    classifier_hidden
        Half the width of the hidden layer of the classifiers.
    dropout
        Dropout probability of the states and the output of the recurrence, and in the classifiers.
    position_dropout
        Dropout probability after adding a positional encoding.

    Raises
    ------
    ValueError
        emotion_hidden is odd.
    """

    def __init__(
        self,
        *,
        widths: Mapping[str, int],
        n_classes: int,
        n_speakers: int,
        global_hidden: int = 150,
        party_hidden: int = 150,
        emotion_hidden: int = 100,
        classifier_hidden: int = 100,
        dropout: float = 0.5,
        position_dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if emotion_hidden % 2:
            raise ValueError(f"emotion_hidden: {emotion_hidden} is odd; write an even number")
        self.n_speakers = n_speakers
        self.dropout = dropout
        self.position_dropout = position_dropout
        # One map for both directions, forwards first.
        self.to_global = nn.ModuleDict(
            {m: _gate_inputs(width, global_hidden) for m, width in widths.items()}
        )
        self.to_party = nn.ModuleDict(
            {m: _gate_inputs(width, party_hidden) for m, width in widths.items()}
        )
        self.recurrence = Recurrence(
            2 * len(widths),
            global_hidden=global_hidden,
            party_hidden=party_hidden,
            emotion_hidden=emotion_hidden,
            dropout=dropout,
            position_dropout=position_dropout,
        )
        self.heads = nn.ModuleDict(
            {
                m: _Head(2 * emotion_hidden, 2 * classifier_hidden, n_classes, dropout)
                for m in widths
            }
        )

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The logits of each modality, {"a": (N, C), ...}."""
        steps, there, back = self.unroll(batch)
        # In half precision, rounding errors would accumulate over hundreds of steps.
        with torch.autocast(steps.speaker.device.type, enabled=False):
            e = self.recurrence(steps)
        return self.classify(batch, take(e.flatten(0, 2), back, there))

    def unroll(self, batch: Batch) -> tuple[Steps, Rows, Rows]:
        """Compute the input of the recurrence.

        Returns
        -------
        steps
            For the 2 M cells of both directions.
        there, back
            The rows of (N, M, 2) for each step (T, M, 2, B), and the inverse mapping.
        """
        modalities = list(self.heads)
        there, back, active = _timelines(batch, len(modalities))

        def unroll(maps: nn.ModuleDict) -> Tensor:
            gates = torch.stack([maps[m](batch.features[m]) for m in modalities], 1)
            return take(gates.unflatten(-1, (2, -1)).flatten(0, 2), there, back).flatten(1, 2)

        speaker = batch.speakers[there.index // (2 * len(modalities))].flatten(1, 2)  # (L, K, B)
        to_global, to_party = unroll(self.to_global), unroll(self.to_party)
        masks = self.recurrence.draw(batch.max_length, len(batch))
        steps = Steps(to_global.float(), to_party.float(), speaker, self.n_speakers, active, masks)
        return steps, there, back

    @staticmethod
    def together(models: Sequence["BiDDIN"], steps: Sequence[Steps]) -> list[Tensor]:
        """The emotions of several models in training mode, from one stacked recurrence."""
        return run_stacked([model.recurrence for model in models], steps)

    def classify(self, batch: Batch, e: Tensor) -> dict[str, Tensor]:
        """The logits from the emotions of both directions (N, M, 2, E)."""
        h = dropout(e, self.dropout, self.training).flatten(2)  # (N, M, 2 E)
        positions = sinusoids(batch.max_length, h.shape[-1], h.device).to(h.dtype)
        h = h + Rows(batch.position).of(positions)[:, None]
        h = dropout(h, self.position_dropout, self.training)
        return {m: head(batch, h[:, index]) for index, (m, head) in enumerate(self.heads.items())}

    def modality_parameters(self) -> dict[str, list[Part]]:
        """What serves one modality alone, see `spcl.models.parameters`."""
        parts = owned(self.to_global, self.to_party, self.heads)
        for index, own in enumerate(parts.values()):
            cells = slice(2 * index, 2 * index + 2)  # both directions
            own += [(weight, cells) for weight in self.recurrence.parameters()]
        return parts

    @classmethod
    def from_reference(
        cls, weights: Mapping[str, Tensor], *, n_speakers: int, **settings: Any
    ) -> Self:
        """See `spcl.models.load_reference`."""
        sizes, ours = convert(weights)
        model = cls(n_speakers=n_speakers, **sizes, **settings)
        model.load_state_dict(ours)
        return model


def _gate_inputs(width: int, hidden: int) -> nn.Linear:
    """Maps features to the three gates of a GRU, in both directions; initialised as torch's GRU."""
    linear = nn.Linear(width, 6 * hidden)
    for parameter in linear.parameters():
        nn.init.uniform_(parameter, -(hidden**-0.5), hidden**-0.5)
    return linear


def _timelines(batch: Batch, modalities: int) -> tuple[Rows, Rows, list[int]]:
    """The utterance of each step of each recurrence, the inverse mapping, and the active dialogues.

    Returns
    -------
    steps
        (L, M, 2, B): rows of the flattened (N, M, 2). The longest dialogue comes first; backwards,
        a dialogue starts with its last utterance.
    rows
        (N, M, 2): rows of the flattened `steps`.
    active
        For each step, the number of dialogues to compute. A GPU computes all of them at every step,
        because waiting for the lengths would take longer.
    """
    device = batch.lengths.device
    cell = torch.arange(2 * modalities, device=device).view(modalities, 2)
    order = batch.lengths.argsort(descending=True, stable=True)
    rank = order.argsort()
    time = torch.arange(batch.max_length, device=device)[:, None]

    length, first = batch.lengths[order], batch.first[order]
    when = torch.stack([time.expand(-1, len(batch)), length - 1 - time], 1)  # (L, 2, B)
    keep = (time < length)[:, None, None].expand(-1, modalities, 2, -1)
    index = (first + when)[:, None] * cell.numel() + cell[..., None]
    steps = Rows(index.where(keep, 0), keep)

    length = batch.lengths[batch.dialogue]
    when = torch.stack([batch.position, length - 1 - batch.position], -1)[:, None]  # (N, 1, 2)
    rows = (when * cell.numel() + cell) * len(batch) + rank[batch.dialogue][:, None, None]

    if device.type == "cpu":
        active = (batch.lengths > time).sum(1).tolist()
    else:
        active = [len(batch)] * batch.max_length
    return steps, Rows(rows), active


class _Head(nn.Module):
    """Attention within the dialogue and a classifier, for one modality."""

    def __init__(self, width: int, hidden: int, n_classes: int, dropout: float) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.mix = nn.Linear(width, width, bias=False)
        self.linear = nn.Linear(width, hidden)
        self.dropout = dropout
        self.classify = nn.Linear(hidden, n_classes)

    def forward(self, batch: Batch, h: Tensor) -> Tensor:
        h = h + self.mix(attend(batch, self.qkv(h), heads=_HEADS))
        h = F.layer_norm(h, h.shape[-1:])
        hidden = dropout(torch.relu(self.linear(h)), self.dropout, self.training)
        logits: Tensor = self.classify(hidden)
        return logits


MODEL = BiDDIN
