"""Every table and figure of a corpus of sentiment scores says how they became classes."""

import pkgutil

import pyarrow.parquet as pq
import pytest
from made_results import make_results

from spcl.comparison.run import Run
from spcl.comparison.runs_table import runs_table
from spcl.report import figures, tables
from spcl.report.analysis.folds import pool_metrics, pool_predictions
from spcl.report.analysis.results import Results
from spcl.tables import parquet, schemas

NOTE = "mosei: 7 classes by rounding sentiment scores of -3..3."
SCHEMAS = {"metrics": schemas.METRICS, "utterances": schemas.UTTERANCES}


def names(package):
    return [module.name for module in pkgutil.iter_modules(package.__path__)]


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Two corpora, of which the first has sentiment scores."""
    paths = make_results(
        tmp_path_factory.mktemp("scores"),
        datasets=("mosei", "meld"),
        baselines=("mmgcn",),
        modalities=("atv", "at"),
        seeds=(1, 2),
        n_dialogues=12,
        epochs=3,
        simulated=False,
    )
    for kind, schema in SCHEMAS.items():
        for path in (path for path in paths[kind] if "mosei" in str(path)):
            table = schema.table(parquet.read(path, schema))
            facts = parquet.metadata(pq.read_table(path))
            parquet.write(table, path, schema, **facts, classes=7)
    return paths


@pytest.mark.parametrize("kind", SCHEMAS)
def test_either_kind_of_file_tells_the_rule(paths, kind):
    assert Results(**{kind: paths[kind]}).classes == {"mosei": 7}


@pytest.mark.parametrize("name", names(tables))
def test_a_table_has_one_note(paths, name):
    table = tables.tabulate(name, Results(**paths))
    assert table.notes.count(NOTE) == 1
    assert "7 classes by rounding sentiment scores" in table.markdown()
    assert not any(note.startswith("meld:") for note in table.notes)


@pytest.mark.parametrize("name", names(figures))
def test_a_figure_has_it_in_its_caption(paths, name, tmp_path):
    out = {ext: tmp_path / f"{name}.{ext}" for ext in ("parquet", "svg", "png")}
    figures.plot(name, Results(**paths), **out)
    assert parquet.metadata(pq.read_table(out["parquet"]))["caption"].endswith(NOTE)


def test_a_comparison_has_a_note(paths):
    run = Run("run", None, tuple(paths["metrics"]), tuple(paths["predictions"]))
    assert runs_table(run, run).notes.count(NOTE) == 1


def test_pooled_folds_keep_the_rule(paths):
    folds = {
        kind: [
            parquet.read(path, schema)
            for path in paths[kind]
            if "mosei" in str(path) and "none" in str(path)
        ]
        for kind, schema in {"metrics": schemas.METRICS, "predictions": schemas.PREDICTIONS}.items()
    }
    predictions = pool_predictions(folds["predictions"][:1], "mosei")
    pooled = pool_metrics(folds["metrics"][:1], predictions, "mosei")
    assert parquet.metadata(pooled)["classes"] == 7
