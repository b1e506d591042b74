"""The trainings of several seeds in step, their recurrences run as one.

A recurrence is hundreds of small products, one after the other: on a GPU, starting them takes
longer than computing them. Those of several seeds fit into one, with the cells of all side by side.
Everything else stays each training's own, so that none depends on another: its model, batches,
dropout masks, curriculum, clipping, Adam and end.
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
from spcl.training.loop import Training

log = logging.getLogger("spcl.training")


def stackable(model: type[nn.Module]) -> bool:
    """Whether the seeds of `model` can train as one.

    Its class defines ``unroll``, ``together`` and ``classify``, as BiDDIN's does, and is none that
    inherits them: that one may compute something else.
    """
    return {"unroll", "together", "classify"} <= vars(model).keys()


class Stacked:
    """Trainings of one cell that step together, each as it would alone but for rounding.

    Torch's default generator, which draws the dropout masks, is lent to each training in turn. One
    training steps as if there were no others; so do several, one after another, once the device's
    memory turns out too small for all at once.
    """

    def __init__(self) -> None:
        self._trainings: list[Training] = []
        self._random_states: list[Tensor] = []
        self._turn = 0
        self._fits = True

    def add(self, training: Training) -> None:
        """Take over a training, right after it was made or loaded its state."""
        self._turn = len(self._trainings)
        self._trainings.append(training)
        self._random_states.append(training.random_state)

    @property
    def going(self) -> list[Training]:
        """Those that have not finished."""
        return [training for training in self._trainings if not training.finished]

    def step(self) -> list[Training]:
        """One step of each that has not finished; those that ended an epoch with it."""
        going = self.going
        if len(going) == 1 or not self._fits:
            return [training for training in going if self._lend(training).step()]
        start = time.perf_counter()
        before = [
            (self._lend(training).random_state, copy.deepcopy(training.curriculum.state_dict()))
            for training in going
        ]
        try:
            steps = self._backward(going)
        except torch.OutOfMemoryError as error:
            reason = str(error).splitlines()[0]
            log.info("no memory for all seeds at once, so one after another (%s)", reason)
            self._fits = False
        if not self._fits:
            for training, (random_state, state) in zip(going, before, strict=True):
                self._lend(training).random_state = random_state
                training.curriculum.load_state_dict(state)
            return self.step()
        share = (time.perf_counter() - start) / len(going)
        return [
            training
            for training, step in zip(going, steps, strict=True)
            if self._lend(training).learn(*step, time.perf_counter() - share)
        ]

    def state_dict(self, training: Training) -> dict[str, Any]:
        """Of one of the trainings, as if it were alone."""
        return self._lend(training).state_dict()

    def _lend(self, training: Training) -> Training:
        """Give torch's default generator to `training`."""
        turn = self._trainings.index(training)
        if turn != self._turn:
            self._random_states[self._turn] = self._trainings[self._turn].random_state
            training.random_state = self._random_states[turn]
            self._turn = turn
        return training

    def _backward(self, going: Sequence[Training]) -> list[tuple[Tensor, Batch, CurriculumStep]]:
        """The gradients of one step of each."""
        taken = []
        for training in going:
            training.optimizer.zero_grad()
            model: Any = self._lend(training).model.train()
            rows, batch = training.batch()
            taken.append((model, rows, batch, *model.unroll(batch)))
        model_class: Any = type(going[0].model)
        emotions = model_class.together(
            [model for model, *_ in taken], [steps for *_, steps, _, _ in taken]
        )
        steps = []
        for training, (model, rows, batch, _, there, back), e in zip(
            going, taken, emotions, strict=True
        ):
            self._lend(training)
            logits = model.classify(batch, take(e.flatten(0, 2), back, there))
            step = training.curriculum(logits, batch.labels, batch.lengths, rows)
            steps.append((rows, batch, step))
        torch.stack([step.loss for _, _, step in steps]).sum().backward()
        return steps
