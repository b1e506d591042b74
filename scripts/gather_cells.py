"""Gather the tables of all cells of a corpus, and check scores against predictions."""

from snakemake.iocontainers import Snakemake

from spcl.jobs.job import job
from spcl.tables import parquet
from spcl.training.cell_tables import KINDS, CellTables
from spcl.training.rescoring import check_scores

snakemake: Snakemake

with job(snakemake.log[0], snakemake, rule="gather_cells"):
    given = snakemake.input
    for paths in zip(*(given[kind] for kind in KINDS), strict=True):
        of_cell = dict(zip(KINDS, paths, strict=True))
        check_scores(CellTables.read(of_cell), of_cell["metrics"])
    for kind, schema in KINDS.items():
        parquet.write(parquet.read_all(given[kind], schema), snakemake.output[kind], schema)
