"""A split of a corpus as tensors, and batches of its dialogues."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from spcl.errors import UserError
from spcl.models import Batch
from spcl.tables.arrays import feature_matrix, label_indices, strings
from spcl.tables.parquet import metadata
from spcl.tables.schemas import MODALITIES, SPLITS

_BLOCK = 256
"""Utterances standardised at once: few enough to stay in the processor's cache in float64."""

LONGEST = 2000
"""Utterances of a dialogue. Attention and graphs hold some numbers for every two of them: a step on
one dialogue of this length takes 2 GiB, one of five times the length would take 50."""


@dataclass
class Dialogues:
    """The dialogues of one split: N utterances in dialogue order, B dialogues, on one device.

    Attributes
    ----------
    features, observed
        By modality, (N, D_m) float32 and (N,) bool.
    labels
        (N,) int64, -1 = unlabelled.
    speakers
        (N,) int64, numbered inside the dialogue by first appearance.
    lengths
        (B,) int64, on the host: batches are laid out without asking the device.
    dialogue_ids, utterance_ids
        (N,) strings.
    """

    features: dict[str, Tensor]
    observed: dict[str, Tensor]
    labels: Tensor
    speakers: Tensor
    lengths: np.ndarray
    dialogue_ids: np.ndarray
    utterance_ids: np.ndarray

    def __len__(self) -> int:
        return len(self.lengths)

    def rows(self, chosen: np.ndarray) -> np.ndarray:
        """The utterances of the `chosen` dialogues, (n,) int64, dialogue by dialogue."""
        lengths = self.lengths[chosen]
        starts = (np.cumsum(self.lengths) - self.lengths)[chosen]
        before = np.cumsum(lengths) - lengths
        return np.repeat(starts - before, lengths) + np.arange(lengths.sum())

    def batch(self, chosen: np.ndarray) -> tuple[Tensor, Batch]:
        """The `chosen` dialogues in this order, and the rows of their utterances, (n,) int64."""
        device = self.labels.device
        lengths = self.lengths[chosen]
        rows = torch.from_numpy(self.rows(chosen)).to(device, non_blocking=True)
        batch = Batch(
            features={m: x[rows] for m, x in self.features.items()},
            lengths=torch.from_numpy(lengths).to(device, non_blocking=True),
            speakers=self.speakers[rows],
            labels=self.labels[rows],
            observed={m: x[rows] for m, x in self.observed.items()},
            max_length=int(lengths.max()),
        )
        return rows, batch

    def batches(self, order: np.ndarray, size: int) -> Iterator[tuple[Tensor, Batch]]:
        """Yield (rows, batch) of `size` dialogues each, in the given order of dialogues."""
        for first in range(0, len(order), size):
            yield self.batch(order[first : first + size])


@dataclass
class Corpus:
    """A corpus ready for training: its splits, and the sizes that a model is built from."""

    splits: dict[str, Dialogues]
    labels: tuple[str, ...]
    widths: dict[str, int]
    n_speakers: int
    protocol: str
    simulated: bool


