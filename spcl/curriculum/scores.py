"""What every curriculum computes from the logits of a batch.

The symbols are those of the SPCL paper (arXiv 2605.21565): N utterances of B dialogues, M
modalities, C classes, z the logits, l the loss, s_i^m the confidence.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

Logits = Mapping[str, Tensor] | Tensor


@dataclass
class Scores:
    """Loss and probabilities of a batch.

    Attributes
    ----------
    labelled : (N,) bool
    dialogue : (N,) int64, the index of each utterance's dialogue
    loss : l, (N,), cross-entropy of the joint logits, with its gradient; 0 where unlabelled
    probability : softmax(z^m)[y], (M, N), without gradient; 0 where unlabelled
    n_dialogues : B
    """

    labelled: Tensor
    dialogue: Tensor
    loss: Tensor
    probability: Tensor
    n_dialogues: int


def score(logits: Logits, labels: Tensor, lengths: Tensor) -> Scores:
    """Compute the scores of a batch; the parameters are those of `Curriculum.forward`.

    Half-precision logits are converted to float32, so autocast does not change the threshold.

    Raises
    ------
    ValueError
        The shapes do not match.
    """
    stacked = torch.stack(tuple(logits.values())) if isinstance(logits, Mapping) else logits
    if stacked.ndim != 3 or labels.shape != stacked.shape[1:2] or lengths.ndim != 1:
        raise ValueError(
            "expected logits (M, N, C) or {modality: (N, C)}, labels (N,) and lengths (B,), found"
            f" {tuple(stacked.shape)}, {tuple(labels.shape)} and {tuple(lengths.shape)}"
        )
    if stacked.dtype not in (torch.float32, torch.float64):
        stacked = stacked.float()
    return Scores(
        labelled=labels >= 0,
        # With output_size, torch does not wait for the device to sum the lengths.
        dialogue=torch.repeat_interleave(lengths, output_size=labels.shape[0]),
        loss=cross_entropy(stacked.sum(0), labels, ignore_index=-1, reduction="none"),
        probability=_true_class_probability(stacked.detach(), labels),
        n_dialogues=lengths.shape[0],
    )


def confidence(scores: Scores, *, mean: bool = False) -> Tensor:
    """s_i^m = sum over j of softmax(z_ij^m)[y_ij]: how confident modality m is in dialogue i.

    Parameters
    ----------
    scores
        The scores of a batch.
    mean
        Divide by the number of labelled utterances, so that the length does not count.

    Returns
    -------
    (M, B); 0 for a dialogue without labels
    """
    probability = scores.probability
    total = probability.new_zeros(probability.shape[0], scores.n_dialogues)
    total = total.index_add(1, scores.dialogue, probability)
    if not mean:
        return total
    count = probability.new_zeros(scores.n_dialogues)
    count = count.index_add(0, scores.dialogue, scores.labelled.to(count.dtype))
    return total / count.clamp(min=1)


def _true_class_probability(logits: Tensor, labels: Tensor) -> Tensor:
    """softmax(z^m)[y] of logits (M, N, C): (M, N), 0 where unlabelled."""
    index = labels.clamp(min=0).expand(logits.shape[0], -1).unsqueeze(-1)  # (M, N, 1)
    # exp(z_y - logsumexp z) reads each logit once; a softmax would also write all of them.
    log_p = logits.gather(-1, index).squeeze(-1) - logits.logsumexp(-1)
    return log_p.exp() * (labels >= 0)
