"""Runs an extractor over a corpus: in shards of whole dialogues, so that a killed run goes on.

A shard is one call of the extractor and one file. The file's name is the digest of all that decides
what is in it, so a shard of an earlier run is taken if and only if it would come out the same.
"""

import hashlib
import inspect
import json
import logging
import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from tqdm import tqdm

from spcl.data.media import MediaReference
from spcl.data.records import Problem, problem_table
from spcl.errors import UserError
from spcl.extract.base import Extractor, Item
from spcl.jobs.job import HEADLINE
from spcl.provenance.code import digest
from spcl.provenance.corpora import cache_path, tree_digest
from spcl.provenance.digest_cache import DigestCache
from spcl.provenance.inputs import files
from spcl.tables import parquet, schemas
from spcl.tables.parquet import Column, Schema, describe, metadata

_SHARD_SIZE = 64  # utterances; a longer dialogue is a shard of its own
_LOG_EVERY_S = 30.0

_SOURCES = {"a": "audio_path", "t": "text", "v": "video_path"}
_WORDS = {"a": "sound", "t": "transcript", "v": "video"}

_SHARD = Schema(
    "shard of features",
    (*schemas.FEATURES.columns, Column("reason", pa.string(), "why not observed", nullable=True)),
    key=("utterance_id",),
)

logger = logging.getLogger("spcl.extract")


@dataclass(frozen=True)
class Extraction:
    """The features of a corpus in one modality.

    Attributes
    ----------
    features
        One row an utterance, in the corpus' order; schema `spcl.tables.schemas.FEATURES`, metadata
        included.
    problems
        One row an utterance without features; schema `spcl.tables.schemas.PROBLEMS`. It is empty
        where the utterance has none.
    """

    features: pa.Table
    problems: pa.Table

    def write(self, features: str | Path, problems: str | Path) -> None:
        """Write the two files."""
        parquet.write(self.problems, problems, schemas.PROBLEMS)
        parquet.write(self.features, features, schemas.FEATURES)


def extract(
    utterances: pa.Table,
    corpus: str | Path,
    extractor: Extractor,
    *,
    shards: str | Path,
    problem_limit: float = 0.02,
    threads: int = 1,
) -> Extraction:
    """Extract the features of every utterance of a corpus.

    Parameters
    ----------
    utterances
        Schema `spcl.tables.schemas.UTTERANCES`, with its metadata.
    corpus
        The folder that the media's paths are relative to.
    extractor
        What turns items into features.
    shards
        A working folder, for this dataset and modality alone. Finished shards stay in it if the run
        is killed or stops over the limit; it is removed when the run is done.
    problem_limit
        The share of utterances, 0..1, that may be without features. An utterance whose media is
        missing, cannot be decoded, or gives NaN counts as well as an empty transcript.
    threads
        For the extractor. They change nothing but the time.

    Raises
    ------
    UserError
        More than `problem_limit` of the utterances are without features, or no utterance has
        media of this modality at all.
    """
    m, shards = extractor.modality, Path(shards)
    dataset = metadata(utterances)["dataset"]
    ids = utterances["utterance_id"].to_pylist()
    sources = utterances[_SOURCES[m]].to_pylist()
    if ids and not any(sources):
        own = m in metadata(utterances).get("brings", {})
        remedy = (
            f"it brings features of its own: write features: {{{m}: {{extractor: corpus}}}}"
            if own
            else f"leave '{m}' out of features and grid.modalities, or fill the column"
            f" {_SOURCES[m]} of its utterances"
        )
        raise UserError(f"features.{m}: no utterance of {dataset} has a {_WORDS[m]}; {remedy}")
    items = [_item(*row, m, Path(corpus)) for row in zip(ids, sources, strict=True)]
    parts = _in_shards(items, utterances["dialogue_id"].to_pylist())
    contents = DigestCache(cache_path(str(corpus)))
    table = _run(extractor, parts, shards, threads, dataset, contents)

    reasons = table["reason"].to_pylist()
    problems = [
        Problem(_file(source, m), name, m, reason)
        for name, source, reason in zip(ids, sources, reasons, strict=True)
        if reason
    ]
    report_problems(problems, len(ids), m, dataset, problem_limit)
    shutil.rmtree(shards, ignore_errors=True)
    features = describe(
        table.drop_columns(["reason"]),
        dataset=dataset,
        modality=m,
        extractor=extractor.name,
        version=extractor.version,
        options=_options(extractor),
        width=extractor.width,
        inputs=_short_digest([ids, sources]),
        simulated=metadata(utterances)["simulated"],
    )
    return Extraction(features, problem_table(dataset, problems))


