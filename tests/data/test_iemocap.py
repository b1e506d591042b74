"""IEMOCAP_full_release is read whatever is wrong with single lines and files."""

import os
import shutil

import pytest

from spcl.data.checks import checked
from spcl.data.emotions.labels import IEMOCAP
from spcl.data.formats import iemocap
from spcl.data.formats.iemocap import division, speaker_region
from spcl.data.media import MediaReference
from spcl.data.records import Choices
from spcl.errors import UserError

RIFF = b"RIFF0000WAVE"


def line(utterance_id, start, end, emotion="neu"):
    return (
        f"[{start:.4f} - {end:.4f}]\t{utterance_id}\t{emotion}\t[2.5000, 2.5000, 2.5000]\n"
        "C-E2:\tNeutral;\t()\nA-E3:\tval 3; act 2; dom  2;\t()\n\n"
    )


def write_dialogue(folder, dialogue_id, utterances, *, texts=None, encoding="utf-8"):
    """Write a dialogue; `utterances` are tuples (letter and number, start, end, emotion)."""
    base = folder / f"Session{dialogue_id[4]}"
    wavs = base / "sentences/wav" / dialogue_id
    for part in (base / "dialog/EmoEvaluation", base / "dialog/transcriptions",
                 base / "dialog/avi/DivX", wavs):  # fmt: skip
        part.mkdir(parents=True, exist_ok=True)
    annotation = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
    transcript = ""
    for name, start, end, emotion in utterances:
        utterance_id = f"{dialogue_id}_{name}"
        annotation += line(utterance_id, start, end, emotion)
        transcript += f"{utterance_id} [{start:08.4f}-{end:08.4f}]: Excuse me.\n"
        (wavs / f"{utterance_id}.wav").write_bytes(RIFF)
    (base / "dialog/EmoEvaluation" / f"{dialogue_id}.txt").write_text(annotation, "utf-8")
    (base / "dialog/transcriptions" / f"{dialogue_id}.txt").write_bytes(
        (transcript if texts is None else texts).encode(encoding)
    )
    (base / "dialog/avi/DivX" / f"{dialogue_id}.avi").write_bytes(RIFF)


ONE = [("F000", 6.29, 8.23, "neu")]


@pytest.fixture
def tree(tmp_path):
    """One dialogue of one utterance in each session."""
    for session in range(1, 6):
        write_dialogue(tmp_path, f"Ses0{session}F_impro01", ONE)
    return tmp_path


def read(folder, labels=None):
    return iemocap.read(folder, None, Choices(labels))


def rows(reading, dialogue_id):
    """The utterances of a dialogue, as dictionaries."""
    return [vars(one) for one in reading.utterances if one.dialogue_id == dialogue_id]


def test_utterances_come_by_start_with_the_speaker_of_their_id(tree):
    utterances = [("M000", 9.0, 10.0, "ang"), ("F000", 1.0, 2.0, "hap"), ("F004", 5.0, 6.0, "exc")]
    write_dialogue(tree, "Ses01M_script01_1", utterances)
    found = rows(read(tree), "Ses01M_script01_1")
    assert [row["utterance_id"][18:] for row in found] == ["F000", "F004", "M000"]
    assert [row["speaker"] for row in found] == ["F", "F", "M"]
    assert [row["emotion"] for row in found] == ["hap", "exc", "ang"]


def test_annotations_without_a_usable_majority_are_unlabelled_context(tree):
    codes = ["xxx", "oth", "sur", "fea", "dis", "fru"]
    utterances = [(f"F{n:03d}", n, n + 1, code) for n, code in enumerate(codes)]
    write_dialogue(tree, "Ses02F_impro02", utterances)
    reading = read(tree)
    assert [row["emotion"] for row in rows(reading, "Ses02F_impro02")] == [None] * 5 + ["fru"]
    assert reading.problems == []


def test_an_unknown_emotion_is_unlabelled_and_noted(tree):
    write_dialogue(tree, "Ses02F_impro02", [("F000", 1, 2, "joy")])
    reading = read(tree)
    assert rows(reading, "Ses02F_impro02")[0]["emotion"] is None
    assert reading.problems[0].reason == "unknown emotion 'joy'; kept as unlabelled"


