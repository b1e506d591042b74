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
POOLINGS = ("mean", "mean_std")


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
        ``layer``: which of several fields of vectors is used, ``mean`` (the default) or a number
        from 1. ``pooling``: how steps in time become a vector, ``mean`` (the default) or
        ``mean_std`` (mean and deviation).
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
        changed since the import, or an option is unknown or does not apply to the features.
    """
    key = f"features.{modality}"
    options = options or {}
    layer, pooling = _chosen(options, key)
    facts = metadata(utterances)
    corpus = read_corpus(
        path,
        layout=facts.get("layout"),
        choices=Choices(tuple(facts["labels"]), facts.get("classes"), layer, pooling),
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
    if modality in corpus.features or modality in corpus.layers:
        _check_applicable(options, layer, corpus, modality)
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
        options=dict(options),
        width=width,
        inputs=_digest(ids, part),
        simulated=corpus.simulated,
    )
    return Extraction(features, problem_table(corpus.dataset, problems))


def _chosen(options: Mapping[str, Any], key: str) -> tuple[int | None, str]:
    """The layer, None = their mean, and the pooling."""
    for option in options:
        if option not in ("layer", "pooling"):
            raise UserError(
                f"{key}.options.{option}: there is no such option; available: layer, pooling"
            )
    layer, pooling = options.get("layer", "mean"), options.get("pooling", "mean")
    if layer != "mean" and (type(layer) is not int or layer < 1):
        raise UserError(
            f"{key}.options.layer: {layer!r} is not allowed; write mean, or a number from 1"
        )
    if pooling not in POOLINGS:
        raise UserError(
            f"{key}.options.pooling: {pooling!r} is not allowed; write {' or '.join(POOLINGS)}"
        )
    return None if layer == "mean" else layer, pooling


def _check_applicable(
    options: Mapping[str, Any], layer: int | None, corpus: Corpus, modality: str
) -> None:
    """Refuse an option for which the features of this modality leave no choice."""
    key = f"features.{modality}.options"
    features = f"the {MODALITIES[modality]} features of {corpus.dataset}"
    n = corpus.layers.get(modality, 1)
    if "layer" in options and n == 1:
        raise UserError(f"{key}.layer: {features} have one layer only; remove the option")
    if layer is not None and layer > n:
        raise UserError(f"{key}.layer: {features} have {n} layers; write 1 to {n}, or mean")
    if "pooling" in options and modality not in corpus.pooled:
        raise UserError(
            f"{key}.pooling: {features} are one vector an utterance, not steps in time; remove the"
            " option"
        )


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
