"""The dicts of MMSA: clips of a video become a dialogue, sequences become vectors."""

import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spcl.data.corpus import read_corpus
from spcl.data.formats import FORMATS, load, recognise
from spcl.data.problems import KINDS
from spcl.data.records import Choices
from spcl.errors import UserError
from tests.data.made_formats import CLIP_IDS, SEQUENCES, mmsa_dict, write_pickle
from tests.data.test_formats_pickles import ODD


@pytest.fixture
def path(tmp_path):
    return tmp_path / "aligned_50.pkl"


def read(path, **choices):
    content = load(path)
    assert recognise(path, content) == "mmsa"
    return FORMATS["mmsa"].read(path, content, Choices(**choices))


def refused(path, content, **choices):
    write_pickle(path, content)
    with pytest.raises(UserError) as error:
        read(path, **choices)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"{path}: ")
    return str(error.value)


def check_same(reading, true, pooling="mean"):
    """Assert that each clip has the pooled steps that were written."""
    names = [u.utterance_id for u in reading.utterances]
    assert sorted(names) == sorted(true)
    for m, values in reading.features.items():
        expected = [true[name][m].mean(0, np.float64) for name in names]
        if pooling == "mean_std":
            deviations = [true[name][m].std(0, np.float64) for name in names]
            expected = np.concatenate([expected, deviations], 1)
        np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)
        assert values.dtype == np.float32
    assert {u.text for u in reading.utterances} == {f"said in {name}" for name in names}


def reasons(reading, kind, modality=None):
    return [p.reason for p in reading.problems if (p.kind, p.modality) == (kind, modality)]


@pytest.mark.parametrize("pooling", ["mean", "mean_std"])
@pytest.mark.parametrize("rows", SEQUENCES)
def test_sequences_are_pooled_over_their_true_length(path, rows, pooling):
    content, true = mmsa_dict(rows=rows)
    write_pickle(path, content)
    reading = read(path, pooling=pooling)
    check_same(reading, true, pooling)
    (text,), (audio,) = (reasons(reading, "note", m) for m in "ta")
    assert "rows of zeros at the start and the end told the padding" in text
    assert "the length of each clip told the padding" in audio
    assert ("mean and deviation" in audio) == (pooling == "mean_std")


@pytest.mark.parametrize("ids", CLIP_IDS)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_ids_may_be_a_list_an_array_or_bytes_in_any_protocol(path, ids, protocol):
    content, true = mmsa_dict(ids=ids)
    write_pickle(path, content, protocol)
    check_same(read(path), true)


def test_a_dict_saved_by_torch_is_read(tmp_path):
    content, true = mmsa_dict()
    for part in content.values():
        for name in ("text", "audio", "vision", "regression_labels"):
            part[name] = torch.from_numpy(part[name])
    path = tmp_path / "mosi.pt"
    torch.save(content, path)
    check_same(read(path), true)
    check_same(read(path, classes=7), true)


def test_the_clips_of_a_video_are_a_dialogue_in_the_order_of_their_numbers(path):
    content, _ = mmsa_dict()
    write_pickle(path, content)
    reading = read(path)
    numbers = {}
    for u in reading.utterances:
        video, _, number = u.utterance_id.partition("$_$")
        assert u.dialogue_id == video
        assert u.speaker == "unknown"
        numbers.setdefault((video, u.split), []).append(int(number))
    assert numbers == {
        ("video0", "train"): [8, 9, 10, 11, 12],
        ("video1", "train"): [8, 9, 10],
        ("video2", "train"): [8, 9, 10, 11],
        ("video3", "dev"): [8, 9],
        ("video4", "test"): [8, 9, 10],
    }
    assert len(reasons(reading, "speaker")) == 1


def test_an_id_without_a_video_is_a_dialogue(path):
    content, _ = mmsa_dict()
    content["train"]["id"][0] = "alone"
    write_pickle(path, content)
    reading = read(path)
    assert [u.utterance_id for u in reading.utterances if u.dialogue_id == "alone"] == ["alone"]
    assert "1 ids are not <video>$_$<clip>: each is a dialogue" in reasons(reading, "note")


def test_a_video_in_two_splits_is_divided(path):
    content, _ = mmsa_dict()
    content["test"]["id"][0] = "video0$_$1"
    write_pickle(path, content)
    corpus = read_corpus(path, dataset="mosi")
    parts = {
        dialogue: split
        for dialogue, split in zip(
            corpus.utterances["dialogue_id"].to_pylist(),
            corpus.utterances["split"].to_pylist(),
            strict=True,
        )
        if dialogue.startswith("video0")
    }
    assert parts == {"video0_train": "train", "video0_test": "test"}
    reason = "1 videos have clips in several splits: each part is a dialogue"
    assert reason in [problem.reason for problem in corpus.problems]


