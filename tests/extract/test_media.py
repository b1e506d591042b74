"""Media as they are: what a damaged or odd file does costs its own row, with a reason."""

import os
import shutil
import struct

import av
import numpy as np
import pytest

from spcl.data.media import MediaReference
from spcl.extract import Item, Reason, build, decoding
from spcl.extract.decoding import RATE, sound
from spcl.extract.extraction import extract
from tests.extract.conftest import utterance_table, voice, write_video, write_wav


def heard(path, **facts):
    return Item("u", audio=MediaReference(str(path)), **facts)


def seen(path, **facts):
    return Item("u", video=MediaReference(str(path)), **facts)


def of(load, item):
    """The reason why an item is unusable; None if it is usable."""
    loaded = build("a", "logmel").load_or_reason(item) if load == "a" else None
    if load == "v":
        loaded = build("v", "face_hog").load_or_reason(item)
    return loaded if isinstance(loaded, Reason) else None


def write_stereo(path, left, right):
    """Two channels of int16 samples."""
    import wave

    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.stack([left, right], 1).tobytes())
    return path


def test_a_clip_far_longer_than_its_row_says_is_not_observed(tmp_path, noise):
    clip = write_video(tmp_path / "u.mp4", noise * 15, sound=voice(30.0))
    facts = {"annotated_s": 1.5, "longest_s": 6.5}
    for load, item in (("a", heard(clip, **facts)), ("v", seen(clip, **facts))):
        reason = of(load, item)
        assert reason.kind == "long"
        assert "lasts 30 s, annotated 1.5 s" in reason.text
    assert of("a", heard(clip, annotated_s=20.0, longest_s=60.0)) is None


@pytest.mark.parametrize(("seconds", "kind"), [(7.0, "long"), (6.0, None)])
def test_the_length_limit_is_a_factor_and_at_least_five_seconds(tmp_path, seconds, kind):
    write_wav(tmp_path / "u.wav", voice(seconds))
    row = {"dialogue_id": "d", "utterance_id": "u", "audio_path": "u.wav"}
    table = utterance_table([row | {"start_s": 10.0, "end_s": 11.5}])
    options = {"shards": tmp_path / "s", "problem_limit": 1.0}
    found = extract(table, tmp_path, build("a", "logmel"), length_limit=3.0, **options)
    assert [problem["kind"] for problem in found.problems.to_pylist()] == [kind] * bool(kind)
    generous = extract(table, tmp_path, build("a", "logmel"), length_limit=10.0, **options)
    assert generous.problems.num_rows == 0


def test_a_part_of_a_long_recording_has_no_length_limit(tmp_path):
    path = write_wav(tmp_path / "u.wav", voice(20.0))
    part = MediaReference(str(path), 0.0, 18.0)
    assert len(sound(Item("u", audio=part, annotated_s=1.0, longest_s=6.0))) == 18 * RATE


@pytest.mark.parametrize("level", [0.0, 1.5])
def test_silence_and_noise_80_db_down_are_silent(tmp_path, level):
    samples = np.random.default_rng(0).normal(0, level, RATE).round().astype(np.int16)
    assert of("a", heard(write_wav(tmp_path / "u.wav", samples))).kind == "silent"


def test_a_quiet_voice_is_heard(tmp_path):
    samples = (voice(1.0) / 200).astype(np.int16)
    assert of("a", heard(write_wav(tmp_path / "u.wav", samples))) is None


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_picture_of_one_colour_is_blank(tmp_path, grey):
    clip = write_video(tmp_path / "u.mp4", [np.full((64, 96), grey, np.uint8)] * 20)
    assert of("v", seen(clip)).kind == "blank"


def test_a_clip_that_is_blank_at_first_is_observed(tmp_path, noise):
    clip = write_video(tmp_path / "u.mp4", [np.zeros((64, 96), np.uint8)] * 10 + noise[:10])
    assert of("v", seen(clip)) is None


def test_the_name_of_a_file_does_not_matter(tmp_path, noise):
    matroska = write_video(tmp_path / "u.mkv", noise, sound=voice(2.0)).rename(tmp_path / "u.mp4")
    assert of("a", heard(matroska)) is None
    assert of("v", seen(matroska)) is None
    wav = write_wav(tmp_path / "a.wav", voice(0.5)).read_bytes()
    (tmp_path / "rf64.wav").write_bytes(rf64(wav))
    np.testing.assert_array_equal(
        sound(heard(tmp_path / "rf64.wav")), sound(heard(tmp_path / "a.wav"))
    )


