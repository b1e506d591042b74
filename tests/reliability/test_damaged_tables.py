"""A table that is damaged, or another's, is refused wherever it is read, by its name."""

import random
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from spcl.difficulty.probe import score_utterances
from spcl.errors import UserError
from spcl.provenance.environment import Provenance
from spcl.report.analysis.results import Results
from spcl.report.tables import tabulate
from spcl.study.grid import Cell
from spcl.tables import parquet, schemas
from spcl.training.cell import train_cell
from spcl.training.cell_tables import KINDS
from spcl.training.settings import CellSettings
from tests.conftest import make_corpus

STAMP = Provenance(commit="0", versions={}, device="here", config_digest="0", training_digest="0")
FACTS = {"extractor": "made", "version": "1", "options": {}, "width": 4, "inputs": "0"}
STAGES = {
    "utterances": schemas.UTTERANCES,
    "features": schemas.FEATURES,
    "difficulty": schemas.UTTERANCE_DIFFICULTY,
    "metrics": schemas.METRICS,
    "history": schemas.HISTORY,
    "predictions": schemas.PREDICTIONS,
    "robustness": schemas.ROBUSTNESS,
    "curriculum": schemas.ADMISSIONS,
    "gathered": schemas.METRICS,
    "result table": None,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A table of each stage, by stage: its path."""
    folder = tmp_path_factory.mktemp("stages")
    utterances, features = make_corpus([5, 3, 6, 4, 7, 2, 8, 5, 6, 4], widths={"a": 4})
    facts = FACTS | {"dataset": "made", "modality": "a", "simulated": True}
    features = {"a": parquet.describe(features["a"], **facts)}
    tables = {
        "utterances": utterances,
        "features": features["a"],
        "difficulty": score_utterances(
            utterances, features["a"], dataset="made", modality="a", folds=2, seed=1
        ),
    }
    paths = {stage: folder / f"{stage}.parquet" for stage in STAGES}
    for stage, table in tables.items():
        parquet.write(table, paths[stage], STAGES[stage])
    settings = CellSettings.from_config(
        {"seeds": [1], "training": {"epochs": 2}, "model": {}, "robustness": {"noise": [1]}}
    )
    cell = train_cell(
        Cell("made", "late_fusion", "a", "none"), utterances, features, settings, provenance=STAMP
    )
    cell.write({kind: paths[kind] for kind in KINDS})
    parquet.write(
        parquet.read(paths["metrics"], schemas.METRICS), paths["gathered"], schemas.METRICS
    )
    main = tabulate("main", Results(metrics=[paths["metrics"]], predictions=[paths["predictions"]]))
    main.write(parquet=paths["result table"])
    return SimpleNamespace(paths=paths, schemas=STAGES | {"result table": main.schema})


def refusal(path, schema):
    with pytest.raises(UserError) as error:
        parquet.read(path, schema)
    return str(error.value)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("damage", ["truncated", "empty", "a CSV", "another's"])
def test_no_stage_reads_what_is_no_table_of_its_kind(made, tmp_path, stage, damage):
    path = tmp_path / "results" / f"{stage}.parquet"
    path.parent.mkdir()
    whole = made.paths[stage].read_bytes()
    other = made.paths["features" if stage == "utterances" else "utterances"].read_bytes()
    contents = {
        "truncated": whole[: len(whole) // 2],
        "empty": b"",
        "a CSV": b"utterance_id,emotion\nu1,glad\n",
        "another's": other,
    }
    path.write_bytes(contents[damage])
    said = refusal(path, made.schemas[stage])
    assert said.startswith(f"{path}: not a ")
    assert f"delete it and run again: snakemake --cores 1 {path}" in said
    assert "--configfile" in said
    assert "\n" not in said


@pytest.mark.parametrize("stage", STAGES)
def test_a_flipped_bit_in_a_column_never_becomes_a_number(made, tmp_path, stage):
    path, schema = tmp_path / "x.parquet", made.schemas[stage]
    whole = made.paths[stage].read_bytes()
    end = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    true = parquet.read(made.paths[stage], schema)
    dice, refused = random.Random(3), 0
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[dice.randrange(4, end)] ^= 1 << dice.randrange(8)
        path.write_bytes(damaged)
        try:
            assert parquet.read(path, schema).equals(true)  # a bit that nothing depends on
        except UserError:
            refused += 1
    assert refused > 20


def test_a_flipped_bit_in_what_describes_the_columns_is_no_traceback(made, tmp_path):
    path, whole = tmp_path / "x.parquet", made.paths["features"].read_bytes()
    dice, refused = random.Random(4), 0
    for _ in range(200):
        damaged = bytearray(whole)
        damaged[dice.randrange(len(whole) - 2500, len(whole))] ^= 1 << dice.randrange(8)
        path.write_bytes(damaged)
        try:
            parquet.read(path, schemas.FEATURES)
        except UserError:
            refused += 1
    assert refused > 50


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_features_that_are_no_numbers_are_refused_by_file(made, tmp_path, number, monkeypatch):
    """A column with one NaN would be NaN in every utterance once it is standardised."""
    table = parquet.read(made.paths["features"], schemas.FEATURES)
    values = table["features"].combine_chunks().flatten().to_numpy().copy()
    values[7] = number
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(values), 4)
    spoiled = table.set_column(2, "features", vectors)
    path = tmp_path / "a.parquet"
    with pytest.raises(ValueError, match="NaN or infinite"):
        parquet.write(spoiled, path, schemas.FEATURES)
    with monkeypatch.context() as patch:
        patch.setattr(parquet.Schema, "fault", lambda *_: None)
        parquet.write(spoiled, path, schemas.FEATURES)
    said = refusal(path, schemas.FEATURES)
    assert said.startswith(f"{path}: not a table of features: column 'features' contains")


def test_a_copy_of_another_cells_table_is_named(made, tmp_path):
    copy = tmp_path / "copy.parquet"
    copy.write_bytes(made.paths["metrics"].read_bytes())
    with pytest.raises(UserError) as error:
        parquet.read_all([made.paths["metrics"], copy], schemas.METRICS)
    assert str(error.value).startswith(f"{copy}: has rows of another file of its kind")
