"""Scores of a trained model on the test split with missing modalities and with noise.

Masks and noise are drawn from `RobustnessSettings.seed`, modality by modality. They do not depend
on the cell or on the seed of the training, so all cells of a corpus see the same perturbed
utterances, and their scores are paired. What is missing at a small share is also missing at a
larger one.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from spcl.tables.schemas import MODALITIES
from spcl.training.dialogues import Corpus, Dialogues
from spcl.training.evaluation import evaluate, score_logits
from spcl.training.settings import RobustnessSettings


@dataclass(frozen=True)
class Perturbation:
    """A perturbation of the test split.

    Attributes
    ----------
    perturbation
        ``modality_missing``: modalities are unobserved everywhere; ``utterances_missing``: each
        modality is unobserved in a share of the utterances, drawn anew for each modality;
        ``dialogues_missing``: the same for whole dialogues; ``noise``: Gaussian noise on the
        features of one modality.
    modality
        The perturbed modalities, for example ``at``.
    level
        The share that is missing (1 for ``modality_missing``), or the standard deviation of the
        noise in standard deviations of the feature on the training split.
    """

    perturbation: str
    modality: str
    level: float


@dataclass(frozen=True)
class PerturbedScore:
    """The answers to the N utterances of a perturbed test split.

    Attributes
    ----------
    perturbation
        What was changed.
    weighted_f1, n_utterances
        Of the joint prediction, and the labelled utterances that it is taken over.
    predicted
        (N,) int16, the class of each utterance.
    """

    perturbation: Perturbation
    weighted_f1: float
    n_utterances: int
    predicted: np.ndarray


def score_perturbed(
    model: nn.Module, corpus: Corpus, settings: RobustnessSettings
) -> list[PerturbedScore]:
    """Score `model` on each perturbed test split; see `perturbed`."""
    found = []
    for perturbation, dialogues in perturbed(corpus, settings):
        logits = evaluate(model, dialogues)
        scores = score_logits(logits, dialogues.labels)
        predicted = logits.sum(0).argmax(-1).cpu().numpy().astype(np.int16)
        found.append(
            PerturbedScore(perturbation, scores.weighted_f1, scores.n_utterances, predicted)
        )
    return found


def perturbed(
    corpus: Corpus, settings: RobustnessSettings
) -> Iterator[tuple[Perturbation, Dialogues]]:
    """Yield the perturbations that `settings` list, each with the test split that it makes."""
    test, letters = corpus.splits["test"], "".join(corpus.widths)
    if settings.modality_missing:
        for size in range(1, len(letters) + 1):
            for chosen in itertools.combinations(letters, size):
                missing = {m: np.ones(len(test.labels), bool) for m in chosen}
                yield (
                    Perturbation("modality_missing", "".join(chosen), 1.0),
                    _without(test, missing),
                )
    utterance, dialogue = np.arange(len(test.labels)), np.repeat(np.arange(len(test)), test.lengths)
    for purpose, (name, unit, shares) in enumerate(
        (
            ("utterances_missing", utterance, settings.utterances_missing),
            ("dialogues_missing", dialogue, settings.dialogues_missing),
        )
    ):
        n = int(unit.max()) + 1
        ranks = {m: _generator(settings, m, purpose).permutation(n)[unit] for m in letters}
        for share in shares:
            missing = {m: rank < round(share * n) for m, rank in ranks.items()}
            yield Perturbation(name, letters, share), _without(test, missing)
    for m in letters if settings.noise else "":
        noise = _noise(corpus, m, settings)
        for level in settings.noise:
            features = test.features | {m: test.features[m] + level * noise}
            yield Perturbation("noise", m, level), replace(test, features=features)


def _without(test: Dialogues, missing: dict[str, np.ndarray]) -> Dialogues:
    """`test` with the utterances (N,) that `missing` marks unobserved, by modality."""
    observed = {
        m: test.observed[m] & torch.from_numpy(~rows).to(test.labels.device)
        for m, rows in missing.items()
    }
    return replace(test, observed=test.observed | observed)


def _noise(corpus: Corpus, m: str, settings: RobustnessSettings) -> Tensor:
    """(N, D_m) normal noise with the standard deviation of each feature on the training split.

    A constant feature gets no noise: the weights that read it were never trained.
    """
    train, test = corpus.splits["train"], corpus.splits["test"]
    deviation = train.features[m][train.observed[m]].std(0, correction=0)
    drawn = _generator(settings, m, 2).standard_normal(tuple(test.features[m].shape), np.float32)
    return torch.from_numpy(drawn).to(deviation.device) * deviation


def _generator(settings: RobustnessSettings, m: str, purpose: int) -> np.random.Generator:
    """A generator of its own for each modality and purpose."""
    return np.random.default_rng([settings.seed, list(MODALITIES).index(m), purpose])
