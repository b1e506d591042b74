"""Publicly circulated feature files, from the file to trained cells, with a short config."""

import pytest
import torch
import yaml

from spcl.tables import parquet
from spcl.tables.schemas import FEATURES, METRICS, UTTERANCES
from tests.data.made_formats import (
    dialogue_rnn_tuple,
    made,
    made_mosei,
    mmsa_dict,
    mosei_tuple,
    sdt_tuple,
    write_merbench,
    write_pickle,
)
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


ONE_CELL = """
name: theirs
datasets:
  corpus: {path: %s, protocol: %s%s}
features:
  t: {extractor: corpus}
  a: {extractor: corpus}
  v: {extractor: corpus}
grid: {baselines: [late_fusion], modalities: [atv], curricula: [none], seeds: [1]}
training: {epochs: 2}
baselines: {late_fusion: {}}
curricula: {none: {}}
"""


def mmsa(folder):
    content, _ = mmsa_dict((5, 6, 4, 5, 6))
    write_pickle(folder / "mosi.pkl", content)
    return "mosi.pkl", "official", ", classes: 3", (5, 6)


def merbench(folder):
    write_merbench(folder / "mer", (12, 5, 6))
    return "mer", "official", "", (5, 6)


def by_torch(folder):
    dialogues = made("iemocap", [4] * 12)
    fields = dialogue_rnn_tuple(dialogues, "iemocap", rows="array")
    for m in (3, 4, 5):
        fields[m].update({name: torch.tensor(rows) for name, rows in fields[m].items()})
    torch.save(fields, folder / "iemocap.pt")
    return "iemocap.pt", "spcl", "", (4, 16)


@pytest.mark.parametrize("write", [mmsa, merbench, by_torch])
def test_a_cell_is_trained_on_features_in_a_file(tmp_path, write):
    project = copy_of_project(tmp_path / "project")
    (project.folder / "data").mkdir(exist_ok=True)
    name, protocol, more, (n_dev, n_test) = write(project.folder / "data")
    config = yaml.safe_load(ONE_CELL % (f"data/{name}", protocol, more))
    target = "results/cells/corpus/late_fusion/atv/none/metrics.parquet"
    project.says("--cores", "1", target, config=project.configure(config))
    results = project.folder / "results"
    metrics = parquet.read(results.parent / target, METRICS).to_pandas()
    assert dict(zip(metrics["split"], metrics["n_utterances"], strict=True)) == {
        "dev": n_dev,
        "test": n_test,
    }
    for letter in "atv":
        table = parquet.read(results / f"features/corpus/{letter}.parquet", FEATURES)
        assert all(table["observed"].to_pylist())
