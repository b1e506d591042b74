"""The examples of `docs/using-a-model.md` work as shown."""

import numpy as np
import torch
import yaml

from spcl.__main__ import _parser
from spcl.tables.schemas import PREDICTED
from tests.conftest import make_corpus
from tests.docs.pages import ROOT, Page
from tests.prediction.made_cell import LENGTHS, train_made_cell

PAGE = Page("using-a-model.md")


def test_five_lines_lead_from_a_file_to_logits(tmp_path, monkeypatch):
    train_made_cell(tmp_path, make_corpus(LENGTHS), seeds=(1,))
    monkeypatch.chdir(tmp_path)
    (code,) = PAGE.blocks
    assert len(list(filter(None, code.splitlines()))) == 5
    rng = np.random.default_rng(0)
    names = {"torch": torch, "audio": rng.normal(size=(3, 4)), "text": rng.normal(size=(3, 6))}
    exec(code, names)
    assert {m: tuple(z.shape) for m, z in names["logits"].items()} == {"a": (3, 3), "t": (3, 3)}
    assert names["saved"].facts.labels == ["happy", "sad", "neutral"]


def test_the_commands_are_understood():
    for line in PAGE.commands:
        assert _parser().parse_args(line.split()[3:]).output


def test_the_columns_are_those_of_the_table():
    columns = {column.name for column in PREDICTED.columns}
    shown = PAGE.text.split("| column |")[1].split("## Show")[0]
    rows = [line.split("|")[1] for line in shown.splitlines() if line.startswith("| `")]
    named = {name.strip(" `") for row in rows for name in row.split(",")}
    assert len(named) == 6
    assert named <= columns


def test_the_key_is_one_of_the_config():
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    assert schema["properties"]["save_models"]["default"] is False
    assert "save_models: true" in PAGE.text
