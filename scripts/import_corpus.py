"""Read a raw corpus into the canonical tables."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from spcl.data.corpus import read_corpus, write_corpus
from spcl.job import job

snakemake: Snakemake

with job(snakemake.log[0]):
    corpus = read_corpus(
        snakemake.params.layout,
        Path(snakemake.input.corpus),
        dataset=snakemake.wildcards.dataset,
        protocol=snakemake.params.protocol,
        protocol_seed=snakemake.params.protocol_seed,
    )
    write_corpus(corpus, snakemake.output.utterances, snakemake.output.problems)
