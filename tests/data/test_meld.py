"""MELD.Raw is read whatever is wrong with single rows and clips."""

import pytest

from spcl import parquet
from spcl.data.corpus import read_corpus, write_corpus
from spcl.errors import UserError
from spcl.schemas import PROBLEMS, UTTERANCES

HEADER = (
    "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,"
    "StartTime,EndTime"
)
CLIP = b"\0\0\0\x20ftypisom"
TIMES = '"00:01:02,500","00:01:04,000"'


def row(dialogue, utterance, *, text="Hello", speaker="Ross", emotion="joy", times=TIMES):
    return f'1,"{text}",{speaker},{emotion},positive,{dialogue},{utterance},1,1,{times}'


def write_tree(folder, rows, *, encoding="utf-8", folders=("train", "dev", "test")):
    """Write a MELD tree with all its clips: `rows` by split, one row in a split not named."""
    folder.mkdir(exist_ok=True)
    for split, name in zip(("train", "dev", "test"), folders, strict=True):
        lines = rows.get(split, [row(0, 0)])
        (folder / f"{split}_sent_emo.csv").write_bytes(
            "\r\n".join([HEADER, *lines, ""]).encode(encoding)
        )
        clips = folder / name
        clips.mkdir(parents=True)
        for line in lines:
            dialogue, utterance = line.split(",positive,")[1].split(",")[:2]
            (clips / f"dia{dialogue}_utt{utterance}.mp4").write_bytes(CLIP)
    return folder


def read(folder, **options):
    return read_corpus("meld", folder, dataset="meld", **options)


def reasons(corpus):
    return [(p.file, p.utterance_id, p.modality, p.reason) for p in corpus.problems]


def test_ids_that_restart_in_every_split_are_told_apart(tmp_path):
    corpus = read(write_tree(tmp_path, {}))
    assert corpus.utterances["utterance_id"].to_pylist() == [
        "train_dia0_utt0",
        "dev_dia0_utt0",
        "test_dia0_utt0",
    ]
    assert corpus.utterances["split"].to_pylist() == ["train", "dev", "test"]
    assert corpus.problems == []
    assert not corpus.simulated