def load_corpus(
    utterances: pa.Table,
    features: Mapping[str, pa.Table],
    modalities: str,
    *,
    scale: Literal["standard", "none"],
    device: str,
) -> Corpus:
    """Join a corpus' tables into tensors.

    Parameters
    ----------
    utterances
        Of schema `spcl.tables.schemas.UTTERANCES`.
    features
        By modality, schema `spcl.tables.schemas.FEATURES`. One without a row is unobserved.
    modalities
        As in a cell's address, for example ``atv``: the order of all that follows.
    scale
        See `TrainingSettings`.
    device
        Where the tensors live, for example ``cpu`` or ``cuda``.

    Raises
    ------
    UserError
        A dialogue is longer than `LONGEST`, or a modality's features are not there, or were never
        observed in training.
    """
    facts = metadata(utterances)
    labels = tuple(facts["labels"])
    utterances = utterances.take(
        _dialogue_order(strings(utterances, "dialogue_id"), utterances["position"].to_numpy())
    )
    ids, dialogue_ids = strings(utterances, "utterance_id"), strings(utterances, "dialogue_id")
    _refuse_endless(dialogue_ids, facts["dataset"])
    split = strings(utterances, "split")
    y = label_indices(utterances)
    speaker, n_speakers = _local_speakers(dialogue_ids, strings(utterances, "speaker"))

    x: dict[str, np.ndarray] = {}
    observed: dict[str, np.ndarray] = {}
    for m in modalities:
        if m not in features:
            raise UserError(
                f"modality '{m}' ({MODALITIES[m]}): no features were given; leave it out"
            )
        values, seen = feature_matrix(features[m], ids)
        if not seen[split == "train"].any():
            raise UserError(
                f"features of modality '{m}' ({MODALITIES[m]}): none is observed in the training"
                " split; leave the modality out of grid.modalities"
            )
        x[m] = _standardise(values, seen, split == "train") if scale == "standard" else values
        observed[m] = seen

    def dialogues(rows: np.ndarray) -> Dialogues:
        _, first = np.unique(dialogue_ids[rows], return_index=True)
        starts = np.sort(first)
        return Dialogues(
            features={m: torch.from_numpy(x[m][rows]).to(device) for m in modalities},
            observed={m: torch.from_numpy(observed[m][rows]).to(device) for m in modalities},
            labels=torch.from_numpy(y[rows]).to(device),
            speakers=torch.from_numpy(speaker[rows]).to(device),
            lengths=np.diff(np.append(starts, len(rows))).astype(np.int64),
            dialogue_ids=dialogue_ids[rows],
            utterance_ids=ids[rows],
        )

    return Corpus(
        splits={name: dialogues(np.flatnonzero(split == name)) for name in SPLITS},
        labels=labels,
        widths={m: x[m].shape[1] for m in modalities},
        n_speakers=n_speakers,
        protocol=facts["protocol"],
        simulated=bool(facts["simulated"]),
    )


def _refuse_endless(dialogue_ids: np.ndarray, dataset: str) -> None:
    names, lengths = np.unique(dialogue_ids, return_counts=True)
    if len(lengths) and lengths.max() > LONGEST:
        raise UserError(
            f"datasets.{dataset}: dialogue '{names[lengths.argmax()]}' has {lengths.max()}"
            f" utterances, and the memory that training takes grows with the square of that; cut it"
            f" into dialogues of {LONGEST} utterances at most, for example at pauses or scenes"
        )


def _dialogue_order(dialogue_ids: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Rows by dialogue, in order of first appearance, and by position inside it."""
    _, first, inverse = np.unique(dialogue_ids, return_index=True, return_inverse=True)
    return np.lexsort((position, first[inverse]))


def _local_speakers(dialogue_ids: np.ndarray, speakers: np.ndarray) -> tuple[np.ndarray, int]:
    """Number each dialogue's speakers by first appearance; also the most that any dialogue has."""
    seen: dict[str, dict[str, int]] = {}
    index = np.empty(len(dialogue_ids), dtype=np.int64)
    for row, (dialogue, speaker) in enumerate(zip(dialogue_ids, speakers, strict=True)):
        known = seen.setdefault(dialogue, {})
        index[row] = known.setdefault(speaker, len(known))
    return index, max((len(known) for known in seen.values()), default=1)


def _standardise(values: np.ndarray, observed: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Mean 0, deviation 1 by the observed training rows; unobserved rows become 0, the mean."""
    fitted = values[observed & train].astype(np.float64)
    mean, deviation = fitted.mean(0), fitted.std(0)
    # A constant column carries nothing; rounding noise must not be blown up to unit deviation.
    constant = deviation <= 1e-6 * np.maximum(np.abs(mean), 1e-6)
    divisor = np.where(constant, 1.0, deviation)
    scaled = np.zeros_like(values)
    for first in range(0, len(values), _BLOCK):
        block = slice(first, first + _BLOCK)
        part = np.where(constant, 0.0, (values[block] - mean) / divisor)
        scaled[block] = np.where(observed[block, None], part, 0.0)
    return scaled
