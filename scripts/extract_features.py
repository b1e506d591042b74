"""Extract the features of one modality of a corpus, or read them from the corpus."""

import os
from importlib import import_module
from pathlib import Path

from snakemake.iocontainers import Snakemake

from spcl.extract import build
from spcl.extract.extraction import extract
from spcl.jobs.device import reserved_gpu
from spcl.jobs.job import job
from spcl.tables import parquet
from spcl.tables.schemas import UTTERANCES

snakemake: Snakemake

params = snakemake.params
if params.device == "cpu":
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # before torch is imported
with (
    job(snakemake.log[0], snakemake, rule="extract_features"),
    reserved_gpu(params.device, count=params.gpus),
):
    features, modality = Path(snakemake.output.features), snakemake.wildcards.modality
    utterances = parquet.read(snakemake.input.utterances, UTTERANCES)
    if params.extractor == "corpus":
        # Imported by name, so that the digests of other extractors do not include this module.
        extraction = import_module("spcl.extract.corpus").corpus_features(
            utterances,
            snakemake.input.corpus,
            modality,
            options=params.options,
            problem_limit=params.problem_limit,
        )
    else:
        extraction = extract(
            utterances,
            snakemake.input.corpus,
            build(modality, params.extractor, params.options),
            shards=features.with_suffix(".shards"),
            problem_limit=params.problem_limit,
            length_limit=params.length_limit,
            threads=snakemake.threads,
        )
    extraction.write(features, snakemake.output.problems)
