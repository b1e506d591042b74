"""Checks that a custom baseline or curriculum fulfils its contract, before it is trained.

docs/plug-in.md describes the contract.
"""

import inspect
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from spcl.curriculum import Curriculum, CurriculumStep
from spcl.curriculum.scores import Logits
from spcl.errors import UserError
from spcl.jobs.job import HEADLINE
from spcl.models import Batch
from spcl.study.extensions import fault_in
from spcl.training.dialogues import Dialogues

log = logging.getLogger("spcl.training.contract")

_LENGTHS = (3, 1, 5)  # unequal lengths show whether padding changes the logits


def check_model(
    model: nn.Module, *, widths: Mapping[str, int], n_classes: int, n_speakers: int, key: str
) -> None:
    """Check the output of `model` in evaluation mode for a small batch of random features.

    The check does not change the model, its mode or torch's random state. If the logits of a
    dialogue change with the other dialogues of the batch, it writes a line to the log.

    Parameters
    ----------
    model
        Returned by `spcl.models.build`.
    widths, n_classes, n_speakers
        The arguments of `spcl.models.build`.
    key
        The beginning of messages, for example ``baselines.my_gru``.

    Raises
    ------
    UserError
        The model fails, does not return logits (N, C) for every modality, or uses the labels.
    """
    parameter = next(model.parameters(), torch.empty(0))
    dialogues = _made_dialogues(widths, n_classes, n_speakers, parameter.device)
    rows = np.arange(len(_LENGTHS))
    _, whole = dialogues.batch(rows)
    labels = (dialogues.labels + 1) % n_classes
    labels[0] = -1
    relabelled_dialogues = replace(dialogues, labels=labels)
    training = model.training
    with torch.no_grad(), torch.random.fork_rng([parameter.device] if parameter.is_cuda else []):
        model.eval()
        try:
            logits = _checked_logits(model(whole), widths, len(whole.labels), n_classes, key)
            again = model(whole)
            relabelled = model(relabelled_dialogues.batch(rows)[1])
            alone = [model(batch) for _, batch in dialogues.batches(rows, 1)]
        except UserError:
            raise
        except Exception as error:
            what = fault_in(Path(inspect.getfile(type(model))), error)
            raise UserError(
                f"{key}: forward fails on a small batch of random features: {what}"
            ) from error
        finally:
            model.train(training)
    if not _close(logits, again):
        log.log(HEADLINE, "%s: in evaluation mode the logits differ between two calls", key)
        return
    if not _close(logits, relabelled):
        raise UserError(
            f"{key}: the logits change with batch.labels; compute them from the features only"
        )
    if not _close(logits, {m: torch.cat([one[m] for one in alone]) for m in widths}):
        log.log(
            HEADLINE,
            "%s: the logits of a dialogue change with the other dialogues of the batch, so scores"
            " depend on the batch size; docs/plug-in.md describes how to avoid this",
            key,
        )


def check_parameters(
    model: nn.Module, modalities: Iterable[str], *, strategy: str, key: str
) -> None:
    """Check the ``modality_parameters`` of a model, see `spcl.models.parameters`.

    Parameters
    ----------
    model
        Returned by `spcl.models.build`.
    modalities
        In the order of the logits.
    strategy
        The key of the strategy that needs them, for messages.
    key
        The beginning of other messages, for example ``baselines.my_gru``.

    Raises
    ------
    UserError
        The model does not define them, or they are not disjoint sets of its parameters.
    """
    if not hasattr(model, "modality_parameters"):
        raise UserError(
            f"{strategy}: needs the parameters of each modality, and {key} does not define"
            " modality_parameters(); add it, see docs/plug-in.md"
        )
    network: Any = model
    found = network.modality_parameters()
    if not isinstance(found, Mapping) or list(found) != list(modalities):
        what = list(found) if isinstance(found, Mapping) else type(found).__name__
        raise UserError(
            f"{key}: modality_parameters returns {what}; return a list of parameters for each of"
            f" {list(modalities)}, in this order"
        )
    names = {parameter: name for name, parameter in model.named_parameters()}
    owners: dict[nn.Parameter, Tensor] = {}
    for own in found.values():
        for part in own:
            parameter, rows = part if isinstance(part, tuple) else (part, slice(None))
            if parameter not in names:
                raise UserError(
                    f"{key}: modality_parameters returns a {type(parameter).__name__} that is not a"
                    " parameter of the model; return entries of model.parameters()"
                )
            times = owners.setdefault(parameter, torch.zeros(max(parameter.shape[:1], default=1)))
            times[rows] += 1
            if times.max() > 1:
                raise UserError(
                    f"{key}: modality_parameters returns '{names[parameter]}' more than once; leave"
                    " out what is shared between modalities"
                )


