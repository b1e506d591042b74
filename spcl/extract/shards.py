"""Extraction in shards of whole dialogues, so that an interrupted extraction can resume.

A shard is one call of the extractor and one file. The name of the file is a digest of everything
that determines its content, so a shard of an earlier run is used only if its content would be the
same.
"""

import hashlib
import inspect
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from tqdm import tqdm

from spcl.extract.base import Extractor, Item
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

_SCHEMA = Schema(
    "shard of features",
    (*schemas.FEATURES.columns, Column("reason", pa.string(), "why not observed", nullable=True)),
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
        Schema `spcl.tables.schemas.FEATURES` and a column ``reason``, in the order of `items`.
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
    done, last = 0, time.monotonic()
    found = sum(path.exists() for path in paths)
    if found:
        logger.log(HEADLINE, "Resuming with %d of %d shards in %s", found, len(paths), folder)
    with tqdm(total=len(items), desc=title, unit="utterance", disable=None, leave=False) as bar:
        for shard, path in zip(shards, paths, strict=True):
            if not path.exists():
                parquet.write(_extract(extractor, shard, threads), path, _SCHEMA)
            done += len(shard)
            bar.update(len(shard))
            if time.monotonic() - last > _LOG_EVERY_S:
                last = time.monotonic()
                logger.info("%s: %d of %d utterances", title, done, len(items))
    return pa.concat_tables([parquet.read(path, _SCHEMA) for path in paths])


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


def _extract(extractor: Extractor, items: Sequence[Item], threads: int) -> pa.Table:
    """Extract one shard. An utterance whose features are not finite is not observed."""
    extracted = extractor(items, threads)
    if extracted.features.shape != (len(items), extractor.width):
        raise ValueError(
            f"{extractor.name}: expected features ({len(items)}, {extractor.width}), found"
            f" {extracted.features.shape}"
        )
    finite = np.isfinite(extracted.features).all(1)
    reasons = [
        reason or (None if good else "the features are NaN or infinite")
        for reason, good in zip(extracted.reasons, finite, strict=True)
    ]
    observed = np.array([reason is None for reason in reasons], bool)
    features = np.where(observed[:, None], extracted.features, 0).astype(np.float32)
    columns = {name: pa.array(values, mask=~observed) for name, values in extracted.columns.items()}
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(features.ravel()), extractor.width)
    names = [item.utterance_id for item in items]
    return pa.table(
        {"utterance_id": names, "observed": observed, "features": vectors}
        | {"reason": pa.array(reasons, pa.string())}
        | columns
    )


def _inputs(items: Sequence[Item], contents: DigestCache) -> list[Any]:
    """The utterances of a shard, with the content of their files."""
    described: list[Any] = []
    for item in items:
        described.append([item.utterance_id, item.text, str(item.audio), str(item.video)])
        media = [one.path for one in (item.audio, item.video) if one is not None]
        described.append([contents.of_file(path) for path in media])
    return described
