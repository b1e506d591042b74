"""Detection of the largest face in a picture.

``dlib``: D. King, Max-margin object detection, arXiv 1502.00046, 2015: histograms of oriented
gradients, with the weights inside the package dlib. ``cascade``: P. Viola and M. Jones, Rapid
object detection using a boosted cascade of simple features, CVPR 2001.
"""

import threading
from pathlib import Path
from typing import Literal

import cv2
import dlib
import numpy as np

Detector = Literal["dlib", "cascade"]

_SMALLEST = 24
"""The side of the smallest face that the cascade finds, pixels."""
_CASCADE = str(Path(cv2.__file__).with_name("data") / "haarcascade_frontalface_default.xml")


class Faces:
    """A face detector that several threads can use.

    Parameters
    ----------
    detector
        ``dlib``, which also finds faces that are turned or tilted a little, or ``cascade``.
    side
        The longest side in pixels to which a picture is reduced before detection. A larger value is
        slower and finds smaller faces: the minimum is 40 pixels (dlib) or 24 pixels (cascade) after
        the reduction.
    """

    def __init__(self, detector: Detector, side: int) -> None:
        if side < 2 * _SMALLEST:
            raise ValueError(f"detection_side: {side} is too small; write {2 * _SMALLEST} or more")
        cv2.setNumThreads(1)  # the items are distributed to threads
        self._side = side
        self._find = self._with_dlib if detector == "dlib" else self._with_cascade
        self._of_thread = threading.local()  # a detector must not be shared between threads
        self.version = f"opencv {cv2.__version__}"
        if detector == "dlib":
            self.version = f"dlib {dlib.__version__}, {self.version}"

    def largest(self, picture: np.ndarray, margin: float = 0.0) -> np.ndarray | None:
        """The part of a picture with the largest face; None if there is no face.

        Parameters
        ----------
        picture
            (height, width) or (height, width, 3) RGB, uint8.
        margin
            The share of the face's size that is added on each side.
        """
        scale = min(self._side / max(picture.shape[:2]), 1.0)
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        if min(small.shape[:2]) < _SMALLEST:
            return None
        boxes = self._find(small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
        if not boxes:
            return None
        # Of equally large faces, take the left one, then the upper one.
        x, y, w, h = max(boxes, key=lambda box: (box[2], -box[0], -box[1]))
        edges = (x - margin * w, y - margin * h, x + (1 + margin) * w, y + (1 + margin) * h)
        left, top, right, bottom = (max(int(edge / scale), 0) for edge in edges)
        face = picture[top:bottom, left:right]
        return face if face.size else None

    def _with_dlib(self, grey: np.ndarray) -> list[tuple[int, int, int, int]]:
        if not hasattr(self._of_thread, "dlib"):
            self._of_thread.dlib = dlib.get_frontal_face_detector()
        # Once doubled: a face of 40 pixels is found, instead of 80.
        boxes = self._of_thread.dlib(grey, 1)
        return [(box.left(), box.top(), box.width(), box.height()) for box in boxes]

    def _with_cascade(self, grey: np.ndarray) -> list[tuple[int, int, int, int]]:
        if not hasattr(self._of_thread, "cascade"):
            self._of_thread.cascade = cv2.CascadeClassifier(_CASCADE)
        boxes = self._of_thread.cascade.detectMultiScale(
            grey, scaleFactor=1.2, minNeighbors=3, minSize=(_SMALLEST, _SMALLEST)
        )
        return [(int(x), int(y), int(w), int(h)) for x, y, w, h in boxes]