def check_curriculum(curriculum: Curriculum, *, key: str) -> None:
    """Check the output of the first calls of `curriculum` and its `prepare`.

    Parameters
    ----------
    curriculum
        Returned by `spcl.curriculum.build`.
    key
        The beginning of messages, for example ``curricula.mine``.

    Raises
    ------
    UserError
        During the first step: it does not return a `CurriculumStep` with the right shapes, or its
        `prepare` does not return a batch of the same utterances.
    """

    def check(_: nn.Module, inputs: tuple[Any, ...], step: CurriculumStep) -> None:
        first_call.remove()
        logits, labels, lengths = inputs[:3]
        _check_step(step, logits, labels, lengths, key)

    first_call = curriculum.register_forward_hook(check)

    def prepare(batch: Batch) -> Batch:
        del vars(curriculum)["prepare"]
        prepared = curriculum.prepare(batch)
        if not isinstance(prepared, Batch):
            raise UserError(f"{key}: prepare returns a {type(prepared).__name__}; return a Batch")
        if prepared.labels.shape != batch.labels.shape:
            raise UserError(
                f"{key}: prepare returns {len(prepared.labels)} of {len(batch.labels)} utterances;"
                " hide utterances with batch.hide, and return them all"
            )
        return prepared

    vars(curriculum)["prepare"] = prepare  # for the first batch


def _checked_logits(
    logits: Any, widths: Mapping[str, int], n: int, n_classes: int, key: str
) -> Mapping[str, Tensor]:
    """Return `logits` if they have the right form."""
    if not isinstance(logits, Mapping):
        raise UserError(
            f"{key}: forward returns a {type(logits).__name__}; return the logits by modality,"
            ' {"a": (N, C), ...}'
        )
    if list(logits) != list(widths):
        raise UserError(
            f"{key}: forward returns logits of {list(logits)}; return those of {list(widths)}, in"
            " the order of widths"
        )
    for m, z in logits.items():
        if not isinstance(z, Tensor) or not z.is_floating_point():
            kind = z.dtype if isinstance(z, Tensor) else type(z).__name__
            raise UserError(f"{key}: logits['{m}'] are {kind}; return a tensor of floats")
        if z.shape != (n, n_classes):
            raise UserError(
                f"{key}: logits['{m}'] have shape {tuple(z.shape)} for N = {n} utterances in"
                f" {len(_LENGTHS)} dialogues and C = {n_classes} classes; return (N, C),"
                " utterances packed without padding"
            )
    return logits


def _check_step(step: Any, logits: Logits, labels: Tensor, lengths: Tensor, key: str) -> None:
    if not isinstance(step, CurriculumStep):
        raise UserError(f"{key}: forward returns a {type(step).__name__}; return a CurriculumStep")
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
            raise UserError(f"{key}: step.{name} has shape {found}; return {shape}")
    if step.selected.dtype != torch.bool:
        raise UserError(f"{key}: step.selected is {step.selected.dtype}; return booleans")
    for name in ("loss", "separate"):
        loss = getattr(step, name)
        if loss is not None and not loss.requires_grad:
            raise UserError(f"{key}: step.{name} has no gradient; compute it from the logits")


def _made_dialogues(
    widths: Mapping[str, int], n_classes: int, n_speakers: int, device: torch.device
) -> Dialogues:
    """Dialogues with random features."""
    random = torch.Generator().manual_seed(0)  # torch's default generator must not change
    n = sum(_LENGTHS)
    return Dialogues(
        features={m: torch.randn(n, d, generator=random).to(device) for m, d in widths.items()},
        observed={m: torch.ones(n, dtype=torch.bool, device=device) for m in widths},
        labels=torch.arange(n, device=device) % n_classes,
        speakers=torch.cat([torch.arange(length) % n_speakers for length in _LENGTHS]).to(device),
        lengths=np.array(_LENGTHS),
        dialogue_ids=np.repeat(np.arange(len(_LENGTHS)), _LENGTHS),
        utterance_ids=np.arange(n),
    )


def _close(some: Mapping[str, Tensor], others: Mapping[str, Tensor]) -> bool:
    """Whether they are equal up to rounding."""
    return all(torch.allclose(z, others[m], rtol=1e-3, atol=1e-4) for m, z in some.items())
