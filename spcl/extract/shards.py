"""Extraction in shards of whole dialogues, so that an interrupted extraction can resume.

A shard is one batch of the extractor and one file. The name of the file is a digest of everything
that determines its content, so a shard of an earlier run is used only if its content would be the
same.

Three things happen at the same time: a pool of threads decodes the next shards, a thread for each
device computes a shard, and then writes it.
"""

import hashlib
import inspect
import json
import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import pyarrow as pa
from tqdm import tqdm

from spcl.extract.base import Extracted, Extractor, Item
from spcl.jobs.job import HEADLINE
from spcl.provenance.code import digest
from spcl.provenance.corpora import tree_digest
from spcl.provenance.digest_cache import DigestCache
from spcl.provenance.inputs import files
from spcl.tables import parquet, schemas
from spcl.tables.parquet import Column, Schema

_SIZE = 64
"""Utterances per shard; a shard with a long dialogue has more."""
_LOG_EVERY_S = 30.0

SHARD = Schema(
    "shard of features",
    (
        *schemas.FEATURES.columns,
        Column("kind", pa.string(), "of the reason", nullable=True),
        Column("reason", pa.string(), "why not observed, or a note", nullable=True),
    ),
    key=("utterance_id",),
)

logger = logging.getLogger("spcl.extract")


def extract_shards(
    extractor: Extractor,
    items: Sequence[Item],
    dialogues: Sequence[str],
    folder: Path,
    *,
    title: str,
    threads: int,
    contents: DigestCache,
) -> pa.Table:
    """Extract the shards that are not in `folder` yet, and read all of them.

    Parameters
    ----------
    items, dialogues
        The utterances of the corpus, and the dialogue of each.
    title
        The name of the work in messages.

    Returns
    -------
    pyarrow.Table
        Schema `spcl.tables.schemas.FEATURES` and the columns ``kind`` and ``reason``, in the order
        of `items`.
    """
    shards = _split(items, dialogues)
    options = extractor_options(extractor)
    identity = [
        extractor.name,
        extractor.version,
        options,
        {path: tree_digest(path, contents) for path in files({"options": options})},
        digest(inspect.getfile(type(extractor))),
    ]
    names = [short_digest([identity, _inputs(shard, contents)]) for shard in shards]
    paths = [folder / f"{name}.parquet" for name in names]
    missing = [one for one in zip(shards, paths, strict=True) if not one[1].exists()]
    if len(missing) < len(paths):
        found = len(paths) - len(missing)
        logger.log(HEADLINE, "Resuming with %d of %d shards in %s", found, len(paths), folder)
    to_do = sum(len(shard) for shard, _ in missing)
    done, last = len(items) - to_do, time.monotonic()
    with tqdm(
        total=len(items), initial=done, desc=title, unit="item", disable=None, leave=False
    ) as bar:
        for count in _write_shards(extractor, missing, threads):
            done += count
            bar.update(count)
            if time.monotonic() - last > _LOG_EVERY_S:
                last = time.monotonic()
                logger.info("%s: %d of %d", title, done, len(items))
    return pa.concat_tables([parquet.read(path, SHARD) for path in paths])


def _write_shards(
    extractor: Extractor, shards: Sequence[tuple[list[Item], Path]], threads: int
) -> Iterator[int]:
    """Extract shards and write each to its path; yield their sizes when they are written."""
    devices: SimpleQueue[str] = SimpleQueue()
    for device in extractor.devices:
        devices.put(device)

    def extract(items: list[Item], loads: list[Future[Any]], path: Path) -> int:
        loaded = [load.result() for load in loads]
        device = devices.get()
        try:
            extracted = extractor.finish(items, loaded, device, threads)
        finally:
            devices.put(device)
        parquet.write(_table(extractor, items, extracted), path, SHARD)
        return len(items)

    ahead = devices.qsize() + 1  # of shards in memory
    with ThreadPoolExecutor(threads) as decoding, ThreadPoolExecutor(ahead) as computing:
        running: deque[Future[int]] = deque()
        try:
            for items, path in shards:
                loads = [decoding.submit(extractor.load_or_reason, item) for item in items]
                running.append(computing.submit(extract, items, loads, path))
                if len(running) > ahead:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:  # after an error or an interrupt, start nothing more
            decoding.shutdown(wait=False, cancel_futures=True)
            computing.shutdown(wait=False, cancel_futures=True)


def extractor_options(extractor: Extractor) -> dict[str, Any]:
    """The options of `extractor`, including defaults."""
    return asdict(extractor)  # type: ignore[call-overload]


def short_digest(value: Any) -> str:
    """Sixteen hexadecimal digits over a JSON-like value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _split(items: Sequence[Item], dialogues: Sequence[str]) -> list[list[Item]]:
    """Split `items` between dialogues into shards of at least `_SIZE` utterances."""
    shards: list[list[Item]] = []
    before = None
    for item, dialogue in zip(items, dialogues, strict=True):
        if not shards or (dialogue != before and len(shards[-1]) >= _SIZE):
            shards.append([])
        shards[-1].append(item)
        before = dialogue
    return shards


def _table(extractor: Extractor, items: Sequence[Item], extracted: Extracted) -> pa.Table:
    """A shard as a table."""
    observed = np.array([reason is None for reason in extracted.reasons], bool)
    remarks = [
        reason or next(iter(item.notes), None)
        for reason, item in zip(extracted.reasons, items, strict=True)
    ]
    columns = {name: pa.array(values, mask=~observed) for name, values in extracted.columns.items()}
    values = pa.array(extracted.features.ravel())
    return pa.table(
        {
            "utterance_id": [item.name for item in items],
            "observed": observed,
            "features": pa.FixedSizeListArray.from_arrays(values, extractor.width),
            "kind": pa.array([one and one.kind for one in remarks], pa.string()),
            "reason": pa.array([one and one.text for one in remarks], pa.string()),
        }
        | columns
    )


def _inputs(items: Sequence[Item], contents: DigestCache) -> list[Any]:
    """The items of a shard, with the content of their files."""
    described: list[Any] = []
    for item in items:
        described.append([item.name, item.text, item.speaker, item.context])
        described.append([str(item.audio), str(item.video), item.annotated_s, item.longest_s])
        media = [one.path for one in (item.audio, item.video) if one is not None]
        described.append([contents.of_file(path) for path in media])
    return described
