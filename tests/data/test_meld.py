"""MELD.Raw is read whatever is wrong with single rows and clips."""

import os

import pytest

from spcl.data.checks import checked
from spcl.data.emotions.labels import MELD
from spcl.data.formats import meld
from spcl.data.records import Choices
from spcl.errors import UserError

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


def read(folder, labels=None):
    return meld.read(folder, None, Choices(labels))


def column(reading, name):
    return [getattr(utterance, name) for utterance in reading.utterances]


def reasons(reading):
    return [(p.file, p.utterance_id, p.modality, p.reason) for p in reading.problems]


def test_ids_that_restart_in_every_split_are_distinguished(tmp_path):
    reading = read(write_tree(tmp_path, {}))
    assert column(reading, "utterance_id") == [
        "train_dia0_utt0",
        "dev_dia0_utt0",
        "test_dia0_utt0",
    ]
    assert column(reading, "split") == ["train", "dev", "test"]
    assert reading.problems == []


def test_utterances_come_in_the_order_of_their_numbers(tmp_path):
    rows = [row(2, 7), row(10, 0), row(2, 3), row("2.0", 0), row(2, 10)]
    reading = read(write_tree(tmp_path, {"train": rows}))
    assert column(reading, "utterance_id")[:5] == [
        f"train_dia{name}" for name in ("2_utt0", "2_utt3", "2_utt7", "2_utt10", "10_utt0")
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-32"])
def test_every_encoding_gives_the_same_transcript(tmp_path, encoding):
    text = "I don\N{RIGHT SINGLE QUOTATION MARK}t know\N{HORIZONTAL ELLIPSIS}"
    reading = read(write_tree(tmp_path, {"dev": [row(0, 0, text=text)]}, encoding=encoding))
    assert column(reading, "text")[1] == text


@pytest.mark.parametrize(
    "folders",
    [
        ("train_splits", "dev_splits_complete", "output_repeated_splits_test"),
        ("train/train_splits", "dev/dev_splits_complete", "test/output_repeated_splits_test"),
        ("train", "dev", "test"),
    ],
)
def test_clips_are_found_under_every_naming(tmp_path, folders):
    reading = read(write_tree(tmp_path, {}, folders=folders))
    assert column(reading, "video_path") == [f"{name}/dia0_utt0.mp4" for name in folders]
    assert column(reading, "audio_path") == column(reading, "video_path")


def test_a_missing_or_empty_clip_costs_its_own_row(tmp_path):
    write_tree(tmp_path, {"dev": [row(0, 0), row(0, 1), row(0, 2)]})
    (tmp_path / "dev/dia0_utt0.mp4").unlink()
    (tmp_path / "dev/dia0_utt1.mp4").write_bytes(b"")
    reading = read(tmp_path)
    assert reasons(reading) == [
        ("dev/dia0_utt0.mp4", "dev_dia0_utt0", "a", "no such file"),
        ("dev/dia0_utt0.mp4", "dev_dia0_utt0", "v", "no such file"),
        ("dev/dia0_utt1.mp4", "dev_dia0_utt1", "a", "the file is empty"),
        ("dev/dia0_utt1.mp4", "dev_dia0_utt1", "v", "the file is empty"),
    ]
    assert column(reading, "video_path")[1:4] == [None, None, "dev/dia0_utt2.mp4"]


def test_a_clip_without_a_row_is_noted(tmp_path):
    write_tree(tmp_path, {})
    (tmp_path / "test/dia9_utt9.mp4").write_bytes(CLIP)
    (tmp_path / "test/._dia0_utt0.mp4").write_bytes(b"left by a Mac")
    reading = read(tmp_path)
    assert len(reading.utterances) == 3
    assert reasons(reading) == [
        ("test/dia9_utt9.mp4", None, None, "no row of test_sent_emo.csv names this clip")
    ]


def test_a_row_without_duration_loses_only_its_times(tmp_path):
    times = '"00:00:05,000","00:00:05,000"'
    reading = read(write_tree(tmp_path, {"train": [row(0, 0, times=times), row(0, 1)]}))
    assert column(reading, "start_s")[:2] == [None, 62.5]
    assert column(reading, "end_s")[:2] == [None, 64.0]
    assert column(reading, "video_path")[0] == "train/dia0_utt0.mp4"
    assert [problem.utterance_id for problem in reading.problems] == ["train_dia0_utt0"]


def test_odd_rows_are_noted_and_the_rest_is_kept(tmp_path):
    rows = [
        row(0, 0, text=""),
        row(0, 1, emotion="bored"),
        row(0, 2),
        row(0, 2, text="again"),
        row("x", 3),
        row(0, 4, emotion="Anger"),
    ]
    reading = read(write_tree(tmp_path, {"train": rows}))
    assert column(reading, "text")[:4] == ["", "Hello", "Hello", "Hello"]
    assert column(reading, "emotion")[:4] == ["joy", None, "joy", "anger"]
    assert [(p.utterance_id, p.kind, p.reason.split(";")[0]) for p in reading.problems] == [
        (None, "duplicate", "dialogue 0, utterance 2 occurs twice"),
        (None, "malformed", "line 6: Dialogue_ID or Utterance_ID is not a number"),
        ("train_dia0_utt0", "empty", "empty transcript"),
        ("train_dia0_utt1", "label", "unknown emotion 'bored'"),
        (None, "left_out", "no row of train_sent_emo.csv names this clip"),
    ]


def test_without_clips_the_text_is_read(tmp_path):
    write_tree(tmp_path, {})
    for path in tmp_path.glob("*/*.mp4"):
        path.unlink()
    reading = read(tmp_path)
    assert column(reading, "video_path") == [None] * 3
    assert [(p.kind, p.reason[:12]) for p in reading.problems] == [("missing", "no clips bel")] * 3


def test_the_label_order_is_meld_s_unless_another_is_asked_for(tmp_path):
    write_tree(tmp_path, {})
    labels = ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger")
    assert read(tmp_path).labels == labels
    assert read(tmp_path, labels=labels[::-1]).labels == labels[::-1]
    with pytest.raises(
        UserError, match=r"labels: \[joy, rage\] are not the emotions .* \[neutral,"
    ):
        read(tmp_path, labels=("joy", "rage"))


@pytest.mark.parametrize("emotion", ["Joy", "joy ", "joy\N{ZERO WIDTH SPACE}", "nan", "None"])
def test_another_spelling_or_a_word_for_no_value_is_a_question(tmp_path, emotion):
    write_tree(tmp_path, {"train": [row(0, 0), row(0, 1, emotion=emotion)]})
    reading = read(tmp_path)
    with pytest.raises(UserError) as error:
        checked(reading, tmp_path)
    assert f"write datasets.<name>.labels: [{', '.join(MELD)}] to merge spell" in str(error.value)
    assert "to make each a class" not in str(error.value)
    found = column(checked(read(tmp_path, labels=MELD), tmp_path, asked=MELD), "emotion")
    assert found[:2] == ["joy", "joy" if "j" in emotion.lower() else None]


def test_one_spelling_of_every_emotion_is_no_question(tmp_path):
    emotions = [row(0, place, emotion=f" {name.upper()}") for place, name in enumerate(MELD)]
    write_tree(tmp_path, dict.fromkeys(("train", "dev", "test"), emotions))
    reading = checked(read(tmp_path), tmp_path)
    assert column(reading, "emotion") == [*MELD] * 3
    assert reading.problems == []


def test_tables_and_clips_are_found_wherever_the_archives_were_unpacked(tmp_path):
    write_tree(tmp_path / "MELD.Raw", {}, folders=("train/train_splits", "dev", "test"))
    (tmp_path / "MELD.Raw/train_sent_emo.csv").rename(
        tmp_path / "MELD.Raw/train/train_sent_emo.csv"
    )
    assert meld.fits(tmp_path, None)
    reading = read(tmp_path)
    assert column(reading, "video_path")[0] == "MELD.Raw/train/train_splits/dia0_utt0.mp4"
    assert reading.problems == []


def test_the_nearest_of_two_tables_is_read_and_the_other_noted(tmp_path):
    write_tree(tmp_path, {})
    write_tree(tmp_path / "copy", {"test": [row(0, 0, text="copied")]}, folders=("x", "y", "z"))
    reading = read(tmp_path)
    assert "copied" not in column(reading, "text")
    assert reasons(reading)[-1][::3] == (
        "copy/test_sent_emo.csv",
        "not read, because test_sent_emo.csv is",
    )


def test_a_table_without_rows_yields_to_a_full_one_further_down(tmp_path):
    write_tree(tmp_path / "MELD.Raw", {})
    (tmp_path / "train_sent_emo.csv").write_text(HEADER + "\n\n", "utf-8")
    reading = read(tmp_path)
    assert column(reading, "split") == ["train", "dev", "test"]
    assert reasons(reading) == [
        ("train_sent_emo.csv", None, None, "not read, because MELD.Raw/train_sent_emo.csv is")
    ]


@pytest.mark.parametrize("rows", [[], [row("x", 0)], [row(0, "9" * 5000)]])
def test_a_table_without_a_usable_row_is_refused(tmp_path, rows):
    write_tree(tmp_path, {})
    (tmp_path / "dev_sent_emo.csv").write_text("\n".join([HEADER, *rows]), "utf-8")
    with pytest.raises(UserError, match=r"dev_sent_emo\.csv: no usable row"):
        read(tmp_path)


def test_a_byte_that_is_not_utf_8_affects_only_its_line(tmp_path):
    write_tree(tmp_path, {"dev": [row(0, 0, text="caf\xe9"), row(0, 1, text="na\xefve")]})
    path = tmp_path / "dev_sent_emo.csv"
    path.write_bytes(path.read_bytes().replace(b"\xc3\xaf", b"\xef"))
    assert column(read(tmp_path), "text")[1:3] == ["caf\xe9", "na\xefve"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (bytes(5000), "not text, or UTF-16 without a byte order mark; save it as UTF-8"),
        (HEADER.encode("utf-16-le"), "not text, or UTF-16 without a byte order mark"),
        (b"\x1f\x8b\x08\x1b[31m" + b"\x01" * 99_999, "no column Utterance, Speaker, .*, but"),
        (b"c," * 1000 + b"d", "two columns have the name 'c'"),
        (
            (",".join(map(str, range(9999)))).encode(),
            r"no column Utterance, .*, 11, \.\.\.; put MELD",
        ),
    ],
)
def test_other_files_than_tables_are_refused_in_one_short_line(tmp_path, content, message):
    write_tree(tmp_path, {})
    (tmp_path / "train_sent_emo.csv").write_bytes(content)
    with pytest.raises(UserError, match=message) as raised:
        read(tmp_path)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (os.mkfifo, "a pipe or a device instead of a file"),
        (os.mkdir, "a folder instead of a file"),
        (lambda path: path.symlink_to("nowhere"), "a link to nowhere, where there is no file"),
    ],
)
def test_a_table_that_is_no_file_is_named(tmp_path, make, message):
    write_tree(tmp_path, {})
    (tmp_path / "train_sent_emo.csv").unlink()
    make(tmp_path / "train_sent_emo.csv")
    assert meld.fits(tmp_path, None)
    with pytest.raises(UserError, match=rf"train_sent_emo\.csv: {message}"):
        read(tmp_path)


