"""Gather the benchmark files of the other rules into one table."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from spcl.jobs.benchmarks import gather
from spcl.jobs.job import job
from spcl.tables import parquet
from spcl.tables.schemas import BENCHMARKS

snakemake: Snakemake

with job(snakemake.log[0], snakemake, rule="gather_benchmarks"):
    table = gather(Path("benchmarks"), snakemake.params.jobs)
    parquet.write(table, snakemake.output[0], BENCHMARKS)
