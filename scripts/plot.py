"""Plot one figure."""

from snakemake.iocontainers import Snakemake

from spcl.job import job
from spcl.report.figures import plot
from spcl.report.results import Results

snakemake: Snakemake

with job(snakemake.log[0], snakemake):
    results = Results(**{kind: list(paths) for kind, paths in snakemake.input.items()})
    plot(snakemake.wildcards.figure, results, **dict(snakemake.output.items()))
