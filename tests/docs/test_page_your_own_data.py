"""What `docs/your-own-data.md` shows works as shown."""

import copy
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

from spcl.__main__ import main
from spcl.data.corpus import read_corpus, write_corpus
from spcl.data.formats import FORMATS
from spcl.data.splits import PROTOCOLS
from spcl.errors import UserError
from spcl.extract.corpus import corpus_features
from spcl.inspection.find import find
from spcl.inspection.paste import config_lines
from spcl.provenance.environment import Provenance
from spcl.study.config import check
from spcl.study.grid import Cell, cell_settings
from spcl.tables import parquet
from spcl.tables.schemas import METRICS, UTTERANCES
from spcl.training.cell import train_cell
from spcl.training.settings import CellSettings
from tests.docs.pages import ROOT, Page
from tests.workflow.conftest import copy_of_project

PAGE = Page("your-own-data.md")
CONFIG = yaml.safe_load(PAGE.files["mine.yaml"])
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"
COMMANDS = [line for line in PAGE.commands if "PATH" not in line]
FRAGMENTS = re.findall(r"```yaml\n(?!# )(.*?)```", PAGE.text, re.DOTALL)


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A working folder with the corpus of the page."""
    monkeypatch.chdir(tmp_path)
    exec(PAGE.files["stand_in.py"], {})
    return tmp_path


def imported(dataset):
    """The utterances of a config's dataset as the workflow stores them."""
    settings = CONFIG["datasets"][dataset]
    corpus = read_corpus(settings["path"], dataset=dataset, protocol=settings["protocol"])
    write_corpus(corpus, "u.parquet", "p.parquet", "r.parquet")
    return parquet.read("u.parquet", UTTERANCES)


def test_config_and_commands_are_fifteen_lines_at_most():
    written = [line for line in PAGE.files["mine.yaml"].splitlines() if line[0] != "#"]
    assert len(written) + len(COMMANDS) <= 15


def test_the_lines_that_inspect_prints_are_those_of_the_page(mine):
    lines, faults = config_lines(find(mine / "data" / "mine"))
    pasted = yaml.safe_load("\n".join(lines))["datasets"]
    pasted["mine"]["path"] = "data/mine"
    assert pasted == CONFIG["datasets"]
    assert faults == []


def test_the_stand_in_is_called_simulated(mine, capsys):
    assert main(["inspect", "data/mine"]) == 0
    assert "Simulated" in capsys.readouterr().out


def test_a_cell_trains_on_it(mine):
    utterances = imported("mine")
    choices = CONFIG["datasets"]["mine"]["features"]
    assert {choice["extractor"] for choice in choices.values()} == {"corpus"}
    features = {m: corpus_features(utterances, "data/mine", m).features for m in choices}
    cell = Cell("mine", "mmgcn", "atv", "none")
    config = copy.deepcopy(CONFIG)
    check(config, SCHEMA, "the page's config")
    settings = CellSettings.from_config(cell_settings(config, cell))
    provenance = Provenance(commit="0", versions={}, device="here", config_digest="0")
    metrics = train_cell(cell, utterances, features, settings, provenance=provenance).metrics
    test = metrics.to_pandas().query("split == 'test'")
    assert test["weighted_f1"].item() > 0.5
    assert test["simulated"].all()


@pytest.mark.workflow
def test_the_commands_make_a_trained_cell_and_show_it(tmp_path):
    project = copy_of_project(tmp_path / "project")
    PAGE.write_files(project.folder)
    subprocess.run([sys.executable, "stand_in.py"], cwd=project.folder, check=True)
    said = []
    for line in COMMANDS:
        words = shlex.split(line)
        command = words[1:] if words[0] == "python" else ["-m", *words]
        done = subprocess.run(
            [sys.executable, *command], cwd=project.folder, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        said.append(done.stdout)
    (address,) = project.folder.glob("results/cells/mine/mmgcn/atv/*/metrics.parquet")
    metrics = parquet.read(address, METRICS).to_pandas()
    assert metrics.query("split == 'test'")["weighted_f1"].item() > 0.5
    assert "simulated" in said[-1]


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_every_fragment_fits_into_a_config(fragment):
    config = copy.deepcopy(CONFIG)
    config["grid"]["modalities"] += ["at"]
    update_config(config, yaml.safe_load(fragment))
    check(config, SCHEMA, "fragment")


def test_a_refused_pickle_is_converted_by_hand(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data" / "theirs").mkdir(parents=True)
    pd.DataFrame(
        {
            "conversation": ["c1", "c1", "c2"],
            "label": ["glad", "cross", "glad"],
            "embedding": list(np.eye(3)),
        }
    ).to_pickle("theirs.pkl")
    with pytest.raises(UserError, match=r"theirs\.pkl: .*docs/your-own-data\.md"):
        find(tmp_path / "theirs.pkl")
    exec(PAGE.files["convert.py"], {})
    found = find(tmp_path / "data" / "theirs")
    assert found.features["t"].values.tolist() == np.eye(3).tolist()
    assert [u.emotion for u in found.reading.utterances] == ["glad", "cross", "glad"]


def test_numbers_are_never_guessed_and_minus_one_is_unlabelled(tmp_path):
    table = "dialogue_id,emotion\nd1,0\nd1,2\nd2,1\nd2,-1\n"
    (tmp_path / "utterances.csv").write_text(table)
    with pytest.raises(UserError, match="labels"):
        read_corpus(tmp_path, dataset="mine")
    labels = ("calm", "cross", "glad")
    emotions = [u.emotion for u in find(tmp_path, labels).reading.utterances]
    assert emotions == ["calm", "glad", "cross", None]


def test_the_page_names_every_column_and_protocol():
    for column in UTTERANCES.columns:
        assert f"`{column.name}`" in PAGE.text
    for protocol in PROTOCOLS:
        assert f"`protocol: {protocol}`" in PAGE.text or f"`{protocol}`" in PAGE.text


@pytest.mark.parametrize("name", FORMATS)
def test_the_page_names_every_format(name):
    """By the first word of its title."""
    words = {"tables": "utterances.csv", "iemocap": "IEMOCAP_full_release", "meld": "MELD.Raw"}
    title = FORMATS[name].TITLE
    assert words.get(name, title.split()[0].removesuffix("'s").rstrip(":,")) in PAGE.text


def test_the_problems_of_the_page_are_what_inspect_prints(meld_sim, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "120")
    corpus = tmp_path / "meld"
    shutil.copytree(meld_sim, corpus)
    (corpus / "train_splits/dia0_utt0.mp4").unlink()
    (corpus / "train_splits/dia0_utt1.mp4").write_text("<!DOCTYPE html>", "utf-8")
    assert main(["inspect", str(corpus), "--problems"]) == 0
    (shown,) = re.findall(r"```text\n(2 x missing.*?)```", PAGE.text, re.DOTALL)
    assert capsys.readouterr().out == shown
