"""A folder of MERBench: an array of a clip is a row, however many steps it has."""

import os
import zipfile

import numpy as np
import pytest

from spcl.data.corpus import read_corpus
from spcl.data.formats import FORMATS, load, recognise
from spcl.data.records import Choices
from spcl.errors import UserError
from spcl.inspection.find import find
from tests.data.made_formats import write_merbench


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "mer"


def read(folder, **choices):
    assert load(folder) is None
    assert recognise(folder, None) == "merbench"
    return FORMATS["merbench"].read(folder, None, Choices(**choices))


def refused(folder, **choices):
    with pytest.raises(UserError) as error:
        read(folder, **choices)
    assert str(error.value).startswith(str(folder))
    assert "\n" not in str(error.value)
    return str(error.value)


def check_same(reading, clips):
    splits = {"train": "train", "val": "dev", "test": "test"}
    assert [(u.utterance_id, u.dialogue_id, u.split, u.emotion) for u in reading.utterances] == [
        (name, name, splits[clip["split"]], clip["emotion"]) for name, clip in clips.items()
    ]
    assert set(reading.features) == set("tav")
    for m, values in reading.features.items():
        expected = [np.atleast_2d(clip[m]).mean(0, np.float64) for clip in clips.values()]
        np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)
        assert values.dtype == np.float32


@pytest.mark.parametrize("labels", ["npz", "emo", "emotion", "label"])
@pytest.mark.parametrize("steps", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_a_folder_comes_back(folder, labels, steps, dtype):
    clips = write_merbench(folder, labels=labels, steps=steps, dtype=dtype)
    reading = read(folder)
    check_same(reading, clips)
    assert reading.labels == ("angry", "happy", "neutral")
    notes = [p.reason for p in reading.problems if p.kind == "note"]
    assert len(notes) == (3 if steps else 0)
    assert all("the length of each clip told the padding" in note for note in notes)


def test_mean_and_deviation_are_twice_as_wide(folder):
    clips = write_merbench(folder)
    values = read(folder, pooling="mean_std").features["a"]
    deviations = [clip["a"].std(0, np.float64) for clip in clips.values()]
    np.testing.assert_allclose(values[:, 4:], deviations, rtol=1e-5, atol=1e-6)


def test_scores_become_classes_if_the_config_says_so(folder):
    write_merbench(folder)
    for classes in (7, 3, 2):
        assert len(read(folder, classes=classes).labels) == classes


def test_numbered_classes_need_names(folder):
    write_merbench(folder, classes=(0, 1, 2))
    assert "labels: [...]" in refused(folder)
    assert read(folder, labels=("x", "y", "z")).utterances[1].emotion == "y"


def test_clips_of_a_video_are_a_dialogue(folder):
    write_merbench(folder, (0, 0, 0), names=("t", "a", "v"))
    names = [f"vid{place % 2}$_${10 - place}" for place in range(6)]
    rows = [f"{name},{'ab'[place % 2]},train" for place, name in enumerate(names)]
    (folder / "label.csv").write_text("\n".join(["name,emo,split", *rows]))
    os.remove(folder / "label-6way.npz")
    for name in names:
        for m in "tav":
            np.save(folder / "features" / m / f"{name}.npy", np.ones(2))
    found = [u.utterance_id for u in read(folder).utterances]
    assert found == [f"vid{video}$_${number}" for video, number in
                     ((0, 6), (0, 8), (0, 10), (1, 5), (1, 7), (1, 9))]  # fmt: skip
    assert {u.dialogue_id for u in read(folder).utterances} == {"vid0", "vid1"}


def test_a_file_that_is_missing_or_no_array_costs_its_row(folder):
    write_merbench(folder)
    audio = folder / "features" / "a_hubert-FRA"
    (audio / "train_0001.npy").unlink()
    (audio / "train_0002.npy").write_bytes(b"words")
    np.save(audio / "train_0003.npy", np.zeros((0, 4)))
    np.save(audio / "train_0004.npy", np.full((2, 4), np.inf))
    np.save(audio / "train_0005.npy", np.array([{"a": 1}]), allow_pickle=True)
    np.save(audio / "train_0006.npy", np.zeros((2, 3, 4)))
    corpus = read_corpus(folder, dataset="mer")
    assert np.flatnonzero(~corpus.features["a"].observed).tolist() == [1, 2, 3, 4, 5, 6]
    kinds = {p.utterance_id: p.kind for p in corpus.problems if p.utterance_id}
    assert kinds == {
        "train_0001": "missing",
        "train_0002": "malformed",
        "train_0003": "empty",
        "train_0004": "not_finite",
        "train_0005": "malformed",
        "train_0006": "malformed",
    }


def test_a_folder_whose_name_says_no_modality_is_refused(folder):
    write_merbench(folder, names=("text", "chinese-hubert-large-UTT", "v"))
    assert "rename it to audio-chinese-hubert-large-UTT" in refused(folder)


def test_two_folders_of_a_modality_are_refused(folder):
    write_merbench(folder, names=("text", "audio-one", "a-two"))
    assert "has audio features too" in refused(folder)


def test_arrays_of_two_widths_are_refused(folder):
    write_merbench(folder)
    np.save(folder / "features" / "Visual" / "train_0000.npy", np.zeros(9))
    assert "the widths 3 and 9" in refused(folder)


def test_two_files_of_labels_are_refused(folder):
    write_merbench(folder)
    write_merbench(folder, labels="emo")
    assert "several files of labels (label-6way.npz, labels.csv)" in refused(folder)


def test_test_sets_beside_the_first_are_left_out_and_noted(folder):
    write_merbench(folder)
    with np.load(folder / "label-6way.npz", allow_pickle=True) as archive:
        corpora = dict(archive)
    corpora["test1_corpus"] = corpora.pop("test_corpus")
    corpora["test2_corpus"] = np.array({"more": {"emo": "happy"}})
    np.savez(folder / "label-6way.npz", **corpora)
    reading = read(folder)
    assert {u.split for u in reading.utterances} == {"train", "dev", "test"}
    assert ["test2_corpus" in p.reason for p in reading.problems if p.kind == "left_out"] == [True]


class Hostile:
    def __reduce__(self):
        return os.system, ("echo hostile > hostile",)


def test_labels_are_unpickled_without_running_them(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_merbench(folder)
    np.savez(folder / "label-6way.npz", train_corpus={"a": {"emo": Hostile()}})
    assert "label-6way.npz: a pickle that calls posix.system" in refused(folder)
    assert not (tmp_path / "hostile").exists()


def test_a_bomb_in_the_labels_is_refused(folder, monkeypatch):
    write_merbench(folder)
    monkeypatch.setattr("spcl.data.files.parsing.MAX_BYTES", 10**6)
    with zipfile.ZipFile(folder / "label-6way.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train_corpus.npy", bytes(10**7))
    assert "takes over" in refused(folder)


def test_the_corpus_of_a_file_in_it_is_found(folder):
    write_merbench(folder)
    assert find(folder).layout == "merbench"
    assert find(folder.parent).path == folder
    assert find(folder / "features").path.resolve() == folder
