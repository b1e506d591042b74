"""Audio: containers, resampling, time ranges, and reasons for missing features."""

import warnings

import numpy as np
import pytest

from spcl.data.media import MediaReference
from spcl.extract import Item, Reason, UnusableError, build
from spcl.extract.decoding import RATE, sound
from spcl.extract.logmel import mel_bands
from tests.extract.conftest import voice, write_video, write_wav


def item(path, **part):
    return Item("u", audio=MediaReference(str(path), **part))


def test_samples_come_through_as_they_are(tmp_path):
    samples = voice(0.5)
    decoded = sound(item(write_wav(tmp_path / "u.wav", samples)))
    assert decoded.dtype == np.float32
    np.testing.assert_array_equal(decoded, samples / np.float32(32768))


def test_another_rate_becomes_the_common_one(tmp_path):
    path = write_wav(tmp_path / "u.wav", voice(1.0, rate=44_100), rate=44_100)
    assert len(sound(item(path))) == pytest.approx(RATE, abs=64)


@pytest.mark.parametrize("start", [0.0, 0.5, 12.25])
def test_a_fragment_is_cut_to_the_sample(tmp_path, start):
    samples = np.arange(20 * RATE).astype(np.int16)
    path = write_wav(tmp_path / "long.wav", samples)
    decoded = sound(item(path, start_s=start, end_s=start + 1.5))
    first = round(start * RATE)
    np.testing.assert_array_equal(decoded * 32768, samples[first : first + 24_000])


def test_sound_is_taken_from_a_video_too(tmp_path, noise):
    path = write_video(tmp_path / "u.mp4", noise, sound=voice(2.0))
    decoded = sound(item(path))
    assert len(decoded) == pytest.approx(2 * RATE, rel=0.1)
    assert build("a", "egemaps")([item(path)]).reasons == [None]


@pytest.mark.parametrize(("name", "width"), [("egemaps", 88), ("logmel", 120)])
def test_voices_give_features_that_tell_them_apart(tmp_path, name, width):
    low = write_wav(tmp_path / "low.wav", voice(0.6, hertz=110))
    high = write_wav(tmp_path / "high.wav", voice(0.6, hertz=220))
    extract = build("a", name)
    extracted = extract([item(low), item(high), item(low)])
    assert extracted.features.shape == (3, width)
    assert extracted.features.dtype == np.float32
    assert extracted.reasons == [None] * 3
    assert np.isfinite(extracted.features).all()
    np.testing.assert_array_equal(extracted.features[0], extracted.features[2])
    assert not np.array_equal(extracted.features[0], extracted.features[1])


@pytest.mark.parametrize("name", ["egemaps", "logmel"])
def test_threads_change_nothing(tmp_path, name):
    items = [item(write_wav(tmp_path / f"{h}.wav", voice(0.4, hertz=h))) for h in (90, 140, 250)]
    extract = build("a", name)
    np.testing.assert_array_equal(extract(items).features, extract(items, threads=3).features)


@pytest.mark.parametrize("feature_set", ["IS10", "ComParE_2016"])
def test_the_larger_sets_of_opensmile_work(tmp_path, feature_set):
    path = write_wav(tmp_path / "u.wav", voice(0.5))
    extract = build("a", "egemaps", {"feature_set": feature_set})
    extracted = extract([item(path)])
    assert extracted.features.shape == (1, {"IS10": 1582, "ComParE_2016": 6373}[feature_set])
    assert extracted.reasons == [None]


@pytest.mark.parametrize("name", ["egemaps", "logmel"])
def test_half_silent_sound_is_sound(tmp_path, name):
    samples = np.concatenate([voice(0.5), np.zeros(RATE, np.int16)])
    extracted = build("a", name)([item(write_wav(tmp_path / "u.wav", samples))])
    assert extracted.reasons == [None]
    assert np.isfinite(extracted.features).all()


@pytest.mark.parametrize("name", ["egemaps", "logmel"])
def test_bad_audio_gives_a_reason(tmp_path, name):
    (tmp_path / "noise.wav").write_bytes(np.random.default_rng(0).bytes(5000))
    (tmp_path / "empty.wav").write_bytes(b"")
    good = write_wav(tmp_path / "good.wav", voice(0.5))
    items = [
        item(write_wav(tmp_path / "short.wav", voice(0.02))),
        item(write_wav(tmp_path / "none.wav", voice(0))),
        item(tmp_path / "noise.wav"),
        item(tmp_path / "empty.wav"),
        item(tmp_path / "absent.wav"),
        item(good, start_s=3.0, end_s=4.0),
        item(good, start_s=0.2, end_s=0.2),
        Item("u"),
        item(good),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        extracted = build("a", name)(items, threads=2)
    invalid = Reason("undecodable", "cannot be decoded (Invalid data found when processing input)")
    nothing = Reason("outside", "there is no sound in this stretch of the file")
    assert extracted.reasons == [
        Reason("short", "20 ms of sound are too short"),
        nothing,
        invalid,
        Reason("empty", "the file is empty"),
        Reason("missing", "no such file"),
        nothing,
        nothing,
        Reason("missing", "there is no sound file"),
        None,
    ]


def test_a_video_without_audio_gives_a_reason(tmp_path, noise):
    path = write_video(tmp_path / "u.mp4", noise)
    with pytest.raises(UnusableError, match="there is no audio in the file"):
        sound(item(path))


@pytest.mark.parametrize("bands", [10, 40, 80])
def test_mel_bands_cover_the_spectrum_without_a_gap(bands):
    triangles = mel_bands(bands)
    assert triangles.shape == (257, bands)
    assert (triangles.max(0) > 0.2).all()
    inside = slice(triangles[:, 0].argmax(), triangles[:, -1].argmax() + 1)
    assert (triangles[inside].sum(1) > 0).all()
    assert (np.diff(triangles.argmax(0)) >= 0).all()
