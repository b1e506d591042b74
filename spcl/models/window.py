"""DialogueGCN's edges: every utterance to its neighbours inside a window, as two tables.

An edge goes from utterance j to utterance i = j + o of the same dialogue, o in -past..future, j
itself included. Its relation is the ordered pair of speakers and whether j comes before i. A packed
row has one column an offset, so no list of edges is needed: the table of what comes *in* has edge
(j, i) at row i, that of what goes *out* at row j, in the same column.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from spcl.models.batch import Batch
from spcl.models.rows import Rows, take


@dataclass
class WindowGraph:
    """The edges of every dialogue of a batch; N utterances, W = past + 1 + future columns.

    Attributes
    ----------
    sources
        (N, W) the row of j, by i.
    to_out, to_in
        (N, W) each edge's place in the other table, flattened: for the edges by i, and by j.
    relations
        (N, W, R), by i: 1 / (edges of this relation into i) at the edge's relation, else 0;
        R = 2 S^2, numbered 2 (S s_j + s_i) + (0 if j < i else 1).
    """

    sources: Rows
    to_out: Rows
    to_in: Rows
    relations: Tensor

    @classmethod
    def of(cls, batch: Batch, *, past: int, future: int, n_speakers: int) -> "WindowGraph":
        """Derive the edges from the lengths and speakers of `batch`."""
        device = batch.lengths.device
        rows = torch.arange(len(batch.labels), device=device)[:, None]
        offset = torch.arange(-past, future + 1, device=device)
        column = offset + past
        position = batch.position[:, None]
        length = batch.lengths[batch.dialogue][:, None]

        def inside(shift: Tensor) -> tuple[Tensor, Tensor]:
            keep = (position + shift >= 0) & (position + shift < length)
            return (rows + shift).where(keep, 0), keep

        j, has_source = inside(-offset)
        i, has_target = inside(offset)
        speaker = batch.speakers
        relation = 2 * (n_speakers * speaker[j] + speaker[:, None]) + (offset <= 0).long()
        kinds = torch.arange(2 * n_speakers**2, device=device)
        relations = ((relation.unsqueeze(-1) == kinds) & has_source.unsqueeze(-1)).float()
        return cls(
            sources=Rows(j, has_source),
            to_out=Rows(j * len(column) + column, has_source),
            to_in=Rows(i * len(column) + column, has_target),
            relations=relations / relations.sum(1, keepdim=True).clamp(min=1),
        )

    def gather(self, x: Tensor) -> Tensor:
        """x_j of every edge, by i: (N, D) -> (N, W, D); zeros where there is no edge."""
        return take(x, self.sources, self.to_in)

    def softmax_out(self, scores: Tensor) -> Tensor:
        """Softmax over the edges that leave the same j, (N, W) by i; 0 where there is no edge."""
        out = take(scores.flatten(), self.to_in, self.to_out)
        # to_in keeps what leaves a row: at least the edge to itself.
        weights = out.masked_fill(~self.to_in.keep, -torch.inf).softmax(-1)  # type: ignore[operator]
        return take(weights.flatten(), self.to_out, self.to_in)
