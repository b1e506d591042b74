"""The splits of a corpus as tensors, and batches of dialogues."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from spcl.errors import UserError
from spcl.models import Batch
from spcl.models.standardisation import Standardisation
from spcl.tables.arrays import feature_matrix, label_indices, strings
from spcl.tables.parquet import metadata
from spcl.tables.schemas import MODALITIES, SPLITS

LONGEST = 2000
"""The maximum number of utterances of a dialogue. The memory of attention and graphs grows with the
square: a step on a dialogue of this length takes 2 GiB, and 50 GiB at five times the length."""


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
        (N,) int64, numbered within the dialogue by first appearance.
    lengths
        (B,) int64, on the CPU, so that building a batch does not wait for the device.
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
        """The rows of all utterances of the `chosen` dialogues in this order, (n,) int64."""
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
        """Yield (rows, batch) of `size` dialogues each, in the given order."""
        for first in range(0, len(order), size):
            yield self.batch(order[first : first + size])


@dataclass
class Corpus:
    """The splits of a corpus, and the sizes that a model is built from."""

    splits: dict[str, Dialogues]
    labels: tuple[str, ...]
    widths: dict[str, int]
    n_speakers: int
    protocol: str
    simulated: bool
    classes: int | None = None
    """Of sentiment scores, see `spcl.data.emotions.sentiment`; None for other labels."""
    standardisation: Mapping[str, Standardisation] = field(default_factory=dict)
    """By modality; empty if the features are not scaled."""


def load_corpus(
    utterances: pa.Table,
    features: Mapping[str, pa.Table],
    modalities: str,
    *,
    scale: Literal["standard", "none"],
    device: str,
    fitted: Mapping[str, Standardisation] | None = None,
) -> Corpus:
    """Convert the tables of a corpus to tensors.

    Parameters
    ----------
    utterances
        Schema `spcl.tables.schemas.UTTERANCES`.
    features
        By modality, schema `spcl.tables.schemas.FEATURES`. An utterance without a row is
        unobserved.
    modalities
        As in the address of a cell, for example ``atv``. Determines the order of the logits.
    scale
        See `TrainingSettings`.
    device
        The device of the tensors, for example ``cpu`` or ``cuda``.
    fitted
        The standardisation of a trained model, used instead of fitting one. The training split may
        then be empty.

    Raises
    ------
    UserError
        A dialogue is longer than `LONGEST`, or a modality has no features or is never observed in
        the training split.
    """
    facts = metadata(utterances)
    labels = tuple(facts["labels"])
    utterances = utterances.take(
        _dialogue_order(strings(utterances, "dialogue_id"), utterances["position"].to_numpy())
    )
    ids, dialogue_ids = strings(utterances, "utterance_id"), strings(utterances, "dialogue_id")
    _check_lengths(dialogue_ids, facts["dataset"])
    split = strings(utterances, "split")
    y = label_indices(utterances)
    speaker, n_speakers = _local_speakers(dialogue_ids, strings(utterances, "speaker"))

    x: dict[str, np.ndarray] = {}
    observed: dict[str, np.ndarray] = {}
    standardisation = dict(fitted or {})
    for m in modalities:
        if m not in features:
            raise UserError(
                f"modality '{m}' ({MODALITIES[m]}): there are no features; remove the modality from"
                " grid.modalities"
            )
        values, seen = feature_matrix(features[m], ids)
        train = seen & (split == "train")
        if fitted is None and not train.any():
            raise UserError(
                f"features of modality '{m}' ({MODALITIES[m]}): none is observed in the training"
                " split; remove the modality from grid.modalities"
            )
        if fitted is None and scale == "standard":
            standardisation[m] = Standardisation.fit(values[train])
        x[m] = standardisation[m](values, seen) if m in standardisation else values
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
        classes=facts.get("classes"),
        standardisation=standardisation,
    )


def _check_lengths(dialogue_ids: np.ndarray, dataset: str) -> None:
    names, lengths = np.unique(dialogue_ids, return_counts=True)
    if len(lengths) and lengths.max() > LONGEST:
        raise UserError(
            f"datasets.{dataset}: dialogue '{names[lengths.argmax()]}' has {lengths.max()}"
            f" utterances, and the memory for training grows with the square of this number; split"
            f" it into dialogues of at most {LONGEST} utterances, for example at pauses or scenes"
        )


def _dialogue_order(dialogue_ids: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Sort rows by dialogue, in order of first appearance, and by position within the dialogue."""
    _, first, inverse = np.unique(dialogue_ids, return_index=True, return_inverse=True)
    return np.lexsort((position, first[inverse]))


def _local_speakers(dialogue_ids: np.ndarray, speakers: np.ndarray) -> tuple[np.ndarray, int]:
    """Number the speakers of each dialogue by first appearance; also return the largest count."""
    seen: dict[str, dict[str, int]] = {}
    index = np.empty(len(dialogue_ids), dtype=np.int64)
    for row, (dialogue, speaker) in enumerate(zip(dialogue_ids, speakers, strict=True)):
        known = seen.setdefault(dialogue, {})
        index[row] = known.setdefault(speaker, len(known))
    return index, max((len(known) for known in seen.values()), default=1)