def test_lines_that_are_no_utterance_are_skipped(tree):
    texts = (
        "Ses01F_impro01_FXX0 [001.0000-002.0000]: [BREATHING]\n"
        "M: [GARBAGE]\n"
        "\n"
        "Ses01F_impro01_F000 [006.2900-008.2300]:   [LAUGHTER] \n"
        "F: [LAUGHTER]\n"
    )
    write_dialogue(tree, "Ses01F_impro01", ONE, texts=texts)
    reading = read(tree)
    assert [row["text"] for row in rows(reading, "Ses01F_impro01")] == ["[LAUGHTER]"]
    assert reading.problems == []


def test_a_transcription_in_cp1252_is_read(tree):
    texts = "Ses01F_impro01_F000 [006.2900-008.2300]: It\N{RIGHT SINGLE QUOTATION MARK}s caf\xe9\n"
    write_dialogue(tree, "Ses01F_impro01", ONE, texts=texts, encoding="cp1252")
    assert rows(read(tree), "Ses01F_impro01")[0]["text"].startswith(
        "It\N{RIGHT SINGLE QUOTATION MARK}"
    )


def test_an_empty_or_lost_transcript_is_an_empty_text(tree):
    write_dialogue(tree, "Ses01F_impro01", ONE, texts="Ses01F_impro01_F000 [1-2]:\n")
    (tree / "Session2/dialog/transcriptions/Ses02F_impro01.txt").unlink()
    reading = read(tree)
    assert [one.text for one in reading.utterances[:3]] == ["", "", "Excuse me."]
    assert [(p.utterance_id, p.modality, p.kind) for p in reading.problems] == [
        ("Ses01F_impro01_F000", "t", "empty"),
        ("Ses02F_impro01_F000", "t", "missing"),
    ]


def test_a_transcript_without_an_annotation_is_left_out_and_noted(tree):
    texts = "Ses01F_impro01_F000 [1-2]: Yes.\nSes01F_impro01_M000 [3-4]: No.\n"
    write_dialogue(tree, "Ses01F_impro01", ONE, texts=texts)
    reading = read(tree)
    assert len(rows(reading, "Ses01F_impro01")) == 1
    assert [(p.utterance_id, p.kind) for p in reading.problems] == [
        ("Ses01F_impro01_M000", "left_out")
    ]


def test_missing_audio_or_video_costs_only_that_modality(tree):
    (tree / "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav").unlink()
    (tree / "Session2/dialog/avi/DivX/Ses02F_impro01.avi").write_bytes(b"")
    reading = read(tree)
    first, second = map(vars, reading.utterances[:2])
    assert first["audio_path"] is None
    assert first["video_path"] is not None
    assert second["video_path"] is None
    assert second["audio_path"] is not None
    assert [(p.utterance_id[:5], p.modality, p.kind, p.reason) for p in reading.problems] == [
        ("Ses01", "a", "missing", "no such file"),
        ("Ses02", "v", "empty", "the file is empty"),
    ]


def test_an_utterance_of_no_duration_has_no_video(tree):
    write_dialogue(tree, "Ses01F_impro01", [("F000", 3.0, 3.0, "neu")])
    reading = read(tree)
    assert reading.utterances[0].video_path is None
    assert [(p.modality, p.kind) for p in reading.problems] == [("v", "times")]


def test_the_video_is_the_speaker_s_half_of_the_dialogue_s_film(tree):
    video = MediaReference.parse(read(tree).utterances[0].video_path)
    assert video.path == "Session1/dialog/avi/DivX/Ses01F_impro01.avi"
    assert (video.start_s, video.end_s) == (6.29, 8.23)
    assert video.region == (0, 0, 50, 100)


def test_whoever_wears_the_markers_sits_on_the_left():
    left, right = (0, 0, 50, 100), (50, 0, 50, 100)
    assert speaker_region("Ses01F_impro01_F000") == left
    assert speaker_region("Ses01F_impro01_M000") == right
    assert speaker_region("Ses05M_script03_2_M012") == left
    assert speaker_region("Ses05M_script03_2_F012") == right


