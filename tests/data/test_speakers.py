"""IEMOCAP's ten actors have ten names, from any format, and are two people in a dialogue."""

from pathlib import Path

import pytest

from spcl.__main__ import main
from spcl.data.checks import checked
from spcl.data.corpus import read_corpus
from spcl.data.records import Reading, Utterance
from spcl.data.speakers import as_annotated, named_by_session
from spcl.extract.extraction import _items
from tests.data.made_formats import dialogue_rnn_tuple, made, spcl_dict, write_pickle

TEN = {f"Ses0{session}_{letter}" for session in range(1, 6) for letter in "FM"}


def imported(path):
    return read_corpus(path, dataset="mine", protocol="spcl")


@pytest.mark.parametrize(
    "content", [spcl_dict, lambda d: dialogue_rnn_tuple(d, "iemocap")], ids=["dict", "tuple"]
)
def test_pickles_of_iemocap_have_ten_speakers(tmp_path, content, capsys):
    dialogues = made("iemocap", [3] * 10)
    path = write_pickle(tmp_path / "theirs.pkl", content(dialogues))
    corpus = imported(path)
    assert corpus.known_as == "iemocap"
    assert set(corpus.utterances["speaker"].to_pylist()) == TEN
    for row in corpus.utterances.to_pylist():
        assert row["speaker"].startswith(row["dialogue_id"][:5])
    assert main(["inspect", str(path)]) == 0
    (line,) = (x for x in capsys.readouterr().out.splitlines() if x.strip().startswith("speakers"))
    assert "10" in line.split()


def test_the_raw_corpus_has_the_same_names(iemocap_sim):
    speakers = read_corpus(iemocap_sim, dataset="mine").utterances["speaker"].to_pylist()
    assert set(speakers) == TEN


@pytest.mark.parametrize(
    ("speaker", "dialogue", "name"),
    [
        ("F", "Ses01M_script01_1", "Ses01_F"),
        ("M", "Ses05F_impro03", "Ses05_M"),
        ("Ann", "Ses01F_impro01", "Ann"),
        ("Ses01_F", "Ses01F_impro01", "Ses01_F"),
        ("unknown", "Ses01F_impro01", "unknown"),
        ("F", "dia7", "F"),
        ("F", "Ses06F_impro01", "F"),
        ("0", "7", "0"),
    ],
)
def test_only_letters_in_a_known_session_change(speaker, dialogue, name):
    assert named_by_session(speaker, dialogue) == name
    rows = [
        Utterance(dialogue, f"u{place}", speaker, "Hello", emotion, "train")
        for place, emotion in enumerate(("glad", "calm"))
    ]
    found = checked(Reading(rows, ("calm", "glad")), Path("corpus"))
    assert {one.speaker for one in found.utterances} == {name}


@pytest.mark.parametrize(
    ("name", "annotated"), [("Ses03_M", "M"), ("M", "M"), ("Ross", "Ross"), ("", ""), ("3", "3")]
)
def test_the_name_of_the_files_comes_back(name, annotated):
    assert as_annotated(name) == annotated


def test_text_extractors_get_the_speaker_as_annotated(tmp_path):
    path = write_pickle(tmp_path / "theirs.pkl", spcl_dict(made("iemocap")))
    items = list(_items(imported(path).utterances, "t", tmp_path, 1, 3))
    assert {item.speaker for item in items} == {"F", "M"}
    assert {speaker for item in items for speaker, _ in item.context} == {"F", "M"}