def test_clips_that_are_not_files_cost_their_rows(tmp_path):
    write_tree(tmp_path, {"dev": [row(0, 0), row(0, 1), row(0, 2)]})
    for make, name in ((os.mkfifo, "dia0_utt0.mp4"), (os.mkdir, "dia0_utt1.mp4")):
        (tmp_path / "dev" / name).unlink()
        make(tmp_path / "dev" / name)
    reading = read(tmp_path)
    assert column(reading, "video_path")[1:4] == [None, None, "dev/dia0_utt2.mp4"]
    assert [problem.reason for problem in reading.problems[::2]] == [
        "a pipe or a device instead of a file",
        "a folder instead of a file",
    ]


def test_unreadable_clips_are_not_reported_as_absent(tmp_path, lock):
    write_tree(tmp_path, {})
    lock(tmp_path / "train")
    with pytest.raises(UserError, match=r"train: cannot be searched \(Permission denied\); fix"):
        read(tmp_path)


def test_unreadable_tables_are_not_reported_as_absent(tmp_path, lock):
    write_tree(tmp_path, {})
    (tmp_path / "more").mkdir()
    (tmp_path / "dev_sent_emo.csv").rename(tmp_path / "more/dev_sent_emo.csv")
    lock(tmp_path / "more")
    with pytest.raises(UserError, match=r"more: cannot be searched \(Permission denied\)"):
        read(tmp_path)