def test_positions_have_no_gaps_where_utterance_ids_have(tmp_path):
    rows = [row(2, 7), row(10, 0), row(2, 3), row(2, 0), row(2, 10)]
    table = read(write_tree(tmp_path, {"train": rows})).utterances.slice(0, 5)
    assert table["utterance_id"].to_pylist() == [
        f"train_dia{name}" for name in ("2_utt0", "2_utt3", "2_utt7", "2_utt10", "10_utt0")
    ]
    assert table["position"].to_pylist() == [0, 1, 2, 3, 0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_both_encodings_give_the_same_transcript(tmp_path, encoding):
    text = "I don\N{RIGHT SINGLE QUOTATION MARK}t know\N{HORIZONTAL ELLIPSIS}"
    corpus = read(write_tree(tmp_path, {"dev": [row(0, 0, text=text)]}, encoding=encoding))
    assert corpus.utterances["text"][1].as_py() == text


@pytest.mark.parametrize(
    "folders",
    [
        ("train_splits", "dev_splits_complete", "output_repeated_splits_test"),
        ("train/train_splits", "dev/dev_splits_complete", "test/output_repeated_splits_test"),
        ("train", "dev", "test"),
    ],
)
def test_clips_are_found_under_every_naming(tmp_path, folders):
    table = read(write_tree(tmp_path, {}, folders=folders)).utterances
    assert table["video_path"].to_pylist() == [f"{name}/dia0_utt0.mp4" for name in folders]
    assert table["audio_path"] == table["video_path"]


def test_a_missing_or_empty_clip_costs_its_own_row(tmp_path):
    write_tree(tmp_path, {"dev": [row(0, 0), row(0, 1), row(0, 2)]})
    (tmp_path / "dev/dia0_utt0.mp4").unlink()
    (tmp_path / "dev/dia0_utt1.mp4").write_bytes(b"")
    corpus = read(tmp_path)
    assert reasons(corpus) == [
        ("dev/dia0_utt0.mp4", "dev_dia0_utt0", "a", "no such file"),
        ("dev/dia0_utt0.mp4", "dev_dia0_utt0", "v", "no such file"),
        ("dev/dia0_utt1.mp4", "dev_dia0_utt1", "a", "the file is empty"),
        ("dev/dia0_utt1.mp4", "dev_dia0_utt1", "v", "the file is empty"),
    ]
    assert corpus.utterances["video_path"].to_pylist()[1:4] == [None, None, "dev/dia0_utt2.mp4"]


def test_a_clip_without_a_row_is_noted(tmp_path):
    write_tree(tmp_path, {})
    (tmp_path / "test/dia9_utt9.mp4").write_bytes(CLIP)
    (tmp_path / "test/._dia0_utt0.mp4").write_bytes(b"left by a Mac")
    corpus = read(tmp_path)
    assert len(corpus.utterances) == 3
    assert reasons(corpus) == [
        ("test/dia9_utt9.mp4", None, None, "no row of test_sent_emo.csv names this clip")
    ]


def test_a_row_of_no_duration_loses_its_times_alone(tmp_path):
    times = '"00:00:05,000","00:00:05,000"'
    corpus = read(write_tree(tmp_path, {"train": [row(0, 0, times=times), row(0, 1)]}))
    assert corpus.utterances["start_s"].to_pylist()[:2] == [None, 62.5]
    assert corpus.utterances["end_s"].to_pylist()[:2] == [None, 64.0]
    assert corpus.utterances["video_path"][0].as_py() == "train/dia0_utt0.mp4"
    assert [problem.utterance_id for problem in corpus.problems] == ["train_dia0_utt0"]


def test_odd_rows_are_noted_and_the_rest_is_kept(tmp_path):
    rows = [
        row(0, 0, text=""),
        row(0, 1, emotion="bored"),
        row(0, 2),
        row(0, 2, text="again"),
        row("x", 3),
        row(0, 4, emotion="Anger"),
    ]
    corpus = read(write_tree(tmp_path, {"train": rows}))
    table = corpus.utterances.slice(0, 4)
    assert table["text"].to_pylist() == ["", "Hello", "Hello", "Hello"]
    assert table["emotion"].to_pylist() == ["joy", None, "joy", "anger"]
    assert [(p.utterance_id, p.reason.split(";")[0]) for p in corpus.problems] == [
        (None, "dialogue 0, utterance 2 stands twice"),
        (None, "line 6: Dialogue_ID or Utterance_ID is not a number"),
        ("train_dia0_utt0", "empty transcript"),
        ("train_dia0_utt1", "unknown emotion 'bored'"),
        (None, "no row of train_sent_emo.csv names this clip"),
    ]


def test_without_clips_the_text_is_read(tmp_path):
    write_tree(tmp_path, {})
    for path in tmp_path.glob("*/*.mp4"):
        path.unlink()
    corpus = read(tmp_path)
    assert corpus.utterances["video_path"].null_count == 3
    assert len(corpus.problems) == 3


def test_the_label_order_is_meld_s(tmp_path):
    corpus = read(write_tree(tmp_path, {}))
    labels = ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger")
    assert corpus.labels == labels
    assert corpus.utterances["emotion"].chunk(0).dictionary.to_pylist() == list(labels)


def test_an_absent_folder_says_what_to_put_there(tmp_path):
    with pytest.raises(
        UserError,
        match=r"/meld: no such folder; put MELD\.Raw there .* or set datasets\.meld\.path",
    ):
        read(tmp_path / "meld")


def test_another_layout_says_what_was_looked_for(tmp_path):
    with pytest.raises(UserError, match=r"not the layout of MELD\.Raw: no train_sent_emo\.csv"):
        read(tmp_path)
    write_tree(tmp_path, {})
    (tmp_path / "dev_sent_emo.csv").write_text("Utterance,Speaker\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"dev_sent_emo\.csv: no column Emotion, Dialogue_ID"):
        read(tmp_path)


def test_an_unknown_layout_is_named_with_the_known_ones(tmp_path):
    with pytest.raises(UserError, match=r"datasets\.x\.layout: .*'pickle'.* iemocap, meld"):
        read_corpus("pickle", tmp_path, dataset="x")


def test_differences_from_the_published_counts_are_logged(tmp_path, caplog):
    read(write_tree(tmp_path, {}))
    assert "test: 1 utterances are joy, 402 are published" in caplog.text


def test_both_tables_are_written_with_their_facts(tmp_path):
    corpus = read(write_tree(tmp_path / "raw", {}), protocol="cogmen", protocol_seed=4)
    write_corpus(corpus, tmp_path / "utterances.parquet", tmp_path / "problems.parquet")
    table = parquet.read(tmp_path / "utterances.parquet", UTTERANCES)
    assert table.equals(corpus.utterances)
    assert parquet.metadata(table) == {
        "dataset": "meld",
        "labels": list(corpus.labels),
        "protocol": "cogmen",
        "protocol_seed": 4,
        "simulated": False,
    }
    assert parquet.read(tmp_path / "problems.parquet", PROBLEMS).num_rows == 0
