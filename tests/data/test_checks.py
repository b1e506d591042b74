"""In any format, defects cost single rows, and what would make results wrong is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spcl.data.checks import check_splits, checked, constant_columns, usable
from spcl.data.problems import Problem
from spcl.data.records import Features, Reading, Utterance
from spcl.errors import UserError


def utterance(
    name, dialogue="d0", *, split="train", emotion="glad", text="Hello", speaker="Ann", audio=None
):
    return Utterance(
        dialogue_id=dialogue,
        utterance_id=name,
        speaker=speaker,
        text=text,
        emotion=emotion,
        split=split,
        start_s=None,
        end_s=None,
        audio_path=audio,
        video_path=None,
    )


def reading(utterances, *, labels=("glad", "calm"), **more):
    return Reading(list(utterances), labels, **more)


def check(found, path, **options):
    return checked(found, path / "corpus", **options)


def names(found):
    return [one.utterance_id for one in found.utterances]


def test_a_second_utterance_with_the_same_id_is_left_out_and_recorded(tmp_path):
    features = {"t": np.array([[1.0], [2.0], [3.0]])}
    rows = [utterance("u0"), utterance("u0", text="again"), utterance("u1")]
    found = check(reading(rows, features=features), tmp_path)
    assert names(found) == ["u0", "u1"]
    assert found.utterances[0].text == "Hello"
    assert found.features["t"].tolist() == [[1], [3]]
    assert [(p.utterance_id, p.reason) for p in found.problems] == [
        ("u0", "the utterance occurs twice; the first is kept")
    ]


def test_the_rows_of_a_dialogue_are_put_together_with_their_features(tmp_path):
    rows = [utterance("u0"), utterance("u1", "d1"), utterance("u2"), utterance("u3", "d1")]
    features = {"t": np.arange(4.0)[:, None]}
    found = check(reading(rows, features=features), tmp_path)
    assert names(found) == ["u0", "u2", "u1", "u3"]
    assert found.features["t"].ravel().tolist() == [0, 2, 1, 3]
    assert [p.reason.split(";")[0] for p in found.problems] == [
        "the rows of dialogue d0 were not contiguous",
        "the rows of dialogue d1 were not contiguous",
    ]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=30))
def test_every_utterance_comes_once_and_every_dialogue_in_one_piece(tmp_path_factory, pairs):
    rows = [utterance(f"d{d}u{u}", f"d{d}") for d, u in pairs]
    features = {"t": np.arange(float(len(rows)))[:, None]}
    found = check(reading(rows, features=features), tmp_path_factory.getbasetemp())
    assert sorted(names(found)) == sorted({f"d{d}u{u}" for d, u in pairs})
    dialogues = [one.dialogue_id for one in found.utterances]
    pieces = [d for n, d in enumerate(dialogues) if n == 0 or d != dialogues[n - 1]]
    assert len(pieces) == len(set(pieces))
    for one, (row,) in zip(found.utterances, found.features["t"], strict=True):
        assert rows[int(row)] == one


def test_a_dialogue_in_two_splits_is_refused_with_the_likely_reason(tmp_path):
    rows = [utterance("u0"), utterance("u1", split="test")]
    with pytest.raises(UserError, match=r"1 dialogues .* first d0 \(test, train\); .* test_d0"):
        check(reading(rows), tmp_path)


def test_an_unusual_label_order_must_be_in_the_config(tmp_path):
    labels = ("sad", "hap", "neu", "ang", "exc", "fru")
    found = reading([utterance("u0", emotion="sad")], labels=labels, known_as="iemocap")
    with pytest.raises(UserError, match=r"not that of iemocap; .* labels: \[hap, sad, neu"):
        check(found, tmp_path)
    assert check(found, tmp_path, asked=labels).labels == labels


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ((), "no utterance has an emotion, and .* fill in the emotions of the utterances"),
        (("glad",), "'glad' is the only emotion, and .* complete the emotions"),
        (("glad", "glad", "calm"), r"an emotion is twice among \[glad, glad, calm\]; name each"),
    ],
)
def test_two_different_labels_are_the_least(tmp_path, labels, says):
    with pytest.raises(UserError, match=says):
        check(reading([utterance("u0")], labels=labels), tmp_path)


def test_an_emotion_that_is_no_label_is_unlabelled_and_noted(tmp_path):
    found = check(reading([utterance("u0", emotion="bored")]), tmp_path)
    assert found.utterances[0].emotion is None
    assert "unknown emotion 'bored'" in found.problems[0].reason


def test_control_characters_are_removed_from_transcripts_and_speakers(tmp_path):
    rows = [
        utterance("u0", text="a\0b\ud800c"),
        utterance("u1", speaker="R\x1b[31moss\x07"),
        utterance("u2", text="First,\r\n\tsecond \N{PILE OF POO}"),
        utterance("u3", text="don\x92t"),
    ]
    found = check(reading(rows, files={None: "x.csv", "a": "a.csv"}), tmp_path)
    assert [one.text for one in found.utterances] == [
        *("abc", "Hello", "First,\r\n\tsecond \N{PILE OF POO}"),
        "don\N{RIGHT SINGLE QUOTATION MARK}t",
    ]
    assert found.utterances[1].speaker == "R[31moss"
    reason = "control characters in the transcript or the speaker's name; removed"
    assert [(p.file, p.utterance_id, p.reason) for p in found.problems] == [
        ("x.csv", "u0", reason),
        ("x.csv", "u1", reason),
    ]


@pytest.mark.parametrize(
    "row",
    [
        utterance("u\0"),
        utterance("u0", "d\x1b[31m"),
        utterance("u0", audio="\udcff/one.wav"),
    ],
)
def test_names_that_are_no_text_are_refused(tmp_path, row):
    with pytest.raises(UserError, match=r"the name '.*\\.*' has unprintable characters; rename it"):
        check(reading([row]), tmp_path)


def test_utterances_without_a_speaker_are_counted(tmp_path):
    rows = [utterance("u0"), utterance("u1", speaker=""), utterance("u2", speaker="")]
    assert [p.reason for p in check(reading(rows), tmp_path).problems] == [
        "2 utterances have no speaker, first u1; treated as one speaker"
    ]


def test_a_corpus_without_utterances_names_its_first_problem(tmp_path):
    problems = [
        Problem("x.csv", None, None, "malformed", "line 2 is broken"),
        Problem("", None, None, "note", "b"),
    ]
    with pytest.raises(UserError, match=r"no utterance could be read \(line 2 is broken\)"):
        check(reading([], problems=problems), tmp_path)


@pytest.mark.parametrize("shape", [(1, 3), (3, 3), (2,), (2, 3, 1), (2, 0)])
def test_features_need_a_row_for_each_utterance(tmp_path, shape):
    rows = [utterance("u0"), utterance("u1")]
    with pytest.raises(UserError, match=r"the visual features have shape .* not \(2, D\)"):
        check(reading(rows, features={"v": np.zeros(shape)}), tmp_path)


def test_rows_that_are_not_finite_are_unobserved_zeros_with_a_reason(tmp_path):
    rows = [utterance(f"u{n}") for n in range(5)]
    values = np.ones((5, 2))
    values[1, 0], values[2], values[3, 1], values[4, 0] = np.inf, np.nan, np.nan, 1e300
    features, problems = usable(reading(rows, features={"a": values}), tmp_path)
    assert features["a"].observed.tolist() == [True, False, False, False, False]
    assert features["a"].values.dtype == np.float32
    assert features["a"].values.tolist() == [[1, 1]] + [[0, 0]] * 4
    bad = "the features are NaN or infinite"
    assert [(p.utterance_id, p.modality, p.kind, p.reason) for p in problems] == [
        ("u1", "a", "not_finite", bad),
        ("u2", "a", "missing", "no features"),
        ("u3", "a", "not_finite", bad),
        ("u4", "a", "not_finite", bad),
    ]


def test_a_gap_that_the_reader_has_explained_is_not_explained_again(tmp_path):
    noted = [Problem("x.pkl", "u0", "a", "malformed", "a vector of 3 numbers where others have 2")]
    found = reading([utterance("u0")], features={"a": np.full((1, 2), np.nan)}, problems=noted)
    assert usable(found, tmp_path)[1] == []


def test_an_utterance_without_any_modality_stays_and_is_noted(tmp_path):
    rows = [utterance("u0", text=""), utterance("u1", text="")]
    features = {"a": np.array([[1.0], [np.nan]])}
    _, problems = usable(reading(rows, features=features), tmp_path)
    assert [(p.utterance_id, p.modality) for p in problems] == [("u1", "a"), ("u1", None)]
    _, problems = usable(reading(rows), tmp_path)
    assert [p.utterance_id for p in problems] == ["u0", "u1"]


def test_constant_columns_are_counted_over_the_observed_rows():
    values = np.array([[1, 2, 3], [1, 5, 3], [0, 0, 0]], np.float32)
    assert constant_columns(Features(values, np.array([True, True, False]))) == 2
    assert constant_columns(Features(values, np.zeros(3, bool))) == 0


def splits_of(*rows):
    """Utterances of one dialogue each, from (split, emotion), and the division."""
    utterances = [
        utterance(f"u{n}", f"d{n}", split=split, emotion=emotion)
        for n, (split, emotion) in enumerate(rows)
    ]
    return utterances, {one.dialogue_id: one.split for one in utterances}


ENOUGH = [("train", "glad"), ("train", "calm"), ("dev", "glad"), ("test", "calm")]


def check_rows(rows, *, protocol="official", by_session=None):
    utterances, splits = splits_of(*rows)
    check_splits(utterances, splits, protocol=protocol, by_session=by_session or {}, dataset="mine")


def test_a_division_with_every_split_and_two_classes_will_do():
    check_rows(ENOUGH)
    check_rows([row for row in ENOUGH if row[0] != "dev"], protocol="best-test-epoch")


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (
            "dev",
            r"datasets\.mine\.protocol: 'official' leaves no dialogues for dev .* spcl, cogmen",
        ),
        ("train", r"no dialogues for train \(dialogues: train 0, dev 1, test 1\)"),
        ("test", r"no dialogues for test .*; complete the corpus, or mark some dialogues as test"),
    ],
)
def test_a_split_that_nothing_is_in_is_named_with_the_way_out(split, message):
    with pytest.raises(UserError, match=message):
        check_rows([row for row in ENOUGH if row[0] != split])


def test_a_lost_test_session_is_explained():
    rows = [row for row in ENOUGH if row[0] != "test"]
    by_session = {"d0": "1", "d1": "2", "d2": "4"}
    with pytest.raises(UserError, match=r"has session 1, 2, 4: complete it, or .* as sessions"):
        check_rows(rows, by_session=by_session)


def test_a_split_without_labels_is_refused():
    with pytest.raises(UserError, match="no labelled utterances for test"):
        check_rows([*ENOUGH[:3], ("test", None)])


def test_a_single_training_class_is_refused():
    rows = [(split, "glad" if split == "train" else emotion) for split, emotion in ENOUGH]
    with pytest.raises(UserError, match="every labelled training utterance is 'glad'"):
        check_rows(rows)
