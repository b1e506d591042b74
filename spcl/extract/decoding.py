"""Sound and pictures of an item. Stand-in until the decoders are rewritten."""

import cv2
import numpy as np

from spcl.extract import media
from spcl.extract.base import Item, UnusableError


def sound(item: Item, rate: int = 16_000) -> np.ndarray:
    """(n,) float32 mono."""
    if item.audio is None:
        raise UnusableError("missing", "there is no sound file")
    signal = media.sound(item.audio)
    if rate == media.RATE:
        return signal
    at = np.arange(int(len(signal) * rate / media.RATE)) * media.RATE / rate
    return np.interp(at, np.arange(len(signal)), signal).astype(np.float32)


def pictures(item: Item, count: int, *, colour: bool = False) -> list[np.ndarray]:
    """`count` frames, (H, W) uint8, or (H, W, 3) RGB."""
    if item.video is None:
        raise UnusableError("missing", "there is no video file")
    found = media.pictures(item.video, count)
    return [cv2.cvtColor(one, cv2.COLOR_GRAY2RGB) for one in found] if colour else found
