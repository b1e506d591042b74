"""The shape of the largest face: histograms of oriented gradients of a few video frames.

N. Dalal and B. Triggs, Histograms of oriented gradients for human detection, CVPR 2005.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import av
import cv2
import numpy as np

from spcl.extract.base import Item, ItemExtractor
from spcl.extract.decoding import pictures
from spcl.extract.faces import Detector, Faces

_SIDE = 64
_HOG = cv2.HOGDescriptor(
    _winSize=(_SIDE, _SIDE),
    _blockSize=(32, 32),
    _blockStride=(32, 32),
    _cellSize=(16, 16),
    _nbins=9,
)  # 4 blocks of 4 cells of 9 directions: 144 values


@dataclass(kw_only=True)
class FaceHOG(ItemExtractor):
    """Mean and deviation of the face's histogram over frames, and the share of frames with a face.

    If no face is found in a frame, the whole frame is used. The share of frames with a face is the
    last feature, and the column ``face_share`` of the feature table.

    Parameters
    ----------
    frames
        The number of frames sampled from an utterance.
    detector
        ``dlib``, or ``cascade``, which finds fewer faces (see `spcl.extract.faces`).
    detection_side
        The longest side in pixels to which a picture is reduced before detection. A larger value is
        slower and finds smaller faces.
    """

    modality = "v"
    LICENCE = "Boost (dlib), Apache 2.0 (OpenCV)"
    WIDTHS = "289"

    frames: int = 3
    detector: Detector = "dlib"
    detection_side: int = 320

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise ValueError(f"frames: {self.frames} is not allowed; write 1 or more")
        self._faces = Faces(self.detector, self.detection_side)

    @property
    def width(self) -> int:
        return 2 * int(_HOG.getDescriptorSize()) + 1

    @property
    def version(self) -> str:
        return f"{self._faces.version}, av {av.__version__}"

    def columns(self, features: np.ndarray) -> Mapping[str, np.ndarray]:
        return {"face_share": features[:, -1]}

    def one(self, item: Item) -> np.ndarray:
        histograms, found = [], []
        for picture in pictures(item, self.frames):
            face = self._faces.largest(picture)
            found.append(face is not None)
            square = cv2.resize(
                picture if face is None else face, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA
            )
            histograms.append(np.ravel(_HOG.compute(square)))
        return np.concatenate([np.mean(histograms, 0), np.std(histograms, 0), [np.mean(found)]])


EXTRACTOR = FaceHOG
