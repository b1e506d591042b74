"""Writes sound and film with the codecs that the real corpora use."""

import wave
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np

from spcl.data.simulator.face import FPS
from spcl.data.simulator.voice import SAMPLE_RATE


def write_wav(path: Path, sound: np.ndarray) -> None:
    """Write `sound`, (T,) in -1..1, as 16-bit mono PCM."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(_pcm(sound).tobytes())


def write_mp4(path: Path, pictures: Iterable[np.ndarray], sound: np.ndarray) -> None:
    """Write H.264 and AAC, as MELD's clips have; see `_write`."""
    _write(
        path,
        ("libx264", {"preset": "ultrafast", "crf": "23"}),
        ("aac", {"aac_coder": "fast"}),
        pictures,
        sound,
    )


def write_avi(path: Path, pictures: Iterable[np.ndarray], sound: np.ndarray) -> None:
    """Write MPEG-4 part 2 (the DivX family) and PCM; see `_write`."""
    _write(path, ("mpeg4", {"qmin": "2", "qmax": "5"}), ("pcm_s16le", {}), pictures, sound)


def _write(
    path: Path,
    video_codec: tuple[str, dict[str, str]],
    audio_codec: tuple[str, dict[str, str]],
    pictures: Iterable[np.ndarray],
    sound: np.ndarray,
) -> None:
    """Write one video file.

    Parameters
    ----------
    path
        The file; its suffix names the container.
    video_codec, audio_codec
        The encoder's name and its options.
    pictures
        Each (height, width, 3) uint8, blue green red, `FPS` of them a second; even sides.
    sound
        (T,) in -1..1, at `SAMPLE_RATE`.
    """
    pictures = list(pictures)
    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w") as container:
        video = cast(
            av.VideoStream,
            container.add_stream(video_codec[0], rate=FPS, options=video_codec[1]),
        )
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.thread_count = 1  # several threads cut the work, and so the bytes, differently
        audio = cast(
            av.AudioStream,
            container.add_stream(
                audio_codec[0], rate=SAMPLE_RATE, layout="mono", options=audio_codec[1]
            ),
        )
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        samples = av.AudioFrame.from_ndarray(_pcm(sound)[None], format="s16", layout="mono")
        samples.sample_rate = SAMPLE_RATE
        samples.pts, samples.time_base = 0, Fraction(1, SAMPLE_RATE)
        container.mux(audio.encode(samples))
        container.mux(audio.encode(None))


def _pcm(sound: np.ndarray) -> np.ndarray:
    """Samples as 16-bit integers, (T,)."""
    return np.round(np.clip(sound, -1, 1) * 32767).astype("<i2")
