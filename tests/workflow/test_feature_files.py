"""Publicly circulated feature files, from the file to trained cells, with a short config."""

import pytest

from spcl.tables import parquet
from spcl.tables.schemas import FEATURES, METRICS, UTTERANCES
from tests.data.made_formats import made, made_mosei, mosei_tuple, sdt_tuple, write_pickle
from tests.workflow.conftest import copy_of_project

pytestmark = [pytest.mark.workflow, pytest.mark.end_to_end]

LENGTHS = [6] * 20
CONTENT = {
    "iemocap": sdt_tuple(made("iemocap", LENGTHS), "iemocap", layers=(0, 1, 2, 3)),
    "meld": sdt_tuple(made("meld", LENGTHS), "meld", layers=(0, 1, 2, 3)),
    "mosei": mosei_tuple(made_mosei(LENGTHS)),
}
CORPUS = {"extractor": "corpus"}
LAYER = {"extractor": "corpus", "options": {"layer": 2}}
CONFIG = {
    "name": "files",
    "datasets": {
        "iemocap": {"path": "data/iemocap.pkl", "protocol": "cogmen"},
        "meld": {"path": "data/meld.pkl", "protocol": "best-test-epoch"},
        "mosei": {
            "path": "data/mosei.pkl",
            "protocol": "cogmen",
            "classes": 7,
            "features": {"t": CORPUS, "a": CORPUS},
        },
    },
    "features": {"t": LAYER, "a": CORPUS},
    "grid": {
        "baselines": ["late_fusion"],
        "modalities": ["at"],
        "curricula": ["none"],
        "seeds": [1],
    },
    "training": {"epochs": 1},
    "baselines": {"late_fusion": {}},
    "curricula": {"none": {}},
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The results of the three files. Not to be changed."""
    project = copy_of_project(tmp_path_factory.mktemp("files") / "project")
    (project.folder / "data").mkdir()
    for name, content in CONTENT.items():
        write_pickle(project.folder / "data" / f"{name}.pkl", content)
    target = "results/tables/files/main.md"
    project.snakemake("--cores", "1", target, config=project.configure(CONFIG))
    return project.folder / "results"


@pytest.mark.parametrize("corpus", ["iemocap", "meld"])
def test_a_tuple_of_sdt_is_trained_on_with_one_layer_of_its_text(results, corpus):
    path = results / "cells" / corpus / "late_fusion" / "at" / "none" / "metrics.parquet"
    assert parquet.read(path, METRICS)["n_utterances"].to_pylist()[-1] == 36
    features = parquet.read(results / "features" / corpus / "t.parquet", FEATURES)
    assert parquet.metadata(features)["options"] == {"layer": 2}
    assert parquet.metadata(features)["version"] == "sdt"


def test_mosei_is_trained_on_with_classes_and_its_table_says_how_they_came(results):
    path = results / "cells" / "mosei" / "late_fusion" / "at" / "none" / "metrics.parquet"
    facts = parquet.metadata(parquet.read(path, METRICS))
    assert facts["classes"] == len(facts["labels"]) == 7
    utterances = parquet.read(results / "corpora" / "mosei" / "utterances.parquet", UTTERANCES)
    assert parquet.metadata(utterances)["classes"] == 7
    note = "- mosei: 7 classes by rounding sentiment scores of -3..3."
    assert (results / "tables" / "files" / "main.md").read_text().count(note) == 1
