"""The time from the start of a cell's process to the end of its first training step, by parts.

Each run is a new process with one thread; the medians of its parts are used. The corpus has the
size of MELD and is stored in Parquet, as the workflow writes it.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks import results
from benchmarks.machine import this_machine
from benchmarks.shapes import SHAPES, Shape
from spcl.tables import parquet
from spcl.tables.schemas import FEATURES, UTTERANCES

CHILD = Path(__file__).with_name("startup_child.py")


def write_tables(shape: Shape, folder: Path) -> None:
    """Write a random corpus of this shape as tables; nine tenths are training data."""
    corpus = shape.corpus("atv", device="cpu")
    ids, dialogues = corpus.utterance_ids.tolist(), corpus.dialogue_ids
    n, labels = len(ids), [f"emotion-{label}" for label in range(shape.classes)]
    parts = np.array(["dev", "test", *["train"] * 18])
    columns = {
        "dialogue_id": dialogues.tolist(),
        "utterance_id": ids,
        "position": np.concatenate([np.arange(length) for length in corpus.lengths]),
        "speaker": [str(one) for one in corpus.speakers.tolist()],
        "text": [""] * n,
        "emotion": pa.array([labels[one] for one in corpus.labels]).dictionary_encode(),
        "split": parts[dialogues.astype(int) % len(parts)].tolist(),
        "start_s": [None] * n,
        "end_s": [None] * n,
        "audio_path": [None] * n,
        "video_path": [None] * n,
    }
    facts = {"dataset": "random", "simulated": True}
    parquet.write(
        UTTERANCES.table(columns),
        folder / "utterances.parquet",
        UTTERANCES,
        labels=labels,
        protocol="official",
        protocol_seed=0,
        **facts,
    )
    for m, x in corpus.features.items():
        flat = pa.array(x.numpy().ravel())
        vectors = pa.FixedSizeListArray.from_arrays(flat, x.shape[1])
        table = {"utterance_id": ids, "observed": [True] * n, "features": vectors}
        facts |= {"modality": m, "width": x.shape[1], "extractor": "random"}
        facts |= {"version": "1", "options": {}, "inputs": ""}
        parquet.write(FEATURES.table(table), folder / f"{m}.parquet", FEATURES, **facts)


def measure(folder: Path, baseline: str) -> dict[str, tuple[float, float]]:
    """Wall and processor seconds of each part of one start."""
    command = [sys.executable, str(CHILD), str(time.time()), str(folder), baseline]
    done = subprocess.run(
        ["env", "OMP_NUM_THREADS=1", f"PYTHONPATH={Path.cwd()}", *command],
        capture_output=True,
        text=True,
        check=True,
    )
    parts: dict[str, tuple[float, float]] = json.loads(done.stdout)
    return parts


def run(device: str, threads: int, *, baseline: str = "mmgcn", starts: int = 5) -> Iterator[str]:
    """Measure `starts` starts, write ``startup.parquet``, and yield a line for each part."""
    machine = this_machine(device, threads)
    with tempfile.TemporaryDirectory() as temporary:
        write_tables(SHAPES["meld"], Path(temporary))
        spent = [measure(Path(temporary), baseline) for _ in range(starts)]
    rows: list[dict[str, Any]] = []
    for part in spent[0]:
        seconds, processor = np.median([one[part] for one in spent], 0).tolist()
        rows.append({"part": part, "seconds": seconds, "processor_seconds": processor})
    results.save("startup", rows, machine)
    total = {key: sum(row[key] for row in rows) for key in ("seconds", "processor_seconds")}
    for row in (*rows, {"part": "a cell up to here", **total}):
        yield (
            f"{row['part']:24}{row['seconds']:8.2f} s,"
            f"{row['processor_seconds']:8.2f} s of the processor"
        )
