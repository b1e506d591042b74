"""The shape of the largest face: histograms of oriented gradients of a few video frames.

Faces: P. Viola and M. Jones, Rapid object detection using a boosted cascade of simple features,
CVPR 2001. Histograms: N. Dalal and B. Triggs, Histograms of oriented gradients for human detection,
CVPR 2005.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from spcl.extract.base import Extracted, Item, ItemExtractor, UnusableError
from spcl.extract.media import pictures

_SIDE = 64
_HOG = cv2.HOGDescriptor(
    _winSize=(_SIDE, _SIDE),
    _blockSize=(32, 32),
    _blockStride=(32, 32),
    _cellSize=(16, 16),
    _nbins=9,
)  # 4 blocks of 4 cells of 9 directions: 144 values
_CASCADE = str(Path(cv2.__file__).with_name("data") / "haarcascade_frontalface_default.xml")


@dataclass(kw_only=True)
class FaceHOG(ItemExtractor):
    """Mean and deviation of the face's histogram over frames, and the share of frames with a face.

    If no face is found in a frame, the whole frame is used. The share of frames with a face is the
    last feature, and the column ``face_share`` of the feature table.

    Parameters
    ----------
    frames
        The number of frames sampled from an utterance.
    detection_side
        The longest side in pixels to which a frame is reduced before face detection. A larger value
        is slower and finds smaller faces: the minimum is 24 pixels after the reduction.
    """

    modality = "v"

    frames: int = 3
    detection_side: int = 320

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise ValueError(f"frames: {self.frames} is not allowed; write 1 or more")
        if self.detection_side < 48:
            raise ValueError(
                f"detection_side: {self.detection_side} is too small; write 48 or more"
            )
        cv2.setNumThreads(1)  # the utterances are distributed to threads
        self._local = threading.local()  # a cascade must not be shared between threads

    @property
    def width(self) -> int:
        return 2 * int(_HOG.getDescriptorSize()) + 1

    @property
    def version(self) -> str:
        return f"opencv {cv2.__version__}, av {av.__version__}"

    def __call__(self, items: Sequence[Item], threads: int = 1) -> Extracted:
        extracted = super().__call__(items, threads)
        share = extracted.features[:, -1]
        return Extracted(extracted.features, extracted.reasons, {"face_share": share})

    def one(self, item: Item) -> np.ndarray:
        if item.video is None:
            raise UnusableError("there is no video file")
        histograms, found = [], []
        for picture in pictures(item.video, self.frames):
            face = self._largest_face(picture)
            found.append(face is not None)
            square = cv2.resize(
                picture if face is None else face, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA
            )
            histograms.append(np.ravel(_HOG.compute(square)))
        return np.concatenate([np.mean(histograms, 0), np.std(histograms, 0), [np.mean(found)]])

    def _largest_face(self, picture: np.ndarray) -> np.ndarray | None:
        """The part of `picture` (height, width) with the largest face; None if there is no face."""
        if not hasattr(self._local, "cascade"):
            self._local.cascade = cv2.CascadeClassifier(_CASCADE)
        scale = min(self.detection_side / max(picture.shape), 1.0)
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        if min(small.shape) < 24:
            return None
        boxes = self._local.cascade.detectMultiScale(
            small, scaleFactor=1.2, minNeighbors=3, minSize=(24, 24)
        )
        if not len(boxes):
            return None
        # Of equally large faces, take the left one, then the upper one.
        x, y, side, _ = max(map(tuple, boxes), key=lambda box: (box[2], -box[0], -box[1]))
        left, top, right, bottom = (int(edge / scale) for edge in (x, y, x + side, y + side))
        return picture[top:bottom, left:right]


EXTRACTOR = FaceHOG
