"""Extract the features of one modality of a corpus."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from spcl import parquet
from spcl.extract import extractor
from spcl.extract.run import extract
from spcl.job import job
from spcl.schemas import UTTERANCES

snakemake: Snakemake

with job(snakemake.log[0]):
    features = Path(snakemake.output.features)
    extract(
        parquet.read(snakemake.input.utterances, UTTERANCES),
        snakemake.input.corpus,
        extractor(
            snakemake.wildcards.modality, snakemake.params.extractor, snakemake.params.options
        ),
        shards=features.with_suffix(".shards"),
        problem_limit=snakemake.params.problem_limit,
        threads=snakemake.threads,
    ).write(features, snakemake.output.problems)