def test_session_5_is_test_and_dev_is_dialogxl_s_part_of_session_4():
    scenes = [f"impro0{n}" for n in range(1, 9)]
    scenes += [f"script0{n}" for n in ("1_1", "1_2", "1_3", "2_1", "2_2", "3_1", "3_2")]
    names = [f"Ses04{letter}_{scene}" for letter in "MF" for scene in scenes]
    divided = division(4, names)
    dev = sorted(name for name in names if divided[name] == "dev")
    assert len(dev) == 20
    assert (dev[0], dev[-1]) == ("Ses04F_script01_3", "Ses04M_script03_2")
    assert {divided[name] for name in names} == {"train", "dev"}
    assert set(division(5, ["Ses05F_impro01"]).values()) == {"test"}
    assert set(division(1, ["Ses01F_impro01"]).values()) == {"train"}


def test_the_label_order_is_the_field_s(tree):
    assert read(tree).labels == ("hap", "sad", "neu", "ang", "exc", "fru")


@pytest.mark.parametrize("emotion", ["Neu", "nan", "NA"])
def test_another_spelling_or_a_word_for_no_value_is_a_question(tree, emotion):
    write_dialogue(tree, "Ses01F_impro01", [*ONE, ("M000", 9.0, 10.0, emotion)])
    with pytest.raises(UserError) as error:
        checked(read(tree), tree)
    assert f"write datasets.<name>.labels: [{', '.join(IEMOCAP)}] to merge" in str(error.value)
    reading = checked(read(tree, IEMOCAP), tree, asked=IEMOCAP)
    found = [one["emotion"] for one in rows(reading, "Ses01F_impro01")]
    assert found == ["neu", "neu" if emotion == "Neu" else None]


def test_one_spelling_of_every_emotion_and_unused_codes_are_no_question(tree):
    emotions = [*(name.upper() for name in IEMOCAP), "xxx", "oth", "sur"]
    utterances = [(f"F{n:03d}", n, n + 0.5, emotion) for n, emotion in enumerate(emotions)]
    for session in range(1, 6):
        write_dialogue(tree, f"Ses0{session}F_impro01", utterances)
    reading = checked(read(tree), tree)
    found = [one["emotion"] for one in rows(reading, "Ses03F_impro01")]
    assert found == [*IEMOCAP, None, None, None]
    assert reading.problems == []


def test_the_message_for_another_layout_names_the_expected_files(tmp_path):
    assert not iemocap.fits(tmp_path, None)
    with pytest.raises(UserError, match=r"no Session1/dialog/EmoEvaluation/Ses\*\.txt"):
        read(tmp_path)


def test_the_release_may_be_one_folder_below(tree, tmp_path):
    inside = tmp_path / "IEMOCAP_full_release"
    inside.mkdir()
    for session in range(1, 6):
        (tmp_path / f"Session{session}").rename(inside / f"Session{session}")
    assert iemocap.fits(tmp_path, None)
    first = read(tmp_path).utterances[0]
    assert first.audio_path.startswith("IEMOCAP_full_release/Session1/sentences/wav/")


def test_an_absent_session_is_recorded_and_the_others_are_read(tree):
    shutil.rmtree(tree / "Session3")
    reading = read(tree)
    assert reading.sessions == {f"Ses0{n}F_impro01": str(n) for n in (1, 2, 4, 5)}
    assert [(p.file, p.kind) for p in reading.problems] == [("Session3", "missing")]


def test_sound_and_film_that_a_session_lacks_altogether_are_noted_once(tree):
    write_dialogue(tree, "Ses01F_impro02", ONE)
    shutil.rmtree(tree / "Session1/sentences")
    shutil.rmtree(tree / "Session1/dialog/avi")
    reading = read(tree)
    assert [(p.file, p.reason) for p in reading.problems] == [
        ("Session1/sentences/wav", "no files: session 1 has no audio"),
        ("Session1/dialog/avi/DivX", "no files: session 1 has no video"),
    ]
    assert reading.utterances[1].audio_path is None


