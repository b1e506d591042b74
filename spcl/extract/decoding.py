"""Decoding of the audio or of a few video frames of an utterance."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np

from spcl.data.files.parsing import parsing
from spcl.data.media import MediaReference, fault
from spcl.extract.base import Item, Reason, UnusableError

RATE = 16_000
"""Samples per second of the audio that extractors get unless they ask for another rate."""

PATIENCE_S = 60.0
"""The time to decode an item, in seconds; then it is given up."""
LONGEST_S = 3600.0
"""Of an utterance whose annotated length is unknown, in seconds: a limit of memory."""
SILENCE_DB = -70.0
"""Sound with a root mean square below this level, in decibels of full scale, is silent. It is a
tenth of the quietest room, and ten steps of 16-bit samples."""

_CANCELLED = 0.1
"""If the mean of the channels has less than this share of the loudest channel's root mean square,
they cancel each other."""
_BLANK = 1.0
"""A picture whose grey levels (0..255) have a smaller standard deviation shows nothing."""
_FAR_S = 10.0
"""If the next frame is farther than this, seek to a key frame instead of decoding up to it."""


def sound(item: Item, rate: int = RATE) -> np.ndarray:
    """Decode the audio of an item, from an audio or video file.

    Returns
    -------
    (n,) float32
        Mono, -1..1, `rate` samples per second. If the channels cancel each other it is the loudest
        of them, and the item gets a note.

    Raises
    ------
    UnusableError
        There is no such file, it cannot be decoded, it has no audio in this time range, or it is
        silent or far longer than annotated.
    """
    reference = item.audio
    if reference is None:
        raise UnusableError("missing", "there is no sound file")
    start, end = reference.start_s or 0.0, reference.end_s
    mono = av.AudioResampler(format="fltp", layout="mono", rate=rate)
    each = av.AudioResampler(format="fltp", rate=rate)
    mixed: list[np.ndarray] = []
    channels: list[np.ndarray] = []
    first = 0.0
    with _open(reference, "audio") as (container, stream):
        limit = _length_limit(item, reference)
        zero = _start_time(container)
        if start:
            _seek(container, stream, zero + start)
        for frame in _frames(container, stream):
            at = frame.time - zero if frame.time is not None else 0.0
            if end is not None and at >= end:
                break
            if at - start > limit:
                raise _too_long(container, item, at - start)
            first = first if mixed else at
            if len(frame.layout.channels) > 1:
                channels += [part.to_ndarray() for part in each.resample(frame)]
            mixed += [part.to_ndarray() for part in mono.resample(frame)]
        mixed += [part.to_ndarray() for part in mono.resample(None)]
        if channels:
            channels += [part.to_ndarray() for part in each.resample(None)]
    begin = max(round((start - first) * rate), 0)
    stop = None if end is None else max(round((end - first) * rate), 0)
    signal = np.concatenate([np.zeros((1, 0), np.float32), *mixed], 1)[0, begin:stop]
    if not len(signal):
        raise UnusableError("outside", "there is no sound in this stretch of the file")
    if channels:
        loudest = max(np.concatenate(channels, 1)[:, begin:stop], key=_level)
        if _level(signal) < _CANCELLED * _level(loudest):
            item.notes.append(Reason("cancelled", "its channels cancel; the loudest is used"))
            signal = loudest
    if _level(signal) < 10 ** (SILENCE_DB / 20):
        raise UnusableError("silent", f"the sound is silent (below {SILENCE_DB:g} dB)")
    return signal


def pictures(item: Item, count: int, *, colour: bool = False) -> list[np.ndarray]:
    """Decode the frames in the middle of `count` equal parts of an item.

    Returns
    -------
    list of uint8
        (height, width), or (height, width, 3) RGB with `colour`; cropped to the region of the
        reference.

    Raises
    ------
    UnusableError
        There is no such file, it cannot be decoded, it ends before the utterance begins, every
        picture has one colour, or it is far longer than annotated.
    """
    reference = item.video
    if reference is None:
        raise UnusableError("missing", "there is no video file")
    start = reference.start_s or 0.0
    found = []
    with _open(reference, "video") as (container, stream):
        stream.codec_context.skip_frame = "NONREF"  # saves a third of the time
        zero = _start_time(container)
        end = reference.end_s
        if end is None:
            end = (container.duration or 0) / av.time_base
        if end - start > _length_limit(item, reference):
            raise _too_long(container, item, end - start)
        step = max(end - start, 0.0) / count
        frame, at = None, -np.inf
        for wanted in (start + (k + 0.5) * step for k in range(count)):
            if wanted - at > _FAR_S:
                if wanted > _FAR_S:
                    _seek(container, stream, zero + wanted)
                frames = _frames(container, stream)
            while at < wanted:
                following = next(frames, None)
                if following is None:
                    break
                frame = following
                if frame.time is not None:
                    at = frame.time - zero
            if frame is None or at < start - 1.0:
                raise UnusableError("outside", "the video ends before the utterance begins")
            picture = frame.to_ndarray(format="rgb24" if colour else "gray")
            found.append(_crop(picture, reference.region))
    if _blank(found):
        raise UnusableError("blank", "every picture has one colour")
    return found


@contextmanager
def _open(reference: MediaReference, kind: str) -> Iterator[tuple[Any, Any]]:
    """Open a file and its first stream of `kind`: audio or video."""
    with parsing(lambda why: UnusableError("undecodable", f"cannot be decoded ({why})")):
        if defect := fault(Path(reference.path)):
            raise UnusableError(*defect)
        try:
            opened = av.open(reference.path, metadata_errors="ignore", timeout=PATIENCE_S)
            with opened as container:
                streams = getattr(container.streams, kind)
                if not streams:
                    raise UnusableError("no_track", f"there is no {kind} in the file")
                if streams[0].codec_context is None:
                    raise UnusableError("undecodable", f"no decoder for the {kind} in the file")
                streams[0].codec_context.thread_count = 1  # other threads have other items
                yield container, streams[0]
        except av.error.ExitError as error:
            raise _slow() from error


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    """The decoded frames from here on, for at most `PATIENCE_S` seconds."""
    begun = time.monotonic()
    for packet in container.demux(stream):
        if time.monotonic() - begun > PATIENCE_S:
            raise _slow()
        yield from packet.decode()


def _slow() -> UnusableError:
    return UnusableError("slow", f"not decoded within {PATIENCE_S:g} s")


def _length_limit(item: Item, reference: MediaReference) -> float:
    """The longest that the decoded part may be, in seconds."""
    whole = reference.start_s is None and reference.end_s is None
    return LONGEST_S if item.longest_s is None or not whole else min(item.longest_s, LONGEST_S)


def _too_long(container: Any, item: Item, decoded_s: float) -> UnusableError:
    length = max(decoded_s, (container.duration or 0) / av.time_base)
    expected = "" if item.annotated_s is None else f", annotated {item.annotated_s:.3g} s"
    return UnusableError("long", f"lasts {length:.0f} s{expected}")


def _start_time(container: Any) -> float:
    """The start time of the file on the clock of the container, in seconds."""
    return (container.start_time or 0) / av.time_base


def _seek(container: Any, stream: Any, seconds: float) -> None:
    """Seek to the last key frame at or before `seconds` on the clock of the container."""
    container.seek(int(seconds / stream.time_base), stream=stream)


def _level(signal: np.ndarray) -> float:
    """The root mean square of (n,) samples."""
    return float(np.sqrt(np.mean(np.square(signal, dtype=np.float64)))) if len(signal) else 0.0


def _blank(found: Sequence[np.ndarray]) -> bool:
    """Whether each picture, (height, width) or (height, width, 3), has one colour."""
    return all(picture.std((0, 1)).max() < _BLANK for picture in found)


def _crop(picture: np.ndarray, region: tuple[float, float, float, float] | None) -> np.ndarray:
    """Crop `picture` to a region in percent (left, top, width, height), at least one pixel."""
    if region is None:
        return picture
    height, width = picture.shape[:2]
    left, top, wide, high = (part / 100 for part in region)
    x, y = min(int(left * width), width - 1), min(int(top * height), height - 1)
    x_end, y_end = round((left + wide) * width), round((top + high) * height)
    return picture[y : max(y_end, y + 1), x : max(x_end, x + 1)]
