"""The difficulty measurer: how hard is an utterance, how far do the modalities disagree?

The symbols follow the SPCL paper (arXiv 2605.21565): N utterances of B dialogues, M modalities,
C classes; l the loss, s the incoherence, rho the difficulty.
"""

import torch
from torch import Tensor


def true_class_probability(logits: Tensor, labels: Tensor) -> Tensor:
    """softmax(z^m)[y] for every modality and utterance.

    Parameters
    ----------
    logits : (M, N, C)
    labels : (N,) int64, -1 = unlabelled

    Returns
    -------
    (M, N), 0 where unlabelled
    """
    index = labels.clamp(min=0).expand(logits.shape[0], -1).unsqueeze(-1)  # (M, N, 1)
    # exp(z_y - logsumexp z) touches each logit once, where a softmax would write all of them.
    log_p = logits.gather(-1, index).squeeze(-1) - logits.logsumexp(-1)
    return log_p.exp() * (labels >= 0)


def confidence(
    probability: Tensor, dialogue: Tensor, labelled: Tensor, n_dialogues: int, *, mean: bool
) -> Tensor:
    """s_i^m = sum over j of softmax(z_ij^m)[y_ij]: how sure modality m is of dialogue i.

    Parameters
    ----------
    probability : (M, N), 0 where unlabelled
    dialogue : (N,) int64
    labelled : (N,) bool
    n_dialogues : B
    mean
        Divide by the dialogue's labelled utterances, so that its length no longer counts.

    Returns
    -------
    (M, B); 0 for a dialogue without labels
    """
    total = probability.new_zeros(probability.shape[0], n_dialogues)
    total = total.index_add(1, dialogue, probability)
    if not mean:
        return total
    count = probability.new_zeros(n_dialogues)
    count = count.index_add(0, dialogue, labelled.to(count.dtype))
    return total / count.clamp(min=1)


def incoherence(confidence: Tensor, *, sample: bool) -> Tensor:
    """s_i, the standard deviation of s_i^m over the modalities: conversation-level difficulty.

    Parameters
    ----------
    confidence : (M, B), M >= 2
    sample
        Divide by M - 1 (as the reference does) rather than by M.

    Returns
    -------
    (B,)
    """
    return confidence.std(0, correction=1 if sample else 0)


def harmonic_mean(s: Tensor, loss: Tensor) -> Tensor:
    """rho = 2 s l / (s + l), and 0 where s = l = 0.

    Both (N,) and not negative.
    """
    total = s + loss
    return torch.where(total > 0, 2 * s * loss / total, total)  # NaN stays NaN
