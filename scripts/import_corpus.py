"""Import a corpus into the canonical tables."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from spcl.data.corpus import read_corpus, write_corpus
from spcl.data.records import Choices
from spcl.jobs.job import job

snakemake: Snakemake

with job(snakemake.log[0], snakemake, rule="import_corpus"):
    corpus = read_corpus(
        Path(snakemake.input.corpus),
        layout=snakemake.params.layout,
        choices=Choices(
            labels=tuple(labels) if (labels := snakemake.params.labels) else None,
            classes=snakemake.params.classes,
        ),
        dataset=snakemake.wildcards.dataset,
        protocol=snakemake.params.protocol,
        protocol_seed=snakemake.params.protocol_seed,
    )
    write_corpus(
        corpus, snakemake.output.utterances, snakemake.output.problems, snakemake.output.report
    )
