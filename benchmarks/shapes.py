"""Random corpora of the sizes of IEMOCAP and MELD, to measure trainings without the data."""

from dataclasses import dataclass

import numpy as np
import torch

from spcl.training.dialogues import Dialogues


@dataclass(frozen=True)
class Shape:
    """The size of a corpus.

    Attributes
    ----------
    dialogues, utterances, longest
        Counts; `longest` is the most utterances of one dialogue.
    widths
        Features a modality.
    classes, speakers
        Counts; `speakers` is the most of one dialogue.
    """

    dialogues: int
    utterances: int
    longest: int
    widths: dict[str, int]
    classes: int
    speakers: int

    def lengths(self) -> np.ndarray:
        """(B,) int64: dialogue lengths from 1 to `longest` that sum to `utterances`."""
        mean = self.utterances / self.dialogues
        # Quantiles of a power curve whose mean is that of the corpus.
        at = (np.arange(self.dialogues) + 0.5) / self.dialogues
        lengths = np.maximum(1, np.floor(self.longest * at ** (self.longest / mean - 1)))
        lengths = lengths.astype(np.int64)
        lengths[-1] = self.longest
        while (missing := self.utterances - int(lengths.sum())) != 0:
            free = np.flatnonzero((lengths < self.longest) if missing > 0 else (lengths > 1))[:-1]
            chosen = free[:: max(1, len(free) // abs(missing))][: abs(missing)]
            lengths[chosen] += np.sign(missing)
        return lengths

    def corpus(self, modalities: str, *, device: str, seed: int = 0) -> Dialogues:
        """Random features and labels of this shape, the dialogues shuffled."""
        rng = np.random.default_rng(seed)
        lengths = rng.permutation(self.lengths())
        n = int(lengths.sum())
        torch.manual_seed(seed)
        return Dialogues(
            features={m: torch.randn(n, self.widths[m], device=device) for m in modalities},
            observed={m: torch.ones(n, dtype=torch.bool, device=device) for m in modalities},
            labels=torch.randint(self.classes, (n,), device=device),
            speakers=torch.randint(self.speakers, (n,), device=device),
            lengths=lengths,
            dialogue_ids=np.repeat(np.arange(len(lengths)).astype(str), lengths),
            utterance_ids=np.arange(n).astype(str),
        )


SHAPES = {
    "iemocap": Shape(151, 7_433, 110, {"a": 512, "t": 768, "v": 1024}, 6, 2),
    "meld": Shape(1_432, 13_708, 33, {"a": 300, "t": 768, "v": 342}, 7, 9),
}
