"""Score the difficulty of each utterance in one modality."""

from snakemake.iocontainers import Snakemake

from spcl.difficulty.probe import score_utterances
from spcl.jobs.job import job
from spcl.tables import parquet
from spcl.tables.schemas import FEATURES, UTTERANCE_DIFFICULTY, UTTERANCES

snakemake: Snakemake

with job(snakemake.log[0], snakemake, rule="score_utterances"):
    scores = score_utterances(
        parquet.read(snakemake.input.utterances, UTTERANCES),
        parquet.read(snakemake.input.features, FEATURES),
        dataset=snakemake.wildcards.dataset,
        modality=snakemake.wildcards.modality,
        folds=snakemake.params.folds,
        seed=snakemake.params.seed,
    )
    parquet.write(scores, snakemake.output[0], UTTERANCE_DIFFICULTY)
