"""BiDDIN: bidirectional dynamic dual influence network.

Zhang et al. 2020, ACM Multimedia, "Modeling both Intra- and Inter-modal Influence for Real-Time
Emotion Detection in Conversations", in the variant of the SPCL authors: one whole network a
modality, without influence between them. With e and e' the emotions of DialogueRNN's recurrence
(`spcl.models.recurrence`) run forwards and backwards, and P a sinusoid of the position::

    h   = [dropout(e), dropout(e')] + P
    h' <- LayerNorm(h + W_o attention(W_q h, W_k h, W_v h))
    z   = V dropout(relu(W h' + b)) + c
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spcl.models.attention import attend, sinusoids
from spcl.models.batch import Batch
from spcl.models.dropout import dropout
from spcl.models.recurrence import Recurrence, Steps, together
from spcl.models.reference import parts
from spcl.models.rows import Rows, take

_HEADS = 4


class BiDDIN(nn.Module):
    """One whole network a modality; their recurrences run as one.

    Parameters
    ----------
    widths, n_classes, n_speakers
        See `spcl.models.build`. Each speaker of a dialogue has a state.
    global_hidden, party_hidden, emotion_hidden
        Widths of the recurrence's states; emotion_hidden is even.
    classifier_hidden
        Half the width of the classifiers' hidden layer.
    dropout
        Of the recurrence's states, of its output and in the classifiers.
    position_dropout
        Of everything that a position is added to.

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
            raise ValueError(
                f"emotion_hidden: {emotion_hidden} is odd; the four heads share twice it"
            )
        self.n_speakers = n_speakers
        self.dropout = dropout
        self.position_dropout = position_dropout
        # Both directions in one map: forwards first.
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
        # Hundreds of steps would add up the rounding of half precision.
        with torch.autocast(steps.speaker.device.type, enabled=False):
            e = self.recurrence(steps)
        return self.classify(batch, take(e.flatten(0, 2), back, there))

    def unroll(self, batch: Batch) -> tuple[Steps, Rows, Rows]:
        """What the recurrence runs over.

        Returns
        -------
        steps
            Of the 2 M cells of both directions.
        there, back
            Where each step (T, M, 2, B) finds its utterance among (N, M, 2), and the way back.
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
        """The emotions of several models in training, one of each seed, as from one recurrence."""
        return together([model.recurrence for model in models], steps)

    def classify(self, batch: Batch, e: Tensor) -> dict[str, Tensor]:
        """The logits from the emotions of both directions, (N, M, 2, E)."""
        h = dropout(e, self.dropout, self.training).flatten(2)  # (N, M, 2 E)
        positions = sinusoids(batch.max_length, h.shape[-1], h.device).to(h.dtype)
        h = h + Rows(batch.position).of(positions)[:, None]
        h = dropout(h, self.position_dropout, self.training)
        return {m: head(batch, h[:, index]) for index, (m, head) in enumerate(self.heads.items())}

    @classmethod
    def from_reference(
        cls, weights: Mapping[str, Tensor], *, n_speakers: int, **settings: Any
    ) -> Self:
        """See `spcl.models.load_reference`."""
        modalities = parts(weights, "uni_bimodel.")
        cells = [
            f"uni_bimodel.{m}.dialog_rnn_{direction}.dialogue_cell."
            for m, direction in product(modalities, "fr")
        ]
        one = f"uni_bimodel.{modalities[0]}."
        g, p, e = (weights[f"{cells[0]}{gru}_cell.weight_hh"].shape[1] for gru in "gpe")
        model = cls(
            widths={
                m: weights[f"{cell}g_cell.weight_ih"].shape[1] - p
                for m, cell in zip(modalities, cells[::2], strict=True)
            },
            n_classes=len(weights[f"{one}smax_fc.bias"]),
            n_speakers=n_speakers,
            global_hidden=g,
            party_hidden=p,
            emotion_hidden=e,
            classifier_hidden=len(weights[f"{one}linear.bias"]) // 2,
            **settings,
        )
        # A GRU's input weights are those of the features, then those of a state.
        state = {"g": p, "p": g}

        def cell_by_cell(name: str) -> Tensor:
            return torch.stack([weights[cell + name] for cell in cells])

        ours = {"recurrence.attention": cell_by_cell("attention.scalar.weight").mT}
        for gru, name, source in (("g", "global", "party"), ("p", "party", "context")):
            inputs = [weights[f"{cell}{gru}_cell.weight_ih"] for cell in cells]
            ours[f"recurrence.{source}_to_{name}"] = torch.stack(
                [weight[:, -state[gru] :].T for weight in inputs]
            )
            ours[f"recurrence.{name}_to_{name}"] = cell_by_cell(f"{gru}_cell.weight_hh").mT
            ours[f"recurrence.{name}_bias"] = cell_by_cell(f"{gru}_cell.bias_hh")[:, None]
            biases = [weights[f"{cell}{gru}_cell.bias_ih"] for cell in cells]
            for index, m in enumerate(modalities):
                both = slice(2 * index, 2 * index + 2)
                ours[f"to_{name}.{m}.weight"] = torch.cat(
                    [weight[:, : -state[gru]] for weight in inputs[both]]
                )
                ours[f"to_{name}.{m}.bias"] = torch.cat(biases[both])
        ours["recurrence.party_to_emotion"] = cell_by_cell("e_cell.weight_ih").mT
        ours["recurrence.emotion_input_bias"] = cell_by_cell("e_cell.bias_ih")[:, None]
        ours["recurrence.emotion_to_emotion"] = cell_by_cell("e_cell.weight_hh").mT
        ours["recurrence.emotion_bias"] = cell_by_cell("e_cell.bias_hh")[:, None]
        for m in modalities:
            theirs = f"uni_bimodel.{m}."
            ours[f"heads.{m}.qkv.weight"] = torch.cat(
                [weights[f"{theirs}multihead_attn.W_{part}.weight"] for part in "QKV"]
            )
            ours[f"heads.{m}.mix.weight"] = weights[f"{theirs}multihead_attn.fc.weight"]
            for name, their_name in (("linear", "linear"), ("classify", "smax_fc")):
                for kind in ("weight", "bias"):
                    ours[f"heads.{m}.{name}.{kind}"] = weights[f"{theirs}{their_name}.{kind}"]
        model.load_state_dict(ours)
        return model


def _gate_inputs(width: int, hidden: int) -> nn.Linear:
    """From the features to a GRU's three gates, in both directions; as torch's GRU starts it."""
    linear = nn.Linear(width, 6 * hidden)
    for parameter in linear.parameters():
        nn.init.uniform_(parameter, -(hidden**-0.5), hidden**-0.5)
    return linear


def _timelines(batch: Batch, modalities: int) -> tuple[Rows, Rows, list[int]]:
    """Where each step of each recurrence finds its utterance, the way back, and how many are left.

    Returns
    -------
    steps
        (L, M, 2, B): rows of (N, M, 2), its dimensions flattened. The longest dialogue comes first;
        backwards, a dialogue starts with its last utterance.
    rows
        (N, M, 2): rows of `steps`, flattened.
    active
        At each step, how many dialogues to run. A GPU runs all to the end: asking it for the
        lengths would cost more.
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
    """Attention over the dialogue and a classifier, for one modality."""

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