def _item(utterance_id: str, source: str | None, modality: str, corpus: Path) -> Item:
    """The utterance with the one source that the modality needs."""
    if modality == "t":
        return Item(utterance_id, text=source or "")
    if not source:
        return Item(utterance_id)
    reference = MediaReference.parse(source)
    reference = replace(reference, path=str(corpus / reference.path))
    if modality == "a":
        return Item(utterance_id, audio=reference)
    return Item(utterance_id, video=reference)


def _file(source: str | None, modality: str) -> str:
    """The file of a problem, relative to the corpus folder; empty where there is none."""
    return MediaReference.parse(source).path if source and modality != "t" else ""


def _in_shards(items: Sequence[Item], dialogues: Sequence[str]) -> list[list[Item]]:
    """Cut `items` between dialogues into parts of `_SHARD_SIZE` or a little more."""
    parts: list[list[Item]] = []
    before = None
    for item, dialogue in zip(items, dialogues, strict=True):
        if not parts or (dialogue != before and len(parts[-1]) >= _SHARD_SIZE):
            parts.append([])
        parts[-1].append(item)
        before = dialogue
    return parts


def _run(
    extractor: Extractor,
    parts: Sequence[list[Item]],
    shards: Path,
    threads: int,
    dataset: str,
    contents: DigestCache,
) -> pa.Table:
    """Make each shard that is not there yet, and read them all."""
    options = _options(extractor)
    identity = [
        extractor.name,
        extractor.version,
        options,
        {path: tree_digest(path, contents) for path in files({"options": options})},
        digest(inspect.getfile(type(extractor))),
    ]
    names = [_short_digest([identity, _inputs(part, contents)]) for part in parts]
    paths = [shards / f"{name}.parquet" for name in names]
    n, done, last = sum(map(len, parts)), 0, time.monotonic()
    found = sum(path.exists() for path in paths)
    if found:
        logger.log(HEADLINE, "Going on with %d of %d shards in %s", found, len(paths), shards)
    title = f"{dataset}, {_WORDS[extractor.modality]}"
    with tqdm(total=n, desc=title, unit="utterance", disable=None, leave=False) as bar:
        for part, path in zip(parts, paths, strict=True):
            if not path.exists():
                parquet.write(_shard(extractor, part, threads), path, _SHARD)
            done += len(part)
            bar.update(len(part))
            if time.monotonic() - last > _LOG_EVERY_S:
                last = time.monotonic()
                logger.info("%s: %d of %d utterances", title, done, n)
    return pa.concat_tables([parquet.read(path, _SHARD) for path in paths])


def _shard(extractor: Extractor, items: Sequence[Item], threads: int) -> pa.Table:
    """Extract one shard; what is not finite is not observed."""
    extracted = extractor(items, threads)
    if extracted.features.shape != (len(items), extractor.width):
        raise ValueError(
            f"{extractor.name}: expected features ({len(items)}, {extractor.width}), got"
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


def report_problems(
    problems: Sequence[Problem], n: int, modality: str, dataset: str, problem_limit: float
) -> None:
    """Log the problems; stop if there are too many."""
    for problem in problems:
        logger.info("%s %s: %s", problem.utterance_id, problem.file, problem.reason)
    if not problems:
        return
    share = f"{len(problems)} of {n} utterances of {dataset} have no usable {_WORDS[modality]}"
    if len(problems) > problem_limit * n:
        first = "; ".join(f"{one.utterance_id}: {one.reason}" for one in problems[:3])
        raise UserError(
            f"features.{modality}: {share} ({first}); that is more than problem_limit"
            f" ({problem_limit:g}); mend the corpus or set problem_limit:"
            f" {math.ceil(1000 * len(problems) / n) / 1000:g}"
        )
    logger.log(HEADLINE, "%s; the table of problems says why", share)


def _inputs(items: Sequence[Item], contents: DigestCache) -> list[Any]:
    """What `items` are, with the content of their files."""
    described: list[Any] = []
    for item in items:
        described.append([item.utterance_id, item.text, str(item.audio), str(item.video)])
        media = [one.path for one in (item.audio, item.video) if one is not None]
        described.append([contents.of_file(path) for path in media])
    return described


def _options(extractor: Extractor) -> dict[str, Any]:
    """The options of `extractor`, defaults included."""
    return asdict(extractor)  # type: ignore[call-overload]


def _short_digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