def rf64(wav):
    """The same sound as RF64, whose sizes have 64 bits."""
    data = wav[44:]
    sizes = struct.pack("<QQQI", len(wav) + 36 - 8, len(data), len(data) // 2, 0)
    head = b"RF64" + b"\xff" * 4 + b"WAVEds64" + struct.pack("<I", len(sizes)) + sizes
    return head + wav[12:36] + b"data" + b"\xff" * 4 + data


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
            "a pointer of Git LFS, not a media file; fetch the file itself: git lfs pull",
        ),
        (b"<!DOCTYPE html><html>", "a web page, not a media file; download the file itself"),
    ],
)
def test_what_stands_in_for_a_file_is_named_with_the_remedy(tmp_path, content, words):
    (tmp_path / "u.mp4").write_bytes(content)
    assert of("a", heard(tmp_path / "u.mp4")) == Reason("pointer", words)
    assert of("v", seen(tmp_path / "u.mp4")) == Reason("pointer", words)


def without_decoder(path, noise):
    """A Matroska file whose codecs nobody knows."""
    content = write_video(path, noise, sound=voice(2.0)).read_bytes()
    content = content.replace(b"A_AAC", b"A_ZZZ").replace(b"V_MPEG4", b"V_ZZZZZ")
    path.write_bytes(content)
    return path


def test_a_stream_without_a_decoder_is_a_reason(tmp_path, noise):
    path = without_decoder(tmp_path / "u.mkv", noise)
    for load, item, what in (("a", heard(path), "audio"), ("v", seen(path), "video")):
        assert of(load, item) == Reason("undecodable", f"no decoder for the {what} in the file")


