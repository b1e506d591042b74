"""Train the candidates of one cell with the tuning seeds, and choose its settings on dev."""

from collections.abc import Sequence
from pathlib import Path

from snakemake.iocontainers import Snakemake

from spcl.jobs.device import reserved_gpu
from spcl.jobs.job import job
from spcl.provenance.environment import collect_provenance
from spcl.provenance.record import training_inputs
from spcl.study.grid import Cell
from spcl.study.tuning import Candidate, with_candidate
from spcl.tables import parquet
from spcl.tables.schemas import FEATURES, HISTORY, TUNING, UTTERANCES
from spcl.training.candidates import candidates
from spcl.training.cell import train_cell
from spcl.training.cell_tables import CellTables
from spcl.training.checkpoints import Checkpoints
from spcl.training.settings import CellSettings
from spcl.training.training_set import EarlierTables
from spcl.training.tuning import tune_cell

snakemake: Snakemake

with job(snakemake.log[0], snakemake, rule="tune_cell"), reserved_gpu(snakemake.params.device):
    cell = Cell(**dict(snakemake.wildcards.items()))
    given, params = snakemake.input, snakemake.params
    utterances = parquet.read(given.utterances, UTTERANCES)
    tables = [parquet.read(path, FEATURES) for path in given.features]
    features = {parquet.metadata(table)["modality"]: table for table in tables}
    earlier = EarlierTables.read(given.probes, given.conversations, given.paced)
    tuning = params.tuning

    def train(candidate: Candidate, seeds: Sequence[int]) -> CellTables:
        """Train a candidate in a folder of its own, which keeps the tables of each seed."""
        settings = with_candidate(params.settings, candidate) | {"seeds": seeds}
        provenance = collect_provenance(
            settings, device=params.device, code=params.training_code, inputs=training_inputs()
        )
        folder = Path(params.kept, provenance.config_digest)
        return train_cell(
            cell,
            utterances,
            features,
            CellSettings.from_config(settings),
            earlier,
            device=params.device,
            threads=snakemake.threads,
            provenance=provenance,
            checkpoints=Checkpoints(working=folder, kept=folder),
        )

    tuned = tune_cell(
        cell,
        candidates(
            params.settings,
            tuning["space"],
            trials=tuning["trials"],
            sample_seed=tuning["sample_seed"],
        ),
        params.settings["seeds"],
        train,
        trials=tuning["trials"],
        halving=tuning["halving"],
    )
    parquet.write(tuned.pace, snakemake.output.pace, HISTORY)
    parquet.write(tuned.candidates, snakemake.output.settings, TUNING)
