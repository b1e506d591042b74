"""The features that a corpus contains: ``extractor: corpus`` in the config.

This is not an extractor of the usual kind, because there is nothing to compute. It reads one
modality from the files of the corpus.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from spcl.data.corpus import Corpus, read_corpus
from spcl.data.problems import Problem, problem_table
from spcl.data.records import Choices, Features
from spcl.errors import UserError
from spcl.extract.extraction import Extraction, report_problems
from spcl.tables.parquet import describe, metadata
from spcl.tables.schemas import MODALITIES

NAME = "corpus"


def corpus_features(
    utterances: pa.Table,
    path: str | Path,
    modality: str,
    *,
    options: Mapping[str, Any] | None = None,
    problem_limit: float = 0.02,
) -> Extraction:
    """Read the features of one modality from a corpus.

    Parameters
    ----------
    utterances
        Schema `spcl.tables.schemas.UTTERANCES`; the metadata describe how to read the corpus.
    path
        The folder or file of the corpus.
    modality
        a, t or v.
    options
        Must be empty.
    problem_limit
        The maximum share of utterances without features, 0..1.

    Returns
    -------
    Extraction
        In the metadata, ``version`` is the format of the corpus and ``inputs`` a digest of the
        features.

    Raises
    ------
    UserError
        The corpus has no features of this modality, too many utterances have none, the corpus has
        changed since the import, or there are options.
    """
    key = f"features.{modality}"
    for option in options or {}:
        raise UserError(f"{key}.options.{option}: corpus has no options; remove it")
    facts = metadata(utterances)
    corpus = read_corpus(
        path,
        layout=facts.get("layout"),
        choices=Choices(labels=tuple(facts["labels"]), classes=facts.get("classes")),
        dataset=facts["dataset"],
        protocol=facts["protocol"],
        protocol_seed=facts["protocol_seed"],
    )
    if not corpus.utterances["utterance_id"].equals(utterances["utterance_id"]):
        table = f"results/corpora/{corpus.dataset}/utterances.parquet"
        raise UserError(
            f"{path}: the utterances have changed since the import; import the corpus again:"
            f" snakemake --cores 1 -f {table}"
        )
    if modality not in corpus.features:
        raise UserError(f"{key}.extractor: {_missing(corpus, modality)}")
    part = corpus.features[modality]
    ids = corpus.utterances["utterance_id"].to_pylist()
    problems = _problems(corpus, modality, part, ids)
    observed = dict(zip(ids, part.observed.tolist(), strict=True))
    report_problems(problems, observed, modality, corpus.dataset, problem_limit)
    width = part.values.shape[1]
    table = pa.table(
        {
            "utterance_id": ids,
            "observed": part.observed,
            "features": pa.FixedSizeListArray.from_arrays(pa.array(part.values.ravel()), width),
        }
    )
    features = describe(
        table,
        dataset=corpus.dataset,
        modality=modality,
        extractor=NAME,
        version=corpus.layout,
        options={},
        width=width,
        inputs=_digest(ids, part),
        simulated=corpus.simulated,
    )
    return Extraction(features, problem_table(corpus.dataset, problems))


def _problems(corpus: Corpus, modality: str, part: Features, ids: list[str]) -> list[Problem]:
    """A problem for each row that is not observed."""
    noted = {
        problem.utterance_id: problem
        for problem in reversed(corpus.problems)
        if problem.modality == modality
    }
    return [noted[ids[row]] for row in np.flatnonzero(~part.observed)]


def _missing(corpus: Corpus, modality: str) -> str:
    """Say that a modality is missing, and how to fix the config."""
    what = f"{corpus.dataset} has no {MODALITIES[modality]} features"
    available = "".join(m for m in MODALITIES if m in corpus.features)
    if not available:
        return f"{what}, nor any others; choose an extractor, see docs/extractors.md"
    return f"{what}; write datasets: {{{corpus.dataset}: {{modalities: {available}}}}}"


def _digest(ids: list[str], part: Features) -> str:
    """Sixteen hexadecimal digits over the names and the features."""
    content = hashlib.sha256("\0".join(ids).encode())
    content.update(part.values.tobytes())
    content.update(part.observed.tobytes())
    return content.hexdigest()[:16]
