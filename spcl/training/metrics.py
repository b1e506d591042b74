"""Classification scores from a confusion matrix."""

from dataclasses import dataclass

import torch
from torch import Tensor


def confusion_matrix(predicted: Tensor, labels: Tensor, n_classes: int) -> Tensor:
    """Count (true class, predicted class) over the labelled utterances.

    Parameters
    ----------
    predicted, labels : (N,) int64; labels -1 = unlabelled

    Returns
    -------
    (C, C) int64, on the inputs' device
    """
    # Unlabelled utterances are counted in an extra cell, which is dropped. A boolean mask would
    # wait for the device.
    cell = torch.where(labels >= 0, labels * n_classes + predicted, n_classes * n_classes)
    counts = torch.zeros(n_classes * n_classes + 1, dtype=torch.int64, device=labels.device)
    counts.index_add_(0, cell, torch.ones_like(cell))
    return counts[:-1].view(n_classes, n_classes)


@dataclass(frozen=True)
class Scores:
    """Scores of one split, 0..1. A class that is absent and never predicted has F1 = 0.

    As in scikit-learn, macro F1 is the mean over the classes that occur in the labels or the
    predictions, and weighted F1 weights each class by its support.
    """

    weighted_f1: float
    accuracy: float
    macro_f1: float
    f1_by_class: tuple[float, ...]
    n_utterances: int


def scores(confusion: Tensor) -> Scores:
    """Compute the scores of a (C, C) confusion matrix: rows are true, columns predicted classes."""
    counts = confusion.double().cpu()
    hits, support, predicted = counts.diagonal(), counts.sum(1), counts.sum(0)
    f1 = 2 * hits / (support + predicted).clamp(min=1)
    total = support.sum().clamp(min=1)
    occurs = support + predicted > 0
    return Scores(
        weighted_f1=float((f1 * support).sum() / total),
        accuracy=float(hits.sum() / total),
        macro_f1=float(f1[occurs].mean()) if bool(occurs.any()) else 0.0,
        f1_by_class=tuple(f1.tolist()),
        n_utterances=int(support.sum()),
    )
