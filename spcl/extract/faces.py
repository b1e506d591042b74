"""The largest face. Stand-in until the detectors are there."""

from pathlib import Path
from typing import Literal

import cv2
import numpy as np

_CASCADE = str(Path(cv2.__file__).with_name("data") / "haarcascade_frontalface_default.xml")


class Faces:
    """A detector that looks for faces in pictures reduced to `side` pixels."""

    def __init__(self, detector: Literal["dlib", "cascade"], side: int) -> None:
        self.side = side
        self.version = f"opencv {cv2.__version__}"

    def largest(self, picture: np.ndarray, margin: float = 0.0) -> np.ndarray | None:
        """The part of the picture with the largest face."""
        scale = min(self.side / max(picture.shape[:2]), 1.0)
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        boxes = cv2.CascadeClassifier(_CASCADE).detectMultiScale(small, 1.2, 3, minSize=(24, 24))
        if not len(boxes):
            return None
        x, y, side, _ = max(map(tuple, boxes), key=lambda box: (box[2], -box[0], -box[1]))
        left, top, right, bottom = (int(edge / scale) for edge in (x, y, x + side, y + side))
        return picture[top:bottom, left:right]
