"""Gather the tables of all cells of one corpus into one table of each kind."""

import pyarrow as pa
from snakemake.iocontainers import Snakemake

from spcl import parquet
from spcl.job import job
from spcl.schemas import ADMISSIONS, HISTORY, METRICS, PREDICTIONS

snakemake: Snakemake

with job(snakemake.log[0]):
    for kind, schema in {
        "metrics": METRICS,
        "history": HISTORY,
        "predictions": PREDICTIONS,
        "curriculum": ADMISSIONS,
    }.items():
        tables = [parquet.read(path, schema) for path in snakemake.input[kind]]
        parquet.write(pa.concat_tables(tables), snakemake.output[kind], schema)
