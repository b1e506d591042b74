"""Score the difficulty of each conversation."""

from snakemake.iocontainers import Snakemake

from spcl.difficulty.conversations import score_conversations
from spcl.jobs.job import job
from spcl.tables import parquet
from spcl.tables.schemas import CONVERSATION_DIFFICULTY, UTTERANCE_DIFFICULTY, UTTERANCES

snakemake: Snakemake

with job(snakemake.log[0], snakemake, rule="score_conversations"):
    tables = [parquet.read(path, UTTERANCE_DIFFICULTY) for path in snakemake.input.scores]
    scores = score_conversations(
        parquet.read(snakemake.input.utterances, UTTERANCES),
        {parquet.metadata(table)["modality"]: table for table in tables},
        dataset=snakemake.wildcards.dataset,
    )
    parquet.write(scores, snakemake.output[0], CONVERSATION_DIFFICULTY)