def test_vectors_of_a_clip_need_no_pooling(path):
    content, true = mmsa_dict()
    for part in content.values():
        names = [str(name) for name in part["id"]]
        part["text"] = np.stack([true[name]["t"].mean(0) for name in names])
    write_pickle(path, content)
    reading = read(path)
    check_same(reading, true)
    assert reasons(reading, "note", "t") == []


def test_the_mask_of_bert_tells_the_padding_of_the_text(path):
    content, true = mmsa_dict()
    for part in content.values():
        n, n_steps, _ = part["text"].shape
        n_true = [len(true[str(name)]["t"]) for name in part["id"]]
        part["text_bert"] = np.zeros((n, 3, n_steps))
        for row, steps in enumerate(n_true):
            part["text_bert"][row, 1, :steps] = 1
            part["text"][row, steps:] = 7  # as BERT gives for padding
    write_pickle(path, content)
    reading = read(path)
    check_same(reading, true)
    (note,) = reasons(reading, "note", "t")
    assert "the length of each clip" in note


def test_a_clip_without_steps_is_not_observed(path):
    content, _ = mmsa_dict()
    content["train"]["audio_lengths"][1] = 0
    content["train"]["text"][2] = 0
    write_pickle(path, content)
    corpus = read_corpus(path, dataset="mosi")
    ids = corpus.utterances["utterance_id"].to_pylist()
    for m, row in (("a", 1), ("t", 2)):
        name = content["train"]["id"][row]
        assert [ids[i] for i in np.flatnonzero(~corpus.features[m].observed)] == [name]
        assert [(p.kind, p.modality) for p in corpus.problems if p.utterance_id == name] == [
            ("empty", m)
        ]


def test_steps_that_are_not_finite_are_left_out_and_counted(path):
    content, true = mmsa_dict(videos=(5, 3, 4, 2, 3))
    first, second = (str(name) for name in content["train"]["id"][:2])
    audio = content["train"]["audio"]
    audio[0, : len(true[first]["a"])] = -np.inf
    n_true = len(true[second]["a"])
    audio[1, n_true - 1, 0] = np.nan
    write_pickle(path, content)
    corpus = read_corpus(path, dataset="mosei")
    ids = corpus.utterances["utterance_id"].to_pylist()
    lost = [ids[row] for row in np.flatnonzero(~corpus.features["a"].observed)]
    assert lost == ([first] if n_true > 1 else [first, second])
    notes = [p for p in corpus.problems if p.kind == "not_finite" and p.utterance_id is None]
    assert [note.reason for note in notes] == [
        f"{len(true[first]['a']) + 1} steps have NaN or infinity; left out of the audio features"
    ]


def test_annotations_are_the_classes_if_nothing_else_is_chosen(path):
    content, _ = mmsa_dict()
    write_pickle(path, content)
    reading = read(path)
    assert reading.labels == ("Negative", "Neutral", "Positive")
    expected = {
        str(name): label
        for part in content.values()
        for name, label in zip(part["id"], part["annotations"], strict=True)
    }
    assert {u.utterance_id: u.emotion for u in reading.utterances} == expected


def test_the_names_of_numbered_classes_are_asked_for(path):
    content, _ = mmsa_dict()
    for part in content.values():
        del part["annotations"]
    assert "labels: [...]" in refused(path, content)
    reading = read(path, labels=("bad", "fair", "good"))
    assert reading.labels == ("bad", "fair", "good")
    assert {u.emotion for u in reading.utterances} == {"bad", "fair", "good"}


def test_scores_alone_become_classes_only_if_the_config_says_so(path):
    content, _ = mmsa_dict()
    for part in content.values():
        del part["annotations"], part["classification_labels"]
    assert "write datasets.<name>.classes: 7 (rounded to -3..3), 3 " in refused(path, content)
    for classes in (7, 3, 2):
        reading = read(path, classes=classes)
        assert len(reading.labels) == classes
    scores = [0 if u.emotion is None else 1 for u in reading.utterances]
    assert scores.count(0) == sum(
        (part["regression_labels"] == 0).sum() for part in content.values()
    )


def test_seven_classes_are_refused_for_scores_of_sims(path):
    content, _ = mmsa_dict(scale=1.0)
    assert "its scores lie within -1..1" in refused(path, content, classes=7)
    for classes in (3, 2):
        assert len(read(path, classes=classes).labels) == classes


def test_classes_need_scores(path):
    content, _ = mmsa_dict()
    del content["test"]["regression_labels"]
    assert "remove datasets.<name>.classes" in refused(path, content, classes=3)


