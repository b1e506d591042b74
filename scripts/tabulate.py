"""Make one result table."""

from snakemake.iocontainers import Snakemake

from spcl.jobs.job import job
from spcl.report.analysis.results import Results
from spcl.report.tables import tabulate

snakemake: Snakemake

with job(snakemake.log[0], snakemake, rule="tabulate"):
    results = Results(**{kind: list(paths) for kind, paths in snakemake.input.items()})
    tabulate(snakemake.wildcards.table, results).write(**dict(snakemake.output.items()))
