"""Train one cell of the grid with all its seeds."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from spcl.jobs.device import reserved_gpu
from spcl.jobs.job import job
from spcl.provenance.environment import collect_provenance
from spcl.provenance.record import training_inputs
from spcl.study.grid import Cell
from spcl.study.tuning import chosen, with_candidate
from spcl.tables import parquet
from spcl.tables.schemas import FEATURES, TUNING, UTTERANCES
from spcl.training.cell import log_test_score, train_cell
from spcl.training.checkpoints import Checkpoints
from spcl.training.settings import CellSettings
from spcl.training.training_set import EarlierTables

snakemake: Snakemake

with job(snakemake.log[0], snakemake, rule="train_cell"), reserved_gpu(snakemake.params.device):
    cell = Cell(**dict(snakemake.wildcards.items()))
    given, params, made = snakemake.input, snakemake.params, dict(snakemake.output.items())
    settings = params.settings
    if given.tuned:
        settings = with_candidate(settings, chosen(parquet.read(given.tuned, TUNING).to_pylist()))
    checkpoints = Checkpoints(Path(params.working), Path(params.kept))
    tables = [parquet.read(path, FEATURES) for path in given.features]
    trained = train_cell(
        cell,
        parquet.read(given.utterances, UTTERANCES),
        {parquet.metadata(table)["modality"]: table for table in tables},
        CellSettings.from_config(settings),
        EarlierTables.read(given.probes, given.conversations, given.paced, given.teachers),
        device=params.device,
        threads=snakemake.threads,
        provenance=collect_provenance(
            settings, device=params.device, code=params.code, inputs=training_inputs()
        ),
        checkpoints=checkpoints,
        save_models=any(name.startswith("model_") for name in made),
        licence=params.licence,
    )
    trained.write(made)
    checkpoints.keep(made)
    log_test_score(trained.metrics)
