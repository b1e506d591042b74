"""Gather the tables of all cells of one corpus into one table of each kind."""

from snakemake.iocontainers import Snakemake

from spcl import parquet
from spcl.job import job
from spcl.schemas import ADMISSIONS, HISTORY, METRICS, PREDICTIONS

snakemake: Snakemake

with job(snakemake.log[0], snakemake):
    for kind, schema in {
        "history": HISTORY,
        "predictions": PREDICTIONS,
        "curriculum": ADMISSIONS,
        "metrics": METRICS,
    }.items():
        table = parquet.read_all(snakemake.input[kind], schema)
        parquet.write(table, snakemake.output[kind], schema)
