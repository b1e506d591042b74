"""Evaluation of a model on one split."""

import numpy as np
import torch
from torch import Tensor, nn

from spcl.training.dialogues import Dialogues
from spcl.training.metrics import Scores, confusion_matrix, scores

_BATCH_SIZE = 64
"""Dialogues per step. The logits of a dialogue do not depend on it."""


@torch.no_grad()
def evaluate(model: nn.Module, dialogues: Dialogues) -> Tensor:
    """The logits of every modality in evaluation mode, (M, N, C), in the order of the split."""
    model.eval()
    chunks = [
        torch.stack(tuple(model(batch).values()))
        for _, batch in dialogues.batches(np.arange(len(dialogues)), _BATCH_SIZE)
    ]
    return torch.cat(chunks, 1)


def score_logits(logits: Tensor, labels: Tensor) -> Scores:
    """Score the joint prediction of logits (M, N, C) against labels (N,)."""
    joint = logits.sum(0)
    return scores(confusion_matrix(joint.argmax(-1), labels, joint.shape[-1]))