def test_scores_may_be_absent_or_nan(path):
    content, _ = mmsa_dict()
    scores = [[score] for score in content["train"]["regression_labels"].tolist()]
    scores[0], scores[1] = None, np.array([np.nan])
    content["train"]["regression_labels"] = [s if s is None else np.array(s) for s in scores]
    write_pickle(path, content)
    emotions = {u.utterance_id: u.emotion for u in read(path, classes=3).utterances}
    first, second = content["train"]["id"][:2]
    assert emotions[first] is emotions[second] is None
    assert list(emotions.values()).count(None) == 2


def test_labels_of_single_modalities_are_ignored_and_noted_once(path):
    content, _ = mmsa_dict()
    for part in content.values():
        for letter in "TAV":
            part[f"regression_labels_{letter}"] = part["regression_labels"]
    write_pickle(path, content)
    (reason,) = reasons(read(path), "left_out")
    assert "regression_labels_T, regression_labels_A, regression_labels_V" in reason


@pytest.mark.parametrize("name", ["vision", "raw_text"])
def test_a_field_may_be_absent(path, name):
    content, _ = mmsa_dict()
    for part in content.values():
        del part[name]
    write_pickle(path, content)
    reading = read(path)
    assert set(reading.features) == ({"t", "a"} if name == "vision" else {"t", "a", "v"})
    assert ({u.text for u in reading.utterances} == {""}) == (name == "raw_text")


def edited(name, value):
    content, _ = mmsa_dict()
    content["train"][name] = value
    return content


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("id", [], "train.id is empty"),
        ("id", [None] * 12, "train.id has a value that is neither text"),
        ("audio", np.zeros((3, 6, 4)), "train.audio has 3 rows for 12 clips"),
        ("audio", np.zeros((12, 6, 9)), "audio has the widths 4 and 9"),
        ("audio", "words", "no numbers"),
        ("audio_lengths", [1, 2], "train.audio_lengths is not 12 whole numbers"),
        ("audio_lengths", [0.5] * 12, "train.audio_lengths is not 12 whole numbers"),
        ("audio_lengths", "words", "train.audio_lengths is not 12 whole numbers"),
        ("raw_text", ["a"], "train.raw_text has 1 values for 12 clips"),
        ("annotations", [1.5] * 12, "annotations has a label of type float"),
    ],
)
def test_what_does_not_fit_together_is_refused(path, name, value, found):
    assert found in refused(path, edited(name, value))


def test_problems_are_of_known_kinds_and_name_the_file(path):
    content, _ = mmsa_dict()
    write_pickle(path, content)
    problems = read(path).problems
    assert problems
    assert {p.kind for p in problems} <= KINDS.keys()
    assert {p.file for p in problems} == {path.name}


@given(data=st.data())
def test_a_file_with_anything_anywhere_gives_a_reading_or_a_message(tmp_path_factory, data):
    content, _ = mmsa_dict(rows="list of lists", lengths=("audio", "text", "vision"))
    for part in content.values():
        part["text_bert"] = np.ones((len(part["id"]), 3, 6)).tolist()
    for _ in range(data.draw(st.integers(1, 3))):
        part = content
        while True:
            places = list(part) if isinstance(part, dict) else range(len(part))
            place = data.draw(st.sampled_from(places))
            if isinstance(part[place], dict | list) and part[place] and data.draw(st.booleans()):
                part = part[place]
            else:
                part[place] = copy.deepcopy(data.draw(st.sampled_from(ODD)))
                break
    path = write_pickle(tmp_path_factory.getbasetemp() / "odd.pkl", content)
    classes = data.draw(st.sampled_from([None, 7, 3, 2]))
    try:
        layout = recognise(path, load(path))
        reading = FORMATS[layout].read(path, load(path), Choices(classes=classes))
    except UserError:
        return
    assert {len(matrix) for matrix in reading.features.values()} <= {len(reading.utterances)}


def test_the_numbers_of_clips_stand_beside_the_published_ones(path):
    content, _ = mmsa_dict((1, 1, 1))
    sizes = {"train": 1280, "valid": 229, "test": 686}
    for name, n in sizes.items():
        content[name] = {
            "id": [f"{name}{k}$_$0" for k in range(n)],
            "text": np.ones((n, 2), np.float32),
            "regression_labels": np.linspace(-3, 3, n),
        }
    write_pickle(path, content)
    assert (
        "1,280, 229, 686 clips in train, dev, test; published for CMU-MOSI are 1,284, 229, 686"
        " (Yu et al., AAAI 2021)"
    ) in reasons(read(path, classes=3), "note")
