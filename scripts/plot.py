"""Plot one figure."""

from snakemake.iocontainers import Snakemake

from spcl.jobs.job import job
from spcl.report.analysis.results import Results
from spcl.report.figures import plot

snakemake: Snakemake

with job(snakemake.log[0], snakemake, rule="plot"):
    results = Results(**{kind: list(paths) for kind, paths in snakemake.input.items()})
    plot(snakemake.wildcards.figure, results, **dict(snakemake.output.items()))
