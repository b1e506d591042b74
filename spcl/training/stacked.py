"""The trainings of several seeds in lockstep, their recurrences computed as one.

A recurrence consists of hundreds of small products in sequence. On a GPU, launching them takes
longer than computing them. The products of several seeds are therefore stacked into one. Everything
else is separate for each seed, so that no training depends on another: the model, batches, dropout
masks, curriculum, clipping, Adam and early stopping.
"""

import copy
import logging
import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from spcl.curriculum import CurriculumStep
from spcl.models import Batch
from spcl.models.rows import take
from spcl.training.gradients import backward
from spcl.training.loop import Training

log = logging.getLogger("spcl.training")


def stackable(model: type[nn.Module]) -> bool:
    """Whether the recurrences of several seeds of `model` can be computed as one.

    The class itself must define ``unroll``, ``together`` and ``classify``, as `BiDDIN` does. A
    class that inherits them may compute something else.
    """
    return {"unroll", "together", "classify"} <= vars(model).keys()


class Stacked:
    """Trainings of one cell that step together. Each result equals that of a separate training, up
    to rounding.

    Torch's default generator, which draws the dropout masks, is set to the state of each training
    in turn. A single training steps as usual. If the memory of the device is too small for all
    trainings, they step one after another.
    """

    def __init__(self) -> None:
        self._trainings: list[Training] = []
        self._random_states: list[Tensor] = []
        self._current = 0
        self._fits = True

    def add(self, training: Training) -> None:
        """Add a training, right after it was built or loaded its state."""
        self._current = len(self._trainings)
        self._trainings.append(training)
        self._random_states.append(training.random_state)

    @property
    def unfinished(self) -> list[Training]:
        """The trainings that have not finished."""
        return [training for training in self._trainings if not training.finished]

    def step(self) -> list[Training]:
        """Step each unfinished training; return those that ended an epoch."""
        unfinished = self.unfinished
        if len(unfinished) == 1 or not self._fits:
            return [training for training in unfinished if self._switch_to(training).step()]
        start = time.perf_counter()
        before = [
            (
                self._switch_to(training).random_state,
                copy.deepcopy(training.curriculum.state_dict()),
            )
            for training in unfinished
        ]
        try:
            steps = self._backward(unfinished)
        except torch.OutOfMemoryError as error:
            reason = str(error).splitlines()[0]
            log.info(
                "too little memory for all seeds at once; training one after another (%s)", reason
            )
            self._fits = False
        if not self._fits:
            for training, (random_state, state) in zip(unfinished, before, strict=True):
                self._switch_to(training).random_state = random_state
                training.curriculum.load_state_dict(state)
            return self.step()
        share = (time.perf_counter() - start) / len(unfinished)
        return [
            training
            for training, step in zip(unfinished, steps, strict=True)
            if self._switch_to(training).learn(*step, time.perf_counter() - share)
        ]

    def state_dict(self, training: Training) -> dict[str, Any]:
        """The state of one training, see `Training.state_dict`."""
        return self._switch_to(training).state_dict()

    def _switch_to(self, training: Training) -> Training:
        """Set torch's default generator to the state of `training`."""
        index = self._trainings.index(training)
        if index != self._current:
            self._random_states[self._current] = self._trainings[self._current].random_state
            training.random_state = self._random_states[index]
            self._current = index
        return training

    def _backward(
        self, unfinished: Sequence[Training]
    ) -> list[tuple[Tensor, Batch, CurriculumStep]]:
        """Compute the gradients of one step of each training."""
        taken = []
        for training in unfinished:
            training.optimizer.zero_grad()
            model: Any = self._switch_to(training).model.train()
            rows, batch = training.batch()
            taken.append((model, rows, batch, *model.unroll(batch)))
        model_class: Any = type(unfinished[0].model)
        emotions = model_class.together(
            [model for model, *_ in taken], [steps for *_, steps, _, _ in taken]
        )
        steps = []
        for training, (model, rows, batch, _, there, back), e in zip(
            unfinished, taken, emotions, strict=True
        ):
            self._switch_to(training)
            logits = model.classify(batch, take(e.flatten(0, 2), back, there))
            step = training.curriculum(logits, batch.labels, batch.lengths, rows)
            steps.append((rows, batch, step))
        backward(
            [
                (training.curriculum, step, training.parameters)
                for training, (_, _, step) in zip(unfinished, steps, strict=True)
            ]
        )
        return steps
