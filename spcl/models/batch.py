"""A packed batch of dialogues: the utterances of all dialogues in sequence, without padding."""

from collections.abc import Mapping
from functools import cached_property

import torch
from torch import Tensor

from spcl.models.rows import Rows, take


class Batch:
    """B dialogues with N utterances in total.

    The properties are computed from `lengths` on their first use and cached. If `max_length` is
    given, nothing waits for the device.

    Parameters
    ----------
    features
        For each modality, {"a": (N, D_a), ...} float.
    lengths
        (B,) int64, utterances per dialogue, at least 1; their sum is N.
    speakers
        (N,) int64, numbered from 0 within each dialogue.
    labels
        (N,) int64 in 0..C-1; -1 = unlabelled. No model uses them.
    observed
        For each modality, (N,) bool. The features of an unobserved utterance are set to zero. A
        modality without an entry is observed everywhere.
    max_length
        The maximum of `lengths`, as a Python integer.

    Raises
    ------
    ValueError
        The numbers of rows are not equal.
    """

    def __init__(
        self,
        features: Mapping[str, Tensor],
        lengths: Tensor,
        speakers: Tensor,
        labels: Tensor,
        observed: Mapping[str, Tensor] | None = None,
        max_length: int | None = None,
    ) -> None:
        observed = observed or {}
        n = len(labels)
        for name, rows in [("speakers", speakers), *features.items(), *observed.items()]:
            if len(rows) != n:
                raise ValueError(f"{name}: {len(rows)} rows, but there are {n} labels")
        self.features = {
            m: x.masked_fill(~observed[m][:, None], 0) if m in observed else x
            for m, x in features.items()
        }
        self.lengths = lengths
        self.speakers = speakers
        self.labels = labels
        self.observed = dict(observed)
        self.max_length = int(lengths.max()) if max_length is None else max_length

    def __len__(self) -> int:
        """B, the number of dialogues."""
        return len(self.lengths)

    def to(self, device: torch.device | str) -> "Batch":
        """A copy on `device`."""
        return Batch(
            features={m: x.to(device, non_blocking=True) for m, x in self.features.items()},
            lengths=self.lengths.to(device, non_blocking=True),
            speakers=self.speakers.to(device, non_blocking=True),
            labels=self.labels.to(device, non_blocking=True),
            observed={m: x.to(device, non_blocking=True) for m, x in self.observed.items()},
            max_length=self.max_length,
        )

    def hide(self, hidden: Mapping[str, Tensor]) -> "Batch":
        """A copy in which the utterances `hidden[m]`, (N,) bool, are unobserved in modality m."""
        kept = {m: ~rows & self.observed.get(m, ~rows) for m, rows in hidden.items()}
        observed = self.observed | kept
        return Batch(
            self.features, self.lengths, self.speakers, self.labels, observed, self.max_length
        )

    @cached_property
    def dialogue(self) -> Tensor:
        """(N,) the index of the dialogue of each utterance."""
        return torch.repeat_interleave(self.lengths, output_size=len(self.labels))

    @cached_property
    def first(self) -> Tensor:
        """(B,) the row of each dialogue's first utterance."""
        return self.lengths.cumsum(0) - self.lengths

    @cached_property
    def position(self) -> Tensor:
        """(N,) the position of each utterance in its dialogue, from 0."""
        rows = torch.arange(len(self.labels), device=self.lengths.device)
        return rows - self.first[self.dialogue]

    @cached_property
    def mask(self) -> Tensor:
        """(B, L) bool: False where there is padding; L = max_length."""
        return torch.arange(self.max_length, device=self.lengths.device) < self.lengths[:, None]

    @cached_property
    def padded(self) -> Rows:
        """(B, L) the row of each position in the padded layout."""
        rows = self.first[:, None] + torch.arange(self.max_length, device=self.lengths.device)
        return Rows(rows.where(self.mask, 0), self.mask)

    @cached_property
    def packed(self) -> Rows:
        """(N,) the position of each row in the padded layout, flattened."""
        return Rows(self.dialogue * self.max_length + self.position)

    def pad(self, x: Tensor) -> Tensor:
        """(N, ...) -> (B, L, ...), padded with zeros."""
        return take(x, self.padded, self.packed)

    def pack(self, x: Tensor) -> Tensor:
        """(B, L, ...) -> (N, ...)."""
        return take(x.flatten(0, 1), self.packed, self.padded)
