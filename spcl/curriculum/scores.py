"""What every curriculum computes from the logits of a batch.

The symbols are those of the SPCL paper (arXiv 2605.21565): N utterances of B dialogues, M
modalities, C classes, z the logits, l the loss, s_i^m the confidence.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

Logits = Mapping[str, Tensor] | Tensor


@dataclass
class Scores:
    """Loss and probabilities of a batch.

    Attributes
    ----------
    logits : z^m, (M, N, C), at least float32, with their gradient
    labels : y, (N,) int64; -1 = unlabelled
    labelled : (N,) bool
    dialogue : (N,) int64, the index of each utterance's dialogue
    loss : l, (N,), cross-entropy of the joint logits, with its gradient; 0 where unlabelled
    log_probability : log softmax(z^m)[y], (M, N), without gradient; undefined where unlabelled
    probability : softmax(z^m)[y], (M, N), without gradient; 0 where unlabelled
    n_dialogues : B
    """

    logits: Tensor
    labels: Tensor
    labelled: Tensor
    dialogue: Tensor
    loss: Tensor
    log_probability: Tensor
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
    labelled = labels >= 0
    log_probability = _true_class_log_probability(stacked.detach(), labels)
    return Scores(
        logits=stacked,
        labels=labels,
        labelled=labelled,
        # With output_size, torch does not wait for the device to sum the lengths.
        dialogue=torch.repeat_interleave(lengths, output_size=labels.shape[0]),
        loss=_joint_loss(stacked, labels),
        log_probability=log_probability,
        probability=log_probability.exp() * labelled,
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


def shift_rate(scores: Scores) -> Tensor:
    """d_i: the share of adjacent labelled utterances of dialogue i with different labels.

    Unlabelled utterances are skipped, as in the offline difficulty stage.

    Returns
    -------
    (B,) in the dtype of the loss; 0 for a dialogue without such a pair
    """
    labels, dialogue = scores.labels, scores.dialogue
    row = torch.arange(len(labels), device=labels.device)
    latest = row.masked_fill(~scores.labelled, -1).cummax(0).values  # labelled, up to each row
    before = latest.roll(1)  # the previous labelled row; the first row has none
    pair = scores.labelled & (row > 0) & (before >= 0)
    before = before.clamp(min=0)
    pair = pair & (dialogue[before] == dialogue)
    shift = pair & (labels[before] != labels)
    counts = scores.loss.new_zeros(2, scores.n_dialogues)
    shifts, pairs = counts.index_add(1, dialogue, torch.stack((shift, pair)).to(counts.dtype))
    return shifts / pairs.clamp(min=1)


def stop_gradients(scores: Scores, learns: Tensor) -> Scores:
    """Scores of equal values, whose loss has a gradient only for the modalities that learn.

    The joint logits are sum_m (v^m z^m + (1 - v^m) stop_gradient(z^m)).

    Parameters
    ----------
    scores
        The scores of a batch.
    learns
        v^m, (M, N) bool.
    """
    logits = torch.where(learns.unsqueeze(-1), scores.logits, scores.logits.detach())
    return replace(scores, loss=_joint_loss(logits, scores.labels))


def leave_out(scores: Scores, left_out: Tensor) -> Scores:
    """Scores whose joint loss is that of the sum over the remaining modalities.

    Parameters
    ----------
    scores
        The scores of a batch.
    left_out
        (M, N) bool: the modality is left out of the sum.
    """
    logits = scores.logits.masked_fill(left_out.unsqueeze(-1), 0.0)
    return replace(scores, loss=_joint_loss(logits, scores.labels))


def _joint_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the sum over modalities of logits (M, N, C): (N,), 0 where unlabelled."""
    return cross_entropy(logits.sum(0), labels, ignore_index=-1, reduction="none")


def _true_class_log_probability(logits: Tensor, labels: Tensor) -> Tensor:
    """log softmax(z^m)[y] of logits (M, N, C): (M, N), undefined where unlabelled."""
    index = labels.clamp(min=0).expand(logits.shape[0], -1).unsqueeze(-1)  # (M, N, 1)
    # exp(z_y - logsumexp z) reads each logit once; a softmax would also write all of them.
    return logits.gather(-1, index).squeeze(-1) - logits.logsumexp(-1)
