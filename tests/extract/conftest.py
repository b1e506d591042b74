"""Small media files, and utterances that refer to them."""

import wave
from functools import cache

import av
import cv2
import numpy as np
import pyarrow as pa
import pytest

from spcl.tables.parquet import describe
from tests.extract.tiny_models import save


def voice(seconds, *, hertz=140.0, rate=16_000):
    """A buzz with overtones, (n,) int16: enough of a voice for a pitch."""
    t = np.arange(round(seconds * rate)) / rate
    tones = sum(np.sin(2 * np.pi * hertz * k * t) / k for k in range(1, 9))
    return (6000 * tones * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * t))).astype(np.int16)


def write_wav(path, samples, rate=16_000):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


def write_video(path, pictures, *, fps=10, sound=None, codec="mpeg4", rate=16_000):
    """Write (height, width) uint8 `pictures`, and `sound` (n,) int16 if there is any."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.height, stream.width = pictures[0].shape
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 2_000_000
        track = None
        if sound is not None:
            track = container.add_stream("aac", rate=rate, layout="mono")
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="gray")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if track is not None:
            frame = av.AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
            frame.rate = rate
            container.mux(track.encode(frame))
            container.mux(track.encode())
    return path


def utterance_table(rows, *, simulated=True):
    """Utterances from dictionaries with dialogue_id, utterance_id and what else they have."""
    columns = {
        "dialogue_id": pa.string(),
        "utterance_id": pa.string(),
        "speaker": pa.string(),
        "text": pa.string(),
        "start_s": pa.float64(),
        "end_s": pa.float64(),
        "audio_path": pa.string(),
        "video_path": pa.string(),
    }
    table = pa.table(
        {
            name: pa.array([row.get(name, "" if name == "text" else None) for row in rows], type_)
            for name, type_ in columns.items()
        }
    )
    return describe(table, dataset="made", simulated=simulated)


@pytest.fixture
def noise():
    """Pictures of one random pattern, (64, 96) uint8, with a bright square that moves."""
    rng = np.random.default_rng(0)
    pictures = np.repeat(rng.integers(0, 120, (1, 64, 96), dtype=np.uint8), 20, axis=0)
    for k, picture in enumerate(pictures):
        picture[20:40, 2 * k : 2 * k + 20] = 250
    return list(pictures)


@pytest.fixture
def drawn_face():
    """A face of ellipses, (100, 100) uint8, that the detector takes for one."""
    picture = np.full((100, 100), 90, np.uint8)
    for x, y, wide, high, grey in (
        (50, 52, 34, 44, 190),  # head
        (36, 36, 11, 3, 90),  # brows
        (64, 36, 11, 3, 90),
        (36, 43, 9, 6, 60),  # eyes
        (64, 43, 9, 6, 60),
        (50, 55, 5, 12, 215),  # nose and its shadow
        (50, 67, 9, 3, 120),
        (50, 79, 15, 4, 90),  # mouth
    ):
        cv2.ellipse(picture, (x, y), (wide, high), 0, 0, 360, grey, -1, cv2.LINE_AA)
    return cv2.GaussianBlur(picture, (0, 0), 1.5)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The folder of a tiny model, by its name in `tests.extract.tiny_models`; written once."""
    return cache(lambda name: str(save(name, tmp_path_factory.mktemp(name))))
