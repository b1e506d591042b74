"""A Hugging Face image encoder in a local folder, for example ViT, CLIP, SigLIP or DINOv2."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from spcl.extract.base import Item
from spcl.extract.pretrained import Loaded, Part
from spcl.extract.pretrained_visual import PretrainedVisual


@dataclass(kw_only=True)
class HuggingFaceImage(PretrainedVisual):
    """A vector for each of some frames of the utterance, pooled over these frames.

    Parameters
    ----------
    frames
        The number of frames: those in the middle of equal parts of the utterance.
    token
        What stands for a picture. ``first`` is the vector of the class token, and ``mean`` the
        mean of all token vectors. ``model`` is the image embedding of CLIP, SigLIP and similar
        models. For other models it is the class token, or what the model itself pools if it has no
        class token.
    """

    modality = "v"
    kind = "image"
    LICENCE = "that of the model"
    WIDTHS = "that of the model, twice with mean_std; one more with crop: face"

    frames: int = 8
    token: Literal["model", "first", "mean"] = "model"

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise ValueError(f"frames: {self.frames} is not allowed; write 1 or more")
        super().__post_init__()

    def adopt(self, model: Any) -> Any:
        has_class_token = any(
            name.endswith(("cls_token", "class_embedding")) for name, _ in model.named_parameters()
        )
        if self.token == "first" and not has_class_token:
            raise self.option_error("token", "the model has no class token; write model or mean")
        self._source: str = self.token
        if self.token == "model":
            if hasattr(model, "get_image_features"):
                self._source = "embedding"
            else:
                self._source = "first" if has_class_token else "pooled"
        if self._source in ("embedding", "pooled"):
            self.refuse_layers("write [-1], or token: mean")
        return model

    def example(self) -> Loaded:
        return self._loaded(self.resized([self.noise()]), [1.0] if self.crop == "face" else [])

    def load(self, item: Item) -> Loaded:
        return self._loaded(*self.sample(item, self.frames))

    def encode(self, model: Any, parts: Sequence[Part]) -> torch.Tensor:
        pixels = self.pixels(model, parts)
        if self._source == "embedding":
            return model.get_image_features(pixel_values=pixels).pooler_output[:, None]
        encoder = getattr(model, "vision_model", model)
        if self._source == "pooled":
            return encoder(pixel_values=pixels).pooler_output.flatten(1)[:, None]
        states = self.hidden_states(encoder, pixel_values=pixels)  # (B, T, D)
        return states[:, :1] if self._source == "first" else states.mean(1, keepdim=True)

    def _loaded(self, frames: np.ndarray, share: list[float]) -> Loaded:
        return Loaded([Part(one) for one in frames], share)


EXTRACTOR = HuggingFaceImage
