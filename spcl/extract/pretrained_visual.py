"""The base class of extractors that use a pretrained transformer for pictures or clips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import av
import numpy as np
import PIL
import torch
from transformers import AutoImageProcessor

from spcl.extract.base import Item
from spcl.extract.decoding import pictures
from spcl.extract.faces import Faces
from spcl.extract.model_folder import ModelFolder
from spcl.extract.pretrained import Part, Pretrained

_DETECTION_SIDE = 320
"""The longest side to which a frame is reduced before face detection, in pixels."""
_MARGIN = 0.2
"""What is added to a face on each side, relative to its size."""


@dataclass(kw_only=True)
class PretrainedVisual(Pretrained):
    """Vectors of pictures or clips, pooled over the utterance.

    With ``crop: face``, the last feature is the share of frames with a face. It is the column
    ``face_share`` of the feature table, too.

    Parameters
    ----------
    pooling
        ``mean`` of the vectors, or ``mean_std``: mean and deviation, twice as many features.
    crop
        ``face`` cuts each frame to the largest face with a margin; a frame without a face is used
        as a whole. ``none`` uses all frames as a whole.
    detector
        What looks for faces: ``dlib``, or the ``cascade`` of OpenCV.
    """

    others = "preprocessor_config.json"

    pooling: Literal["mean", "mean_std"] = "mean"
    crop: Literal["face", "none"] = "face"
    detector: Literal["dlib", "cascade"] = "dlib"

    def __post_init__(self) -> None:
        self._faces = Faces(self.detector, _DETECTION_SIDE) if self.crop == "face" else None
        super().__post_init__()

    @property
    def version(self) -> str:
        faces = f", {self._faces.version}" if self._faces else ""
        return f"{super().version}, av {av.__version__}, pillow {PIL.__version__}{faces}"

    def prepare(self, folder: ModelFolder) -> None:
        folder.require("preprocessor_config.json", "processor_config.json")
        # The backend that uses torchvision gives other numbers, where it is installed.
        self._processor = folder.read(AutoImageProcessor.from_pretrained, backend="pil")
        picture = self.noise()
        with folder.reading():
            expected = np.asarray(self._processor(picture, return_tensors="np")["pixel_values"])
            found = self.normalised(torch.from_numpy(self.resized([picture])))
            if not np.allclose(found, expected.reshape(found.shape), atol=1e-5):
                raise ValueError("its image processor does more than to resize and to normalise")

    def columns(self, features: np.ndarray) -> Mapping[str, np.ndarray]:
        return {"face_share": features[:, -1]} if self._faces else {}

    def sample(self, item: Item, count: int) -> tuple[np.ndarray, list[float]]:
        """Frames of an item as (count, 3, H, W) uint8, and the share of those with a face.

        The share is a list of one number, or an empty list if faces are not looked for.
        """
        whole = pictures(item, count, colour=True)
        if self._faces is None:
            return self.resized(whole), []
        faces = [self._faces.largest(one, margin=_MARGIN) for one in whole]
        share = float(np.mean([one is not None for one in faces]))
        cut = [whole[k] if one is None else one for k, one in enumerate(faces)]
        return self.resized(cut), [share]

    def noise(self) -> np.ndarray:
        """A random picture, (H, W, 3) uint8."""
        return np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)

    def resized(self, frames: Sequence[np.ndarray]) -> np.ndarray:
        """What the processor of the model does except for `normalised`, (N, 3, H, W) uint8."""
        pixels = [
            np.asarray(
                self._processor(
                    one,
                    do_rescale=False,
                    do_normalize=False,
                    return_tensors="np",
                    input_data_format="channels_last",
                )["pixel_values"]
            )
            for one in frames
        ]
        return np.concatenate([one.reshape(-1, *one.shape[-3:]) for one in pixels])

    def normalised(self, pixels: torch.Tensor) -> torch.Tensor:
        """Rescale and normalise `pixels` (..., 3, H, W), uint8, as the processor of the model."""
        numbers = pixels.float()
        if self._processor.do_rescale:
            numbers = numbers * self._processor.rescale_factor
        if self._processor.do_normalize:
            mean, deviation = (
                torch.tensor(values, device=pixels.device).reshape(-1, 1, 1)
                for values in (self._processor.image_mean, self._processor.image_std)
            )
            numbers = (numbers - mean) / deviation
        return numbers

    def pixels(self, model: Any, parts: Sequence[Part]) -> torch.Tensor:
        """The input of the model, (B, ..., 3, H, W)."""
        stacked = torch.from_numpy(np.stack([part.data for part in parts]))
        return self.normalised(stacked.to(model.device)).to(model.dtype)

    def refuse_layers(self, remedy: str) -> None:
        """Refuse `layers`, because the model has an embedding of its own that is used."""
        if self.layers != [-1]:
            raise self.option_error(
                "layers", f"the embedding of the model is made after all layers; {remedy}"
            )
