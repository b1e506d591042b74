"""Score the difficulty of each conversation."""

from snakemake.iocontainers import Snakemake

from spcl import parquet
from spcl.difficulty.conversations import score_conversations
from spcl.job import job
from spcl.schemas import CONVERSATION_DIFFICULTY, UTTERANCE_DIFFICULTY, UTTERANCES

snakemake: Snakemake

with job(snakemake.log[0], snakemake):
    tables = [parquet.read(path, UTTERANCE_DIFFICULTY) for path in snakemake.input.scores]
    scores = score_conversations(
        parquet.read(snakemake.input.utterances, UTTERANCES),
        {parquet.metadata(table)["modality"]: table for table in tables},
        dataset=snakemake.wildcards.dataset,
    )
    parquet.write(scores, snakemake.output[0], CONVERSATION_DIFFICULTY)