def test_channels_of_opposite_sign_are_taken_as_one_and_noted(tmp_path):
    samples = voice(0.5)
    alone = sound(heard(write_wav(tmp_path / "mono.wav", samples)))
    item = heard(write_stereo(tmp_path / "u.wav", samples, -samples))
    np.testing.assert_allclose(np.abs(sound(item)), np.abs(alone), atol=1e-4)
    assert [note.kind for note in item.notes] == ["cancelled"]
    alike = heard(write_stereo(tmp_path / "v.wav", samples, samples // 2))
    assert of("a", alike) is None
    assert alike.notes == []


def test_a_note_is_kept_with_the_features_and_costs_nothing(tmp_path):
    samples = voice(0.5)
    write_stereo(tmp_path / "u.wav", samples, -samples)
    table = utterance_table([{"dialogue_id": "d", "utterance_id": "u", "audio_path": "u.wav"}])
    options = {"shards": tmp_path / "s", "problem_limit": 0.0}
    found = extract(table, tmp_path, build("a", "logmel"), **options)
    assert found.features["observed"].to_pylist() == [True]
    assert [problem["kind"] for problem in found.problems.to_pylist()] == ["cancelled"]


def test_a_file_that_decodes_without_end_is_given_up(tmp_path, noise, monkeypatch):
    clip = write_video(tmp_path / "u.mp4", noise, sound=voice(2.0))
    monkeypatch.setattr(decoding, "PATIENCE_S", 0.0)
    monkeypatch.setattr(decoding.av, "open", without_timeout(av.open))
    assert of("a", heard(clip)).kind == "slow"
    assert of("v", seen(clip)).kind == "slow"


def without_timeout(opened):
    return lambda *arguments, timeout, **options: opened(*arguments, **options)


def test_an_error_of_a_library_is_the_reason_of_its_item_alone(tmp_path, caplog):
    logmel = build("a", "logmel")
    items = [heard(write_wav(tmp_path / "u.wav", voice(0.3))) for _ in range(3)]
    one, count = logmel.one, iter(range(9))

    def fails_once(item):
        if next(count) == 1:
            raise IndexError("no such band")
        return one(item)

    logmel.one = fails_once
    with caplog.at_level("INFO", "spcl.extract"):
        extracted = logmel(items)
    assert extracted.reasons == [None, Reason("failed", "IndexError: no such band"), None]
    assert "u: IndexError: no such band" in caplog.text


def test_an_item_on_which_the_model_fails_costs_its_own_row(tmp_path):
    logmel = build("a", "logmel")
    compute = logmel.compute

    def fails_on_high_voices(loaded, device="cpu", threads=1):
        if any(one[0] > loaded_limit for one in loaded):
            raise RuntimeError("out of memory\nsecond line")
        return compute(loaded)

    paths = [write_wav(tmp_path / f"{h}.wav", voice(0.3, hertz=h)) for h in (90, 120, 400, 100)]
    items = [heard(path) for path in paths]
    first = [logmel.load(item)[0] for item in items]
    loaded_limit = sorted(first)[-2]
    logmel.compute = fails_on_high_voices
    reasons = logmel(items).reasons
    assert [reason and reason.text for reason in reasons].count(None) == 3
    assert reasons[int(np.argmax(first))] == Reason("failed", "RuntimeError: out of memory")


BAD = {
    "absent": "missing",
    "no path": "missing",
    "broken link": "missing",
    "folder": "unreadable",
    "pipe": "unreadable",
    "empty file": "empty",
    "lfs": "pointer",
    "web page": "pointer",
    "random bytes": "undecodable",
    "text": "undecodable",
    "cut header": "undecodable",
    "unknown codec": "undecodable",
    "picture only": "no_track",
    "silence": "silent",
    "faint noise": "silent",
    "20 ms": "short",
    "no samples": "outside",
    "after the end": "outside",
    "no length": "outside",
    "20 times as long": "long",
}


def write_bad(folder, way, clip):
    """The media path of a clip that is bad in one way."""
    path = folder / f"{way}.mp4"
    content = clip.read_bytes()
    if way == "broken link":
        path.symlink_to("nowhere.mp4")
    elif way == "folder":
        path.mkdir()
    elif way == "pipe":
        os.mkfifo(path)
    elif way == "unknown codec":
        without_decoder(path.with_suffix(".mkv"), [np.eye(32, dtype=np.uint8)] * 9).rename(path)
    elif way == "picture only":
        write_video(path, [np.full((32, 32), k, np.uint8) for k in range(9)])
    elif way in ("silence", "faint noise", "20 ms", "no samples"):
        faint = np.random.default_rng(1).integers(-1, 2, RATE).astype(np.int16)
        write_wav(
            path,
            {
                "silence": np.zeros(RATE, np.int16),
                "faint noise": faint,
                "20 ms": voice(0.02),
                "no samples": voice(0),
            }[way],
        )
    elif way == "20 times as long":
        write_wav(path, voice(20.0))
    elif way not in ("absent", "no path"):
        path.write_bytes(
            {
                "empty file": b"",
                "lfs": b"version https://git-lfs.github.com/spec/v1\n",
                "web page": b"<html><title>404</title>",
                "random bytes": np.random.default_rng(0).bytes(4000),
                "text": b"see readme\n" * 50,
                "cut header": content[:900],
            }.get(way, content)
        )
    part = {"after the end": "#t=60,61", "no length": "#t=0.5,0.5"}.get(way, "")
    return None if way == "no path" else path.name + part


def test_of_200_clips_20_are_bad_in_20_ways_and_each_is_explained(tmp_path, noise, capfd):
    clips = [
        write_video(tmp_path / f"good{k}.mp4", noise, sound=voice(1.0, hertz=100 + 15 * k))
        for k in range(6)
    ]
    rows, expected = [], {}
    for n in range(200):
        name, row = f"u{n:03}", {"dialogue_id": f"d{n // 12}", "start_s": 3.0, "end_s": 4.0}
        if n % 10 == 3:
            way = list(BAD)[n // 10]
            expected[name] = BAD[way]
            path = write_bad(tmp_path, way, clips[0])
        else:
            path = f"{name}.mp4"
            shutil.copy(clips[n % 6], tmp_path / path)
        rows.append(row | {"utterance_id": name, "audio_path": path})
    options = {"shards": tmp_path / "shards", "problem_limit": 0.1, "threads": 2}
    found = extract(utterance_table(rows), tmp_path, build("a", "logmel"), **options)
    assert sum(found.features["observed"].to_pylist()) == 180
    problems = {one["utterance_id"]: one["kind"] for one in found.problems.to_pylist()}
    assert problems == expected
    assert all(one["reason"].isprintable() for one in found.problems.to_pylist())
    assert capfd.readouterr().err == ""