@pytest.mark.parametrize("end", ["9" * 400 + ":00:00,0", "99999:00:00,0"])
def test_a_time_beyond_all_episodes_is_left_out(tmp_path, end):
    times = f'"00:00:00,000","{end}"'
    reading = read(write_tree(tmp_path, {"train": [row(0, 0, times=times)]}))
    assert column(reading, "end_s")[0] is None
    assert "times left out" in reading.problems[0].reason


def test_quotes_that_were_encoded_twice_read_as_quotes(tmp_path):
    write_tree(tmp_path, {"dev": [row(0, 0, text="the company\x92s transition")]})
    assert (
        column(read(tmp_path), "text")[1]
        == "the company\N{RIGHT SINGLE QUOTATION MARK}s transition"
    )


def test_a_clip_of_minutes_is_not_that_utterance(tmp_path):
    times = '"00:13:16,000","00:18:20,250"'
    reading = read(write_tree(tmp_path, {"test": [row(0, 0, times=times)]}))
    assert column(reading, "video_path")[2] is None
    assert column(reading, "text")[2] == "Hello"
    assert [(p.modality, p.kind, p.reason) for p in reading.problems] == [
        ("a", "times", "lasts 304 s, more than an utterance"),
        ("v", "times", "lasts 304 s, more than an utterance"),
    ]


