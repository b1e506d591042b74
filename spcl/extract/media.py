"""Decodes the part of a media file that an utterance is: its sound, or a few of its pictures."""

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
"""Samples a second of every sound that an extractor gets."""

_FAR_S = 10.0
"""Rather than decoding more seconds than this to reach a picture, look for a key frame near it."""


def sound(reference: MediaReference) -> np.ndarray:
    """The sound of an utterance, from a sound file or from a video's sound track.

    Returns
    -------
    (n,) float32
        Mono, -1..1, `RATE` samples a second.

    Raises
    ------
    UnusableError
        There is no such file, it cannot be decoded, or it has no sound in this stretch of time.
    """
    start, end = reference.start_s or 0.0, reference.end_s
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    pieces: list[np.ndarray] = []
    first = 0.0
    with _opened(reference, "audio") as (container, stream):
        zero = _zero(container)
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
    """Pictures from the middles of `count` equal stretches of an utterance.

    Returns
    -------
    list of (height, width) uint8
        Grey, cut to the reference's region.

    Raises
    ------
    UnusableError
        There is no such file, it cannot be decoded, or it ends before the utterance begins.
    """
    start = reference.start_s or 0.0
    found = []
    with _opened(reference, "video") as (container, stream):
        stream.codec_context.skip_frame = "NONREF"  # nothing else needs them: a third of the time
        zero = _zero(container)
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
            found.append(_cut(frame.to_ndarray(format="gray"), reference.region))
    return found


@contextmanager
def _opened(reference: MediaReference, kind: str) -> Iterator[tuple[Any, Any]]:
    """Open a file and its first stream of `kind`, audio or video."""
    with parsing(lambda why: UnusableError(f"cannot be decoded ({why})")):
        try:
            read(Path(reference.path), 1)
        except UnreadableError as error:
            raise UnusableError(error.reason) from error
        with av.open(reference.path, metadata_errors="ignore") as container:
            streams = getattr(container.streams, kind)
            if not streams:
                raise UnusableError(f"there is no {kind} in the file")
            streams[0].codec_context.thread_count = 1  # the threads go to the utterances
            yield container, streams[0]


def _zero(container: Any) -> float:
    """Seconds on the container's clock at which the file begins."""
    return (container.start_time or 0) / av.time_base


def _seek(container: Any, stream: Any, seconds: float) -> None:
    """Go to the last key frame at or before `seconds` on the container's clock."""
    container.seek(int(seconds / stream.time_base), stream=stream)


def _cut(picture: np.ndarray, region: tuple[float, float, float, float] | None) -> np.ndarray:
    """Cut `picture` to a region in percent: left, top, width, height; at least one pixel."""
    if region is None:
        return picture
    height, width = picture.shape
    left, top, wide, high = (part / 100 for part in region)
    x, y = min(int(left * width), width - 1), min(int(top * height), height - 1)
    x_end, y_end = round((left + wide) * width), round((top + high) * height)
    return picture[y : max(y_end, y + 1), x : max(x_end, x + 1)]
