"""DAG-ERC's JSON: one file a split, or one file with all of them."""

import dataclasses
import json

import numpy as np
import pytest

from spcl.data.emotions.labels import IEMOCAP, MELD
from spcl.data.formats import FORMATS, dag_erc, load, recognise
from spcl.data.records import Choices
from spcl.errors import UserError
from tests.data.made_formats import check_same, dag_lists, made, write_dag


def read(path, labels=None):
    content = load(path)
    assert recognise(path, content) == "dag_erc"
    return FORMATS["dag_erc"].read(path, content, Choices(labels))


def named_by_split(dialogues):
    """The dialogues with the ids that the reader assigns, because the files have none."""
    met = {}
    named = []
    for dialogue in dialogues:
        place = met[dialogue.split] = met.get(dialogue.split, -1) + 1
        named.append(dataclasses.replace(dialogue, name=f"{dialogue.split}_dia{place}"))
    return named


@pytest.mark.parametrize("corpus", ["iemocap", "meld"])
@pytest.mark.parametrize("modalities", ["t", "tav"])
@pytest.mark.parametrize(
    "pattern", ["{}_data_roberta.json.feature", "{}.json", "MELD-{}_v2.json", "{}_data.feature"]
)
def test_a_folder_of_files_comes_back(tmp_path, corpus, modalities, pattern):
    dialogues = made(corpus)
    folder = write_dag(tmp_path / "dag", dialogues, modalities, pattern)
    (folder / "label_vocab.pkl").write_bytes(b"what lies beside")
    reading = read(folder)
    check_same(reading, named_by_split(dialogues), modalities)
    assert reading.known_as == corpus
    assert reading.labels == (IEMOCAP if corpus == "iemocap" else MELD)
    assert reading.problems == []


def test_one_of_the_files_means_the_corpus(tmp_path):
    dialogues = made("meld")
    dialogues[2] = dataclasses.replace(dialogues[2], split="dev")
    folder = write_dag(tmp_path / "dag", dialogues)
    order = [d for s in ("train", "dev", "test") for d in dialogues if d.split == s]
    for split in ("train", "dev", "test"):
        path = folder / f"{split}_data_roberta.json.feature"
        check_same(read(path), named_by_split(order))


def test_one_file_with_all_splits_comes_back(tmp_path):
    dialogues = made("iemocap")
    path = tmp_path / "corpus.json"
    path.write_text(json.dumps(dag_lists(dialogues)), encoding="utf-8")
    check_same(read(path), named_by_split(dialogues))


def test_an_utterance_without_a_label_is_unlabelled(tmp_path):
    dialogues = made("iemocap")
    dialogues[0].emotions[1] = None
    check_same(read(write_dag(tmp_path / "dag", dialogues)), named_by_split(dialogues))


def test_names_of_another_corpus_are_in_the_order_of_the_alphabet(tmp_path):
    dialogues = made("meld")
    for dialogue in dialogues:
        dialogue.emotions[:] = ["mad" if e == "anger" else e for e in dialogue.emotions]
    reading = read(write_dag(tmp_path / "dag", dialogues))
    assert reading.labels == tuple(sorted({e for d in dialogues for e in d.emotions}))
    assert reading.known_as is None


def test_an_utterance_without_vectors_costs_its_rows(tmp_path):
    dialogues = made("meld")
    lists = dag_lists(dialogues)
    del lists["train"][0][1]["cls"]
    lists["train"][0][2]["cls"] = lists["train"][0][2]["cls"][:2]
    path = tmp_path / "corpus.json"
    path.write_text(json.dumps(lists), encoding="utf-8")
    reading = read(path)
    noted = [(problem.utterance_id, problem.modality) for problem in reading.problems]
    assert noted == [(f"train_dia0_utt{i}", m) for m in "tav" for i in (1, 2)]
    for m in "tav":
        assert np.isnan(reading.features[m]).all(1).nonzero()[0].tolist() == [1, 2]


def test_a_single_list_has_no_splits(tmp_path):
    path = tmp_path / "corpus.json"
    path.write_text(json.dumps(dag_lists(made("meld"))["train"]), encoding="utf-8")
    with pytest.raises(UserError, match="without train and test"):
        read(path)


def test_two_kinds_of_files_in_a_folder_have_to_be_chosen_from(tmp_path):
    dialogues = made("meld")
    folder = write_dag(tmp_path / "dag", dialogues, "t")
    write_dag(folder, dialogues, "tav", "{}_data_roberta_mm.json.feature")
    with pytest.raises(UserError, match="name one of them as the path"):
        read(folder)
    for name, modalities in (("train_data_roberta", "t"), ("train_data_roberta_mm", "tav")):
        reading = read(folder / f"{name}.json.feature")
        check_same(reading, named_by_split(dialogues), modalities)


def test_a_file_of_another_form_is_named(tmp_path):
    folder = write_dag(tmp_path / "dag", made("meld"))
    (folder / "test_data_roberta.json.feature").write_text('{"a": 1}', encoding="utf-8")
    with pytest.raises(UserError, match="test is not a list of dialogues"):
        read(folder)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b'{"train": [1, 2', "not JSON"),
        (b"\xff\xfe[]", "not JSON"),
        (b"", "not JSON"),
        (b"[" * 200_000, "nested too deeply"),
        (b"[" + b"9" * 10_000 + b"]", "not JSON"),
    ],
)
def test_a_broken_file_is_refused_in_one_line(tmp_path, content, found):
    path = tmp_path / "corpus.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=found) as error:
        load(path)
    assert "\n" not in str(error.value)


def test_vectors_are_arrays_as_soon_as_their_utterance_is_read(tmp_path):
    path = tmp_path / "corpus.json"
    path.write_text(json.dumps(dag_lists(made("meld"))), encoding="utf-8")
    cls = dag_erc.parse(path)["train"][0][0]["cls"]
    assert [type(part) for part in cls] == [np.ndarray] * 3


def test_a_folder_of_other_json_files_is_not_recognised(tmp_path):
    (tmp_path / "training.json").write_text("[]", encoding="utf-8")
    (tmp_path / "package.json").write_text("{}", encoding="utf-8")
    assert not dag_erc.fits(tmp_path, None)
