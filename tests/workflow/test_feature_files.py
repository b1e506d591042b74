"""Files of features, from the file to a trained cell, with a config of about ten lines."""

import pytest
import torch
import yaml

from spcl.tables import parquet
from spcl.tables.schemas import FEATURES, METRICS
from tests.data.made_formats import (
    dialogue_rnn_tuple,
    made,
    mmsa_dict,
    write_merbench,
    write_pickle,
)
from tests.workflow.conftest import copy_of_project

pytestmark = [pytest.mark.workflow, pytest.mark.end_to_end]

CONFIG = """
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
    config = yaml.safe_load(CONFIG % (f"data/{name}", protocol, more))
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
