"""Decoding of the audio or of a few video frames of an utterance."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np

from spcl.data.files.disk import UnreadableError, read
from spcl.data.files.parsing import parsing
from spcl.data.media import MediaReference
from spcl.extract.base import UnusableError

RATE = 16_000
"""Samples per second of the audio that extractors get."""

_FAR_S = 10.0
"""If the next frame is farther than this, seek to a key frame instead of decoding up to it."""


def sound(reference: MediaReference) -> np.ndarray:
    """Decode the audio of an utterance, from an audio or video file.

    Returns
    -------
    (n,) float32
        Mono, -1..1, `RATE` samples per second.

    Raises
    ------
    UnusableError
        There is no such file, it cannot be decoded, or it has no audio in this time range.
    """
    start, end = reference.start_s or 0.0, reference.end_s
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    pieces: list[np.ndarray] = []
    first = 0.0
    with _open(reference, "audio") as (container, stream):
        zero = _start_time(container)
        if start:
            _seek(container, stream, zero + start)
        for frame in container.decode(stream):
            time = frame.time - zero if frame.time is not None else 0.0
            if end is not None and time >= end:
                break
            first = first if pieces else time
            pieces += [part.to_ndarray()[0] for part in resampler.resample(frame)]
        pieces += [part.to_ndarray()[0] for part in resampler.resample(None)]
    signal = np.concatenate([np.zeros(0, np.float32), *pieces])
    begin = max(round((start - first) * RATE), 0)
    stop = None if end is None else max(round((end - first) * RATE), 0)
    signal = signal[begin:stop]
    if not len(signal):
        raise UnusableError("there is no sound in this stretch of the file")
    return signal


def pictures(reference: MediaReference, count: int) -> list[np.ndarray]:
    """Decode the frames in the middle of `count` equal parts of an utterance.

    Returns
    -------
    list of (height, width) uint8
        Greyscale, cropped to the region of the reference.

    Raises
    ------
    UnusableError
        There is no such file, it cannot be decoded, or it ends before the utterance begins.
    """
    start = reference.start_s or 0.0
    found = []
    with _open(reference, "video") as (container, stream):
        stream.codec_context.skip_frame = "NONREF"  # saves a third of the time
        zero = _start_time(container)
        end = reference.end_s
        if end is None:
            end = (container.duration or 0) / av.time_base
        step = max(end - start, 0.0) / count
        frame, time = None, -np.inf
        for wanted in (start + (k + 0.5) * step for k in range(count)):
            if wanted - time > _FAR_S:
                if wanted > _FAR_S:
                    _seek(container, stream, zero + wanted)
                decoded = container.decode(stream)
            while time < wanted:
                following = next(decoded, None)
                if following is None:
                    break
                frame = following
                if frame.time is not None:
                    time = frame.time - zero
            if frame is None or time < start - 1.0:
                raise UnusableError("the video ends before the utterance begins")
            found.append(_crop(frame.to_ndarray(format="gray"), reference.region))
    return found


@contextmanager
def _open(reference: MediaReference, kind: str) -> Iterator[tuple[Any, Any]]:
    """Open a file and its first stream of `kind`: audio or video."""
    with parsing(lambda why: UnusableError(f"cannot be decoded ({why})")):
        try:
            read(Path(reference.path), 1)
        except UnreadableError as error:
            raise UnusableError(error.reason) from error
        with av.open(reference.path, metadata_errors="ignore") as container:
            streams = getattr(container.streams, kind)
            if not streams:
                raise UnusableError(f"there is no {kind} in the file")
            streams[0].codec_context.thread_count = 1  # the utterances are distributed to threads
            yield container, streams[0]


def _start_time(container: Any) -> float:
    """The start time of the file on the clock of the container, in seconds."""
    return (container.start_time or 0) / av.time_base


def _seek(container: Any, stream: Any, seconds: float) -> None:
    """Seek to the last key frame at or before `seconds` on the clock of the container."""
    container.seek(int(seconds / stream.time_base), stream=stream)


def _crop(picture: np.ndarray, region: tuple[float, float, float, float] | None) -> np.ndarray:
    """Crop `picture` to a region in percent (left, top, width, height), at least one pixel."""
    if region is None:
        return picture
    height, width = picture.shape
    left, top, wide, high = (part / 100 for part in region)
    x, y = min(int(left * width), width - 1), min(int(top * height), height - 1)
    x_end, y_end = round((left + wide) * width), round((top + high) * height)
    return picture[y : max(y_end, y + 1), x : max(x_end, x + 1)]
