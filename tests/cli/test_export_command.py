"""`python -m spcl export`: from the results of a workflow to a file that others' code reads."""

import pytest
import yaml

from spcl.__main__ import main
from spcl.data.corpus import read_corpus
from spcl.tables import parquet
from spcl.tables.schemas import FEATURES, UTTERANCES
from tests.data.made_export import rows_of, tables

CONFIG = yaml.safe_load("""
name: mine
datasets:
  talks: {path: data/talks, protocol: official}
  calls: {path: data/calls, protocol: official, modalities: at}
  iemocap: {path: data/iemocap, protocol: leave-one-session-out, sessions: [1]}
features: {a: {extractor: egemaps}, t: {extractor: minilm}, v: {extractor: face_hog}}
grid: {baselines: [mmgcn], modalities: [atv, at], curricula: [none], seeds: [1]}
difficulty: {folds: 5}
training: {epochs: 1, learning_rate: 0.001}
baselines: {mmgcn: {}}
curricula: {none: {}}
""")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a config and no results."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    return tmp_path


def write_results(rows, known_as, dataset, owner=None):
    utterances, features = tables(rows, known_as, dataset=dataset)
    parquet.write(utterances, f"results/corpora/{dataset}/utterances.parquet", UTTERANCES)
    for m, table in features.items():
        parquet.write(table, f"results/features/{owner or dataset}/{m}.parquet", FEATURES)


def refusal(capsys, *words):
    assert main(["export", *words]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_a_dataset_is_exported_and_read_again(folder, capsys):
    write_results(rows_of("meld", [7] * 12, gaps=0.1), "meld", "talks")
    assert main(["export", "talks", "--format", "dialogue_rnn", "theirs"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "theirs/MELD_features_raw1.pkl: written"
    assert any("no dev split: its 4 dialogues" in line for line in said)
    assert any(line.startswith("warning: ") and "unlabelled" in line for line in said)
    corpus = read_corpus("theirs/MELD_features_raw1.pkl", dataset="again", protocol="spcl")
    assert corpus.known_as == "meld"
    assert len(corpus.utterances) == 84


def test_a_fold_has_the_features_of_its_dataset(folder, capsys):
    write_results(rows_of("iemocap", [2] * 5), "iemocap", "iemocap-session1", "iemocap")
    assert main(["export", "iemocap-session1", "--format", "sdt", "theirs"]) == 0
    assert (folder / "theirs" / "iemocap_multimodal_features.pkl").is_file()


def test_missing_results_are_one_line_with_the_command_that_makes_them(folder, capsys):
    said = refusal(capsys, "talks", "--format", "sdt", "theirs")
    assert said.startswith("error: results/corpora/talks/utterances.parquet: no such file;")
    assert "snakemake --cores 2 results/corpora/talks/utterances.parquet" in said
    assert "results/features/talks/v.parquet\n" in said
    (folder / "other.yaml").write_text(yaml.safe_dump(CONFIG))
    said = refusal(capsys, "talks", "--format", "sdt", "theirs", "--configfile", "other.yaml")
    assert said.endswith("results/features/talks/v.parquet --configfile other.yaml\n")
    assert not (folder / "theirs").exists()


def test_an_unknown_dataset_is_one_line_that_lists_all(folder, capsys):
    said = refusal(capsys, "talk", "--format", "sdt", "theirs")
    assert "no dataset 'talk'; did you mean 'talks'?" in said


def test_a_dataset_without_a_modality_is_refused(folder, capsys):
    assert "has the modalities at" in refusal(capsys, "calls", "--format", "spcl", "theirs")


def test_an_unknown_format_shows_the_usage(folder, capsys):
    with pytest.raises(SystemExit) as end:
        main(["export", "talks", "--format", "mmsa", "theirs"])
    assert end.value.code == 2
    assert "dialogue_rnn" in capsys.readouterr().err
