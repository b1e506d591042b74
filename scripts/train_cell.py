"""Train one cell of the grid with all its seeds."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from spcl import parquet
from spcl.device import reserved_gpu
from spcl.grid import Cell
from spcl.job import job
from spcl.provenance import stamp
from spcl.schemas import FEATURES, UTTERANCES
from spcl.training.cell import train_cell
from spcl.training.settings import CellSettings
from spcl.training.training_set import EarlierTables

snakemake: Snakemake

with job(snakemake.log[0]), reserved_gpu():
    tables = [parquet.read(path, FEATURES) for path in snakemake.input.features]
    cell = train_cell(
        Cell(**dict(snakemake.wildcards.items())),
        parquet.read(snakemake.input.utterances, UTTERANCES),
        {parquet.metadata(table)["modality"]: table for table in tables},
        CellSettings.from_config(snakemake.params.settings),
        EarlierTables.read(
            snakemake.input.probes, snakemake.input.conversations, snakemake.input.paced
        ),
        device=snakemake.params.device,
        threads=snakemake.threads,
        provenance=stamp(snakemake.params.settings, device=snakemake.params.device),
    )
    cell.write(**{kind: Path(path) for kind, path in snakemake.output.items()})
