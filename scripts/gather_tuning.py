"""Gather the candidates of all tuned cells."""

from snakemake.iocontainers import Snakemake

from spcl.jobs.job import job
from spcl.tables import parquet
from spcl.tables.schemas import TUNING

snakemake: Snakemake

with job(snakemake.log[0], snakemake, rule="gather_tuning"):
    parquet.write(parquet.read_all(snakemake.input, TUNING), snakemake.output[0], TUNING)
