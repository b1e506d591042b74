"""Runs a cell up to the end of its first training step; prints the seconds of each part as JSON.

For each part it prints the wall seconds and the processor seconds. It does the same as
scripts/train_cell.py, in the same order. Arguments: the time at which the process was started
(seconds since 1970), the folder of the tables, and the baseline.
"""

import json
import sys
import time
from pathlib import Path

asked, folder, baseline = float(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
parts: dict[str, tuple[float, float]] = {}


def part(name: str) -> None:
    """Assign the time since the end of the previous part to `name`."""
    before = [sum(values) for values in zip(*parts.values(), strict=True)] or [0.0, 0.0]
    parts[name] = (time.time() - asked - before[0], time.process_time() - before[1])


part("Python")

from snakemake.iocontainers import Snakemake  # noqa: E402, F401
from snakemake.logging import logger  # noqa: E402, F401

part("Snakemake's preamble")

from spcl.tables import parquet  # noqa: E402
from spcl.tables.schemas import FEATURES, UTTERANCES  # noqa: E402

part("pyarrow")

import torch  # noqa: E402

part("torch")

import spcl.training.cell  # noqa: E402, F401
from spcl import curriculum, models  # noqa: E402
from spcl.training.dialogues import load_corpus  # noqa: E402
from spcl.training.loop import Training  # noqa: E402
from spcl.training.settings import TrainingSettings  # noqa: E402

part("the library")

torch.set_num_threads(1)
torch.set_deterministic_debug_mode("error")

utterances = parquet.read(folder / "utterances.parquet", UTTERANCES)
features = {m: parquet.read(folder / f"{m}.parquet", FEATURES) for m in "atv"}

part("reading tables")

corpus = load_corpus(utterances, features, "atv", scale="standard", device="cpu")

part("laying out the corpus")

torch.manual_seed(1)
model = models.build(
    baseline,
    widths=corpus.widths,
    n_classes=len(corpus.labels),
    n_speakers=corpus.n_speakers,
)
spl = curriculum.build("spcl", threshold=0.4, growth=1.25)
training = Training(model, spl, corpus, TrainingSettings(epochs=2), seed=1)

part("model and optimiser")

training.step()

part("first step")

print(json.dumps(parts))
