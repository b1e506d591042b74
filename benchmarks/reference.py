"""The authors' code as another side of a comparison: a child process, the same batches."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.shapes import Shape
from spcl.errors import UserError
from spcl.training.dialogues import Dialogues

CHILD = Path(__file__).with_name("reference_child.py")


class Reference:
    """The authors' code with its curriculum, ready to train on `dialogues`.

    Parameters
    ----------
    clone
        Folder of a clone of github.com/np4s/SPCL.
    python
        The Python to run it with: one that has torch, and torch_geometric for DialogueGCN.
    baseline
        Its name.
    shape
        Its numbers of classes and speakers.
    dialogues
        The random features, in the order of modalities to train on.
    folder
        A temporary one, for the features.
    device, threads
        As for our side.

    Raises
    ------
    UserError
        Its code does not run with this Python.
    """

    def __init__(
        self,
        clone: Path,
        python: str,
        baseline: str,
        shape: Shape,
        dialogues: Dialogues,
        folder: Path,
        *,
        device: str,
        threads: int,
    ) -> None:
        features = folder / "features.npz"
        save_features(features, dialogues)
        settings: dict[str, Any] = {
            "baseline": baseline,
            "widths": {m: x.shape[1] for m, x in dialogues.features.items()},
            "classes": shape.classes,
            "speakers": shape.speakers,
            "device": device,
            "threads": threads,
        }
        command = [python, str(CHILD), str(clone.resolve()), str(features), json.dumps(settings)]
        self.log = folder / "reference.log"
        try:
            with self.log.open("w") as log:
                self.process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
                )
        except OSError as error:
            raise UserError(f"REFERENCE_PYTHON={python}: {error}; name another Python") from error
        self._answer()

    def seconds(self, chosen: np.ndarray) -> float:
        """Wall seconds of a training step on the `chosen` dialogues."""
        assert self.process.stdin
        print(*chosen.tolist(), file=self.process.stdin, flush=True)
        return float(self._answer())

    def _answer(self) -> str:
        assert self.process.stdout
        answer = self.process.stdout.readline()
        if not answer:
            self.close()
            lines = self.log.read_text().strip().splitlines() or ["it ended"]
            raise UserError(
                f"the reference does not run: {lines[-1]}; set REFERENCE_PYTHON= to a Python that"
                " has torch, numpy and torch_geometric"
            )
        return answer

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()


def check_clone(folder: Path) -> None:
    """Raise a UserError if `folder` is not a clone of the reference."""
    if not (folder / "code" / "model.py").is_file():
        raise UserError(
            f"AGAINST={folder}: not a clone of the reference; make one with:"
            " git clone https://github.com/np4s/SPCL"
        )


def save_features(path: Path, dialogues: Dialogues) -> None:
    """Write the corpus as plain arrays, for a process that does not import this project."""
    np.savez(
        path,
        lengths=dialogues.lengths,
        labels=dialogues.labels.cpu().numpy(),
        speakers=dialogues.speakers.cpu().numpy(),
        **{m: x.cpu().numpy() for m, x in dialogues.features.items()},
    )