def test_summary_lines_are_read_with_blanks_for_tabs_and_broken_ones_noted(tree):
    path = tree / "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"
    path.write_text(
        "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\r\n\r\n"
        "[1.00 - 2.00] Ses01F_impro01_F000  ANG [2.5, 2.5, 2.5]\r\n"
        "[1.2.3 - 2.00]\tSes01F_impro01_F001\tang\t[2.5, 2.5, 2.5]\r\n",
        "utf-8",
    )
    reading = read(tree)
    assert [row["emotion"] for row in rows(reading, "Ses01F_impro01")] == ["ang"]
    assert [(p.kind, p.reason) for p in reading.problems] == [
        ("malformed", "line 4 has another format; left out")
    ]


def test_a_transcript_line_without_a_time_is_read(tree):
    write_dialogue(tree, "Ses01F_impro01", ONE, texts="Ses01F_impro01_F000: Well: yes.\n")
    assert rows(read(tree), "Ses01F_impro01")[0]["text"] == "Well: yes."


def test_files_that_macos_adds_are_not_dialogues(tree):
    for part in ("EmoEvaluation", "transcriptions"):
        (tree / f"Session1/dialog/{part}/._Ses01F_impro01.txt").write_bytes(b"\x00\x05\x16\x07")
    reading = read(tree)
    assert len(reading.utterances) == 5
    assert reading.problems == []


def test_a_dialogue_without_annotations_is_left_out_and_noted(tree):
    (tree / "Session2/dialog/transcriptions/Ses02M_impro07.txt").write_text("", "utf-8")
    assert [(p.file.split("/")[-1], p.reason) for p in read(tree).problems] == [
        ("Ses02M_impro07.txt", "a dialogue without annotations; left out"),
    ]


@pytest.mark.parametrize("content", [b"", bytes(999), "[1.0 - 2.0]\tSes".encode("utf-16-le")])
def test_a_damaged_annotation_is_an_error(tree, content):
    path = tree / "Session2/dialog/EmoEvaluation/Ses02F_impro01.txt"
    path.write_bytes(content)
    with pytest.raises(
        UserError, match=r"Ses02F_impro01\.txt: it has no annotated utterance; .*remove"
    ):
        read(tree)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_files_that_say_their_encoding_are_read_by_it(tree, encoding):
    for part in ("EmoEvaluation", "transcriptions"):
        path = tree / f"Session1/dialog/{part}/Ses01F_impro01.txt"
        path.write_text(path.read_text("utf-8"), encoding)
    reading = read(tree)
    assert reading.utterances[0].text == "Excuse me."
    assert reading.problems == []


def test_an_absent_session_is_a_warning_in_the_log(tree, caplog):
    shutil.rmtree(tree / "Session1")
    read(tree)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "Session1: no dialog/EmoEvaluation/Ses*.txt: session 1 is left out" in caplog.text


@pytest.mark.parametrize("part", ["", "dialog/transcriptions", "sentences", "dialog/avi/DivX"])
def test_an_unreadable_folder_is_not_reported_as_absent(tree, lock, part):
    lock(tree / "Session1" / part)
    with pytest.raises(UserError, match=r"Session1/.* cannot be searched \(Permission denied\)"):
        read(tree)


def test_an_utterance_that_is_annotated_twice_is_kept_once_and_noted_with_its_file(tree):
    path = tree / "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"
    path.write_text(path.read_text("utf-8") * 2, "utf-8")
    reading = read(tree)
    assert len(reading.utterances) == 5
    assert [(p.file, p.utterance_id, p.reason.split(": ")[1]) for p in reading.problems] == [
        (
            "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt",
            "Ses01F_impro01_F000",
            "the utterance occurs twice; the first is kept",
        )
    ]


def test_a_time_beyond_all_recordings_is_not_understood(tree):
    path = tree / "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"
    path.write_text(
        line("Ses01F_impro01_F000", 1, 2) + f"[1.0 - {'9' * 400}]\tSes01F_impro01_F001\tneu\t[]\n",
        "utf-8",
    )
    reading = read(tree)
    assert [one.end_s for one in reading.utterances[:2]] == [2.0, 8.23]
    assert reading.problems[0].reason == "line 5 has another format; left out"


def test_audio_that_is_not_a_file_costs_its_row(tree):
    wav = tree / "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav"
    wav.unlink()
    os.mkfifo(wav)
    reading = read(tree)
    assert reading.utterances[0].audio_path is None
    assert reading.problems[0].reason == "a pipe or a device instead of a file"
