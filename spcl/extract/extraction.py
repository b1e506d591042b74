"""Extraction of the features of a whole corpus in one modality."""

import logging
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from spcl.data.media import MediaReference
from spcl.data.problems import Problem, problem_table
from spcl.errors import UserError
from spcl.extract.base import Extractor, Item
from spcl.extract.shards import extract_shards, extractor_options, short_digest
from spcl.jobs.job import HEADLINE
from spcl.provenance.corpora import cache_path
from spcl.provenance.digest_cache import DigestCache
from spcl.tables import parquet, schemas
from spcl.tables.parquet import describe, metadata

_SOURCES = {"a": "audio_path", "t": "text", "v": "video_path"}
_WORDS = {"a": "sound", "t": "transcript", "v": "video"}

logger = logging.getLogger("spcl.extract")


@dataclass(frozen=True)
class Extraction:
    """The features of a corpus in one modality.

    Attributes
    ----------
    features
        One row per utterance, in the order of the corpus; schema `spcl.tables.schemas.FEATURES`,
        with metadata.
    problems
        One row per utterance without features; schema `spcl.tables.schemas.PROBLEMS`.
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
        The folder to which the paths of the media are relative.
    extractor
        The extractor, see `spcl.extract.build`.
    shards
        A working folder for this dataset and modality. Finished shards stay in it if the extraction
        is interrupted or exceeds the limit. It is deleted when the extraction is complete.
    problem_limit
        The maximum share of utterances without features, 0..1. An utterance has no features if its
        media are missing, cannot be decoded or give NaN, or if its transcript is empty.
    threads
        The number of threads of the extractor. It does not change the features.

    Raises
    ------
    UserError
        More than `problem_limit` of the utterances have no features, or no utterance has media of
        this modality.
    """
    m, shards = extractor.modality, Path(shards)
    dataset = metadata(utterances)["dataset"]
    ids = utterances["utterance_id"].to_pylist()
    sources = utterances[_SOURCES[m]].to_pylist()
    if ids and not any(sources):
        remedy = (
            f"the corpus contains features: write features: {{{m}: {{extractor: corpus}}}}"
            if m in metadata(utterances).get("brings", {})
            else f"remove '{m}' from features and grid.modalities, or fill the column"
            f" {_SOURCES[m]} of the utterances"
        )
        raise UserError(f"features.{m}: no utterance of {dataset} has a {_WORDS[m]}; {remedy}")
    items = [_item(*row, m, Path(corpus)) for row in zip(ids, sources, strict=True)]
    table = extract_shards(
        extractor,
        items,
        utterances["dialogue_id"].to_pylist(),
        shards,
        title=f"{dataset}, {_WORDS[m]}",
        threads=threads,
        contents=DigestCache(cache_path(str(corpus))),
    )

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
        options=extractor_options(extractor),
        width=extractor.width,
        inputs=short_digest([ids, sources]),
        simulated=metadata(utterances)["simulated"],
    )
    return Extraction(features, problem_table(dataset, problems))


def _item(utterance_id: str, source: str | None, modality: str, corpus: Path) -> Item:
    """The utterance with the text, audio or video of the modality."""
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
    """The file of a problem, relative to the corpus folder; empty if there is none."""
    return MediaReference.parse(source).path if source and modality != "t" else ""


def report_problems(
    problems: Sequence[Problem], n: int, modality: str, dataset: str, problem_limit: float
) -> None:
    """Log the problems; raise `UserError` if there are too many."""
    for problem in problems:
        logger.info("%s %s: %s", problem.utterance_id, problem.file, problem.reason)
    if not problems:
        return
    share = f"{len(problems)} of {n} utterances of {dataset} have no usable {_WORDS[modality]}"
    if len(problems) > problem_limit * n:
        first = "; ".join(f"{one.utterance_id}: {one.reason}" for one in problems[:3])
        raise UserError(
            f"features.{modality}: {share} ({first}); that is more than problem_limit"
            f" ({problem_limit:g}); fix the corpus or set problem_limit:"
            f" {math.ceil(1000 * len(problems) / n) / 1000:g}"
        )
    logger.log(HEADLINE, "%s; see the table of problems", share)
