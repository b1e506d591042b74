"""Pool the test predictions of the probes of all folds of a corpus, in one modality."""

from snakemake.iocontainers import Snakemake

from spcl.jobs.job import job
from spcl.report.analysis.folds import pool_probes
from spcl.tables import parquet
from spcl.tables.schemas import UTTERANCE_DIFFICULTY

snakemake: Snakemake

with job(snakemake.log[0], snakemake, rule="pool_probes"):
    folds = [parquet.read(path, UTTERANCE_DIFFICULTY) for path in snakemake.input]
    united = pool_probes(folds, snakemake.wildcards.dataset)
    parquet.write(united, snakemake.output[0], UTTERANCE_DIFFICULTY)