def test_dialogues_of_one_utterance_and_of_nine_speakers_are_kept_whole(tmp_path):
    rows = [row(0, 0), *(row(1, n, speaker=f"Guest {n}") for n in range(9))]
    reading = read(write_tree(tmp_path, {"train": rows}))
    assert column(reading, "dialogue_id")[:10] == ["train_dia0"] + ["train_dia1"] * 9
    assert len(set(column(reading, "speaker")[1:10])) == 9


def test_a_text_only_table_needs_no_times_and_may_have_more_columns(tmp_path):
    header = "Note,Dialogue_ID,Utterance_ID,Utterance,Speaker,Emotion\n"
    for split in ("train", "dev", "test"):
        text = header + "x,0,0,Hello,Ross,joy\n,,,,,\nx,0,1,Bye,Ross,anger\n\n"
        (tmp_path / f"{split}_sent_emo.csv").write_text(text, "utf-8")
    reading = read(tmp_path)
    assert column(reading, "text") == ["Hello", "Bye"] * 3
    assert column(reading, "start_s") == [None] * 6
    assert len(reading.problems) == 3


@pytest.mark.parametrize(
    "odd",
    [
        row(0, 1).replace('"Hello"', "Well, yes"),
        row(0, 1).replace(TIMES, TIMES.replace('"', "")),
        row(0, 1).replace('"Hello"', '"He said "no""'),
        row(0, 1).replace('"Hello"', '"Hello'),
    ],
)
def test_a_row_that_is_not_as_long_as_the_header_is_refused_by_its_line(tmp_path, odd):
    write_tree(tmp_path, {"dev": [row(0, 0), odd, row(0, 2)]})
    with pytest.raises(UserError, match=r"dev_sent_emo\.csv: line 3"):
        read(tmp_path)


def test_the_message_for_another_layout_names_the_expected_files(tmp_path):
    with pytest.raises(UserError, match=r"not the layout of MELD\.Raw: no train_sent_emo\.csv"):
        read(tmp_path)
    write_tree(tmp_path, {})
    (tmp_path / "dev_sent_emo.csv").write_text("Utterance,Speaker\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"dev_sent_emo\.csv: no column Emotion, Dialogue_ID"):
        read(tmp_path)
