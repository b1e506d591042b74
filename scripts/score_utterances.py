"""Score the difficulty of each utterance in one modality."""

from snakemake.iocontainers import Snakemake

from spcl import parquet
from spcl.difficulty.probe import score_utterances
from spcl.job import job
from spcl.schemas import FEATURES, UTTERANCE_DIFFICULTY, UTTERANCES

snakemake: Snakemake

with job(snakemake.log[0], snakemake):
    scores = score_utterances(
        parquet.read(snakemake.input.utterances, UTTERANCES),
        parquet.read(snakemake.input.features, FEATURES),
        dataset=snakemake.wildcards.dataset,
        modality=snakemake.wildcards.modality,
        folds=snakemake.params.folds,
        seed=snakemake.params.seed,
    )
    parquet.write(scores, snakemake.output[0], UTTERANCE_DIFFICULTY)
