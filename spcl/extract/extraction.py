"""Extraction of the features of a whole corpus in one modality."""

import logging
import math
import shutil
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from spcl.data.media import MediaReference
from spcl.data.problems import Problem, problem_table
from spcl.data.speakers import as_annotated
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

LENGTH_SLACK_S = 5.0
"""Seconds that a media file may always be longer than annotated."""

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
        A row for each utterance without features, and for each about which there is a note; schema
        `spcl.tables.schemas.PROBLEMS`.
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
    length_limit: float = 3.0,
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
    length_limit
        An utterance has no features if its own media file is longer than `length_limit` times its
        annotated length, and at least `LENGTH_SLACK_S` longer.
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
    dialogues = utterances["dialogue_id"].to_pylist()
    sources = utterances[_SOURCES[m]].to_pylist()
    if ids and not any(sources):
        remedy = (
            f"the corpus contains features: write features: {{{m}: {{extractor: corpus}}}}"
            if m in metadata(utterances).get("brings", {})
            else f"remove '{m}' from features and grid.modalities, or fill the column"
            f" {_SOURCES[m]} of the utterances"
        )
        raise UserError(f"features.{m}: no utterance of {dataset} has a {_WORDS[m]}; {remedy}")
    table = extract_shards(
        extractor,
        list(_items(utterances, m, Path(corpus), extractor.context, length_limit)),
        dialogues,
        shards,
        title=f"{dataset}, {_WORDS[m]}",
        threads=threads,
        contents=DigestCache(cache_path(str(corpus))),
    )
    remarks = zip(ids, sources, table["kind"].to_pylist(), table["reason"].to_pylist(), strict=True)
    problems = [
        Problem(_file(source, m), name, m, kind, reason)
        for name, source, kind, reason in remarks
        if kind
    ]
    observed = dict(zip(ids, table["observed"].to_pylist(), strict=True))
    report_problems(problems, observed, m, dataset, problem_limit)
    shutil.rmtree(shards, ignore_errors=True)
    features = describe(
        table.drop_columns(["kind", "reason"]),
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


def _items(
    utterances: pa.Table, modality: str, corpus: Path, context: int, length_limit: float
) -> Iterator[Item]:
    """The utterances with the text, audio or video of the modality."""
    before: dict[str, deque[tuple[str, str]]] = {}
    for row in utterances.to_pylist():
        if modality == "t":
            spoken = as_annotated(row["speaker"] or ""), (row["text"] or "").strip()
            earlier = before.setdefault(row["dialogue_id"], deque(maxlen=context))
            yield Item(row["utterance_id"], spoken[1], speaker=spoken[0], context=tuple(earlier))
            earlier.append(spoken)
            continue
        source = row[_SOURCES[modality]]
        if not source:
            yield Item(row["utterance_id"])
            continue
        reference = MediaReference.parse(source)
        reference = replace(reference, path=str(corpus / reference.path))
        annotated, longest = None, None
        start, end = row["start_s"], row["end_s"]
        if start is not None and end is not None and end > start:
            annotated = end - start
            longest = max(length_limit * annotated, annotated + LENGTH_SLACK_S)
        item = Item(row["utterance_id"], annotated_s=annotated, longest_s=longest)
        yield item.with_medium(modality, reference)


def _file(source: str | None, modality: str) -> str:
    """The file of a problem, relative to the corpus folder; empty if there is none."""
    return MediaReference.parse(source).path if source and modality != "t" else ""


def report_problems(
    problems: Sequence[Problem],
    observed: Mapping[str, bool],
    modality: str,
    dataset: str,
    problem_limit: float,
) -> None:
    """Log the problems; raise `UserError` if too many utterances are not observed."""
    for problem in problems:
        logger.info("%s %s: %s", problem.utterance_id, problem.file, problem.reason)
    fatal = [one for one in problems if one.utterance_id and not observed[one.utterance_id]]
    if not problems:
        return
    n = len(observed)
    share = f"{len(fatal)} of {n} utterances of {dataset} have no usable {_WORDS[modality]}"
    if len(fatal) > problem_limit * n:
        first = "; ".join(f"{one.utterance_id}: {one.reason}" for one in fatal[:3])
        raise UserError(
            f"features.{modality}: {share} ({first}); that is more than problem_limit"
            f" ({problem_limit:g}); fix the corpus or set problem_limit:"
            f" {math.ceil(1000 * len(fatal) / n) / 1000:g}"
        )
    logger.log(HEADLINE, "%s; see the table of problems", share)
