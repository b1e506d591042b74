"""The edges of DialogueGCN from each utterance to its neighbours in a window, as two tables.

An edge goes from utterance j to utterance i = j + o of the same dialogue, o in -past..future,
including o = 0. Its relation is the ordered pair of speakers and whether j comes before i. The
tables have one row per packed utterance and one column per neighbour, in the order of the dialogue.
The table of incoming edges has edge (j, i) in row i, the table of outgoing edges has it in row j,
in the same column counted from the end.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from spcl.models.batch import Batch
from spcl.models.rows import Rows, take


@dataclass
class WindowGraph:
    """The edges of every dialogue of a batch; N utterances, W = past + 1 + future columns.

    Attributes
    ----------
    past, future
        The size of the window.
    to_out, to_in
        (N, W) the index of each edge in the other, flattened table: for the incoming edges, and for
        the outgoing edges.
    relation
        (N, W) int64 for the incoming edges, 2 (S s_j + s_i) + (0 if j < i else 1).
    share
        (N, W) for the incoming edges: 1 / (number of edges of this relation into i); 0 where there
        is no edge.
    """

    past: int
    future: int
    to_out: Rows
    to_in: Rows
    relation: Tensor
    share: Tensor

    @classmethod
    def of(cls, batch: Batch, *, past: int, future: int, n_speakers: int) -> "WindowGraph":
        """Build the edges from the lengths and speakers of `batch`."""
        device = batch.lengths.device
        rows = torch.arange(len(batch.labels), device=device)[:, None]
        column = torch.arange(past + 1 + future, device=device)
        position = batch.position[:, None]
        length = batch.lengths[batch.dialogue][:, None]

        def inside(shift: Tensor) -> tuple[Tensor, Tensor]:
            keep = (position + shift >= 0) & (position + shift < length)
            return (rows + shift).where(keep, 0), keep

        j, has_source = inside(column - future)
        i, has_target = inside(column - past)
        speaker = batch.speakers
        later = (column >= future).long()
        relation = 2 * (n_speakers * speaker[j] + speaker[:, None]) + later
        same = (relation.unsqueeze(-1) == relation.unsqueeze(1)) & has_source.unsqueeze(1)
        return cls(
            past=past,
            future=future,
            to_out=Rows(j * len(column) + column.flip(0), has_source),
            to_in=Rows(i * len(column) + column.flip(0), has_target),
            relation=relation,
            share=has_source / same.sum(-1).clamp(min=1),
        )

    def sources(self, x: Tensor) -> Tensor:
        """x_j for the incoming edges, (N, D) -> (N, W, D), without a copy.

        Where there is no edge, the values belong to other dialogues; the caller weights them by 0.
        """
        around = F.pad(x, (0, 0, self.future, self.past))
        return around.unfold(0, self.past + 1 + self.future, 1).mT

    def softmax_out(self, scores: Tensor) -> Tensor:
        """Softmax over the outgoing edges of j; (N, W) for incoming edges, 0 if there is none."""
        out = take(scores.flatten(), self.to_in, self.to_out)
        # Every row has at least the edge to itself.
        weights = out.masked_fill(~self.to_in.keep, -torch.inf).softmax(-1)  # type: ignore[operator]
        return take(weights.flatten(), self.to_out, self.to_in)
