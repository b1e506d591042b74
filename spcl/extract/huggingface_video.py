"""A Hugging Face video encoder in a local folder: VideoMAE or X-CLIP."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from spcl.extract.base import Item
from spcl.extract.model_folder import ModelFolder
from spcl.extract.pretrained import Loaded, Part
from spcl.extract.pretrained_visual import PretrainedVisual


@dataclass(kw_only=True)
class HuggingFaceVideo(PretrainedVisual):
    """A vector for each clip of the utterance, pooled over the clips.

    The vector is the mean of the token vectors of VideoMAE, or the video embedding of X-CLIP.

    Parameters
    ----------
    clips
        The utterance is divided into this number of equal parts. Of each, the model reads as many
        frames as it was made for: those in the middle of equal parts.
    """

    modality = "v"
    kind = "video"
    LICENCE = "that of the model"
    WIDTHS = "that of the model, twice with mean_std; one more with crop: face"

    clips: int = 1

    def __post_init__(self) -> None:
        if self.clips < 1:
            raise ValueError(f"clips: {self.clips} is not allowed; write 1 or more")
        super().__post_init__()

    def prepare(self, folder: ModelFolder) -> None:
        super().prepare(folder)
        with folder.reading():
            config = getattr(folder.config, "vision_config", folder.config)
            self._length = int(config.num_frames)

    def adopt(self, model: Any) -> Any:
        if hasattr(model, "get_video_features"):
            self.refuse_layers("write [-1]")
        return model

    def example(self) -> Loaded:
        frames = self.resized([self.noise()] * self._length)
        return self._loaded(frames, [1.0] if self.crop == "face" else [])

    def load(self, item: Item) -> Loaded:
        return self._loaded(*self.sample(item, self.clips * self._length))

    def encode(self, model: Any, parts: Sequence[Part]) -> torch.Tensor:
        pixels = self.pixels(model, parts)  # (B, T, 3, H, W)
        if hasattr(model, "get_video_features"):
            return model.get_video_features(pixel_values=pixels).pooler_output[:, None]
        return self.hidden_states(model, pixel_values=pixels).mean(1, keepdim=True)

    def _loaded(self, frames: np.ndarray, share: list[float]) -> Loaded:
        clips = frames.reshape(-1, self._length, *frames.shape[1:])
        return Loaded([Part(one) for one in clips], share)


EXTRACTOR = HuggingFaceVideo
