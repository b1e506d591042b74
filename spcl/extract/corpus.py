"""The features that a corpus brings, in place of an extractor's.

It is no extractor of the usual kind, for there is nothing to compute: ``extractor: corpus`` in a
config takes one modality out of the corpus' own files.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from spcl.data.corpus import Corpus, read_corpus
from spcl.data.records import Features, Problem, problem_table
from spcl.errors import UserError
from spcl.extract.run import Extraction, report_problems
from spcl.tables.parquet import describe, metadata
from spcl.tables.schemas import MODALITIES

NAME = "corpus"


def brought(
    utterances: pa.Table,
    path: str | Path,
    modality: str,
    *,
    options: Mapping[str, Any] | None = None,
    problem_limit: float = 0.02,
) -> Extraction:
    """The features of one modality as the corpus brings them.

    Parameters
    ----------
    utterances
        Schema `spcl.tables.schemas.UTTERANCES`; its metadata say how to read the
        corpus again.
    path
        The corpus' folder or file.
    modality
        a, t or v.
    options
        There are none.
    problem_limit
        The share of utterances, 0..1, that may be without features.

    Returns
    -------
    Extraction
        The metadata's ``version`` is the corpus' format, ``inputs`` a digest of the features.

    Raises
    ------
    UserError
        The corpus brings none of this modality, too many utterances have none, it has changed
        since the import, or there are options.
    """
    key = f"features.{modality}"
    for option in options or {}:
        raise UserError(f"{key}.options.{option}: corpus has no options; leave it out")
    facts = metadata(utterances)
    corpus = read_corpus(
        path,
        layout=facts.get("layout"),
        labels=facts["labels"],
        dataset=facts["dataset"],
        protocol=facts["protocol"],
        protocol_seed=facts["protocol_seed"],
    )
    if not corpus.utterances["utterance_id"].equals(utterances["utterance_id"]):
        table = f"results/corpora/{corpus.dataset}/utterances.parquet"
        raise UserError(
            f"{path}: has other utterances than when it was imported; import it again:"
            f" snakemake --cores 1 -f {table}"
        )
    if modality not in corpus.features:
        raise UserError(f"{key}.extractor: {_lacks(corpus, modality)}")
    part = corpus.features[modality]
    ids = corpus.utterances["utterance_id"].to_pylist()
    problems = _gaps(corpus, modality, part, ids)
    report_problems(problems, len(ids), modality, corpus.dataset, problem_limit)
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


def _gaps(corpus: Corpus, modality: str, part: Features, ids: list[str]) -> list[Problem]:
    """One problem for each row that is not observed."""
    noted = {
        problem.utterance_id: problem
        for problem in reversed(corpus.problems)
        if problem.modality == modality
    }
    return [noted[ids[row]] for row in np.flatnonzero(~part.observed)]


def _lacks(corpus: Corpus, modality: str) -> str:
    """Say that a modality is missing, and what to write instead."""
    what = f"{corpus.dataset} brings no {MODALITIES[modality]} features"
    there = "".join(m for m in MODALITIES if m in corpus.features)
    if not there:
        return f"{what}, nor any others; choose an extractor, docs/extractors.md names them"
    return f"{what}; write datasets: {{{corpus.dataset}: {{modalities: {there}}}}}"


def _digest(ids: list[str], part: Features) -> str:
    """Sixteen hexadecimal digits over the names and the numbers."""
    content = hashlib.sha256("\0".join(ids).encode())
    content.update(part.values.tobytes())
    content.update(part.observed.tobytes())
    return content.hexdigest()[:16]
