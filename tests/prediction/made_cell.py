"""Cells with models for the tests of predictions, trained on small made corpora."""

from spcl.extract import build
from spcl.extract.shards import extractor_options
from spcl.provenance.environment import Provenance
from spcl.study.grid import Cell
from spcl.tables.parquet import describe
from spcl.training.cell import train_cell
from spcl.training.cell_tables import KINDS
from spcl.training.settings import CellSettings
from tests.conftest import make_corpus

LENGTHS = [5, 1, 9, 4, 6, 3, 7, 2, 8, 5, 6, 4]
PROVENANCE = Provenance(commit="0", versions={}, device="here", config_digest="0")


def train_made_cell(
    folder, corpus, *, baseline="late_fusion", modalities="at", seeds=(1, 2), model=None, **training
):
    """Train a cell, write its tables and models into `folder`, and return the tables."""
    settings = CellSettings.from_config(
        {
            "seeds": seeds,
            "training": {"epochs": 2, "batch_size": 3, "learning_rate": 0.003} | training,
            "model": model or {},
            "curriculum": {},
            "robustness": {"modality_missing": True},
        }
    )
    cell = Cell("made", baseline, modalities, "none")
    tables = train_cell(cell, *corpus, settings, provenance=PROVENANCE, save_models=True)
    folder.mkdir(parents=True, exist_ok=True)
    tables.write({kind: folder / f"{kind}.parquet" for kind in KINDS})
    return tables


def described(table, extractor):
    """A feature table as if `extractor` had made it."""
    return describe(
        table,
        extractor=extractor.name,
        version=extractor.version,
        options=extractor_options(extractor),
    )


def real_extractors():
    """Small ones that need no files besides their packages."""
    return {"a": build("a", "logmel", {"bands": 8}), "t": build("t", "minilm")}


def train_for_real_extractors(folder):
    """A tiny cell whose features look as if the real extractors had made them."""
    extractors = real_extractors()
    widths = {m: one.width for m, one in extractors.items()}
    utterances, features = make_corpus(LENGTHS, widths=widths)
    features = {m: described(table, extractors[m]) for m, table in features.items()}
    return train_made_cell(folder, (utterances, features), model={"hidden": 8})
