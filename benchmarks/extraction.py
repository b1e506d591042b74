"""The utterances a second of the default extractors, on the media of a simulated corpus."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import results
from benchmarks.machine import this_machine
from spcl.data.corpus import read_corpus, write_corpus
from spcl.data.simulator import simulate
from spcl.extract import build
from spcl.extract.extraction import extract
from spcl.tables import parquet
from spcl.tables.schemas import UTTERANCES

EXTRACTORS = {"t": "minilm", "a": "egemaps", "v": "face_hog"}  # config/paper.yaml


def run(device: str, threads: int, *, layout: str = "meld", dialogues: int = 24) -> Iterator[str]:
    """Measure, leave ``extraction.parquet``, and yield a line a modality.

    The time is that of `spcl.extract.extraction.extract`. It includes reading the media and loading
    the weights of the extractor.
    """
    machine = this_machine(device, threads)
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "corpus")
        simulate(layout, folder, seed=1, dialogues=dialogues)
        corpus = read_corpus(
            folder, layout=layout, labels=None, dataset="bench", protocol="official"
        )
        tables = [
            Path(temporary, f"{kind}.parquet") for kind in ("utterances", "problems", "report")
        ]
        write_corpus(corpus, *tables)
        utterances = parquet.read(tables[0], UTTERANCES)
        for modality, name in EXTRACTORS.items():
            start = time.perf_counter()
            done = extract(
                utterances,
                folder,
                build(modality, name),
                shards=Path(temporary, modality),
                threads=threads,
            )
            seconds = time.perf_counter() - start
            n = done.features.num_rows
            row = {"modality": modality, "extractor": name, "utterances": n, "seconds": seconds}
            rows.append(row)
            results.save("extraction", rows, machine)
            yield f"{modality} {name:10}{n:5} utterances{seconds:8.1f} s{n / seconds:7.1f} a second"
