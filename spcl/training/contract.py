"""What a baseline or a curriculum of somebody else promises, looked at before it trains.

The contract itself is written down in docs/plug-in.md.
"""

import inspect
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from spcl.curriculum import Curriculum, CurriculumStep
from spcl.curriculum.base import Logits
from spcl.errors import UserError
from spcl.jobs.job import HEADLINE
from spcl.models import Batch
from spcl.study.extensions import fault_in

log = logging.getLogger("spcl.training.contract")

_LENGTHS = (3, 1, 5)  # one utterance alone is common, and unequal lengths show what leaks


def check_model(
    model: nn.Module, *, widths: Mapping[str, int], n_classes: int, n_speakers: int, key: str
) -> None:
    """Try `model` in evaluation mode on a small made-up batch.

    The model, its mode and torch's random numbers are afterwards as they were before. A dialogue
    whose logits change with what else is in the batch is worth a line in the log, not an error.

    Parameters
    ----------
    model
        As `spcl.models.build` made it.
    widths, n_classes, n_speakers
        What it was built with.
    key
        What messages begin with, for example ``baselines.my_gru``.

    Raises
    ------
    UserError
        It fails, does not give the logits of every modality, (N, C) each, or looks at the labels.
    """
    parameter = next(model.parameters(), torch.empty(0))
    whole = _made_batch(_LENGTHS, widths, n_classes, n_speakers).to(parameter.device)
    training = model.training
    with torch.no_grad(), torch.random.fork_rng([parameter.device] if parameter.is_cuda else []):
        model.eval()
        try:
            logits = _checked_logits(model(whole), widths, len(whole.labels), n_classes, key)
            again = model(whole)
            relabelled = model(_relabelled(whole, n_classes))
            alone = [model(one) for one in _dialogues(whole)]
        except UserError:
            raise
        except Exception as error:
            what = fault_in(Path(inspect.getfile(type(model))), error)
            raise UserError(f"{key}: forward fails on a small made-up batch: {what}") from error
        finally:
            model.train(training)
    if not _close(logits, again):
        log.log(HEADLINE, "%s: in evaluation mode the logits differ from call to call", key)
        return
    if not _close(logits, relabelled):
        raise UserError(f"{key}: the logits change with batch.labels; use the features alone")
    if not _close(logits, {m: torch.cat([one[m] for one in alone]) for m in widths}):
        log.log(
            HEADLINE,
            "%s: a dialogue's logits change with what else is in the batch, so scores depend on"
            " the batch size; docs/plug-in.md says how to avoid that",
            key,
        )


def check_curriculum(curriculum: Curriculum, *, key: str) -> None:
    """Look at the first step that `curriculum` makes.

    Parameters
    ----------
    curriculum
        As `spcl.curriculum.build` made it.
    key
        What messages begin with, for example ``curricula.mine``.

    Raises
    ------
    UserError
        From the first call of `curriculum`: its step is no `CurriculumStep` of the right shapes.
    """

    def look(_: nn.Module, inputs: tuple[Any, ...], step: CurriculumStep) -> None:
        first_call.remove()
        logits, labels, lengths = inputs[:3]
        _check_step(step, logits, labels, lengths, key)

    first_call = curriculum.register_forward_hook(look)


def _checked_logits(
    logits: Any, widths: Mapping[str, int], n: int, n_classes: int, key: str
) -> Mapping[str, Tensor]:
    """`logits`, if they are what a baseline gives."""
    if not isinstance(logits, Mapping):
        raise UserError(
            f"{key}: forward gives a {type(logits).__name__}; give the logits by modality,"
            ' {"a": (N, C), ...}'
        )
    if list(logits) != list(widths):
        raise UserError(
            f"{key}: forward gives logits of {list(logits)}; give those of {list(widths)}, in the"
            " order of widths"
        )
    for m, z in logits.items():
        if not isinstance(z, Tensor) or not z.is_floating_point():
            kind = z.dtype if isinstance(z, Tensor) else type(z).__name__
            raise UserError(f"{key}: logits['{m}'] are {kind}; give a tensor of floats")
        if z.shape != (n, n_classes):
            raise UserError(
                f"{key}: logits['{m}'] have shape {tuple(z.shape)} for N = {n} utterances in"
                f" {len(_LENGTHS)} dialogues and C = {n_classes} classes; give (N, C),"
                " utterances packed without padding"
            )
    return logits


def _check_step(step: Any, logits: Logits, labels: Tensor, lengths: Tensor, key: str) -> None:
    if not isinstance(step, CurriculumStep):
        raise UserError(f"{key}: forward gives a {type(step).__name__}; give a CurriculumStep")
    n, n_modalities = len(labels), len(logits)
    wanted = {
        "loss": (),
        "selected": (n,),
        "difficulty": (n,),
        "confidence": (n_modalities, len(lengths)),
        "probability": (n_modalities, n),
    }
    for name, shape in wanted.items():
        found = tuple(getattr(step, name).shape)
        if found != shape:
            raise UserError(f"{key}: step.{name} has shape {found}; give {shape}")
    if step.selected.dtype != torch.bool:
        raise UserError(f"{key}: step.selected is {step.selected.dtype}; give booleans")
    if not step.loss.requires_grad:
        raise UserError(f"{key}: step.loss has no gradient; compute it from the logits")


def _made_batch(
    lengths: tuple[int, ...], widths: Mapping[str, int], n_classes: int, n_speakers: int
) -> Batch:
    """Random features; what is drawn comes from a generator of its own."""
    random = torch.Generator().manual_seed(0)
    n = sum(lengths)
    return Batch(
        features={m: torch.randn(n, width, generator=random) for m, width in widths.items()},
        lengths=torch.tensor(lengths),
        speakers=torch.cat([torch.arange(length) % n_speakers for length in lengths]),
        labels=torch.arange(n) % n_classes,
        observed={m: torch.ones(n, dtype=torch.bool) for m in widths},
    )


def _relabelled(batch: Batch, n_classes: int) -> Batch:
    """The same with other labels, one of them unknown."""
    labels = (batch.labels + 1) % n_classes
    labels[0] = -1
    return Batch(batch.features, batch.lengths, batch.speakers, labels, batch.observed)


def _dialogues(batch: Batch) -> Iterator[Batch]:
    """Each dialogue as a batch of its own."""
    for first, length in zip(batch.first.tolist(), batch.lengths.tolist(), strict=True):
        rows = slice(first, first + length)
        yield Batch(
            features={m: x[rows] for m, x in batch.features.items()},
            lengths=batch.lengths.new_tensor([length]),
            speakers=batch.speakers[rows],
            labels=batch.labels[rows],
            observed={m: x[rows] for m, x in batch.observed.items()},
        )


def _close(some: Mapping[str, Tensor], others: Mapping[str, Tensor]) -> bool:
    """Whether they are equal but for rounding."""
    return all(torch.allclose(z, others[m], rtol=1e-3, atol=1e-4) for m, z in some.items())
