"""A Hugging Face audio encoder in a local folder, for example wav2vec 2.0 or Whisper's."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import av
import numpy as np
import torch
from transformers import AutoFeatureExtractor

from spcl.extract.base import Item, UnusableError
from spcl.extract.decoding import sound
from spcl.extract.model_folder import ModelFolder
from spcl.extract.pretrained import Loaded, Part, Pretrained
from spcl.extract.windows import windows

_MASKED = ("wav2vec2", "hubert", "wavlm")
"""Models whose features do not depend on padding if their convolutions are normalised by layer."""
_WINDOW_S = 30.0

warnings.filterwarnings("ignore", "Support for mismatched key_padding_mask")  # from WavLM


class Frames(NamedTuple):
    """How a model divides a sound into the frames for which it returns vectors, in samples.

    Attributes
    ----------
    hop
        The distance between two frames.
    field
        The length of what a frame depends on directly.
    longest
        The longest sound that the model reads; None if there is no limit.
    """

    hop: int
    field: int
    longest: int | None

    def count(self, samples: int) -> int:
        """The number of frames of a sound."""
        return max((samples - self.field) // self.hop + 1, 0)


@dataclass(kw_only=True)
class HuggingFaceAudio(Pretrained):
    """Pooled frame vectors, for wav2vec 2.0, HuBERT, WavLM, data2vec, Whisper's encoder and AST.

    Frames of padding are never used. For AST, the vectors of the frequency bands are averaged in
    each frame.

    Parameters
    ----------
    pooling
        ``mean`` of the frame vectors, or ``mean_std``: mean and deviation, twice as many features.
    window_s
        A longer sound is divided into windows of this length in seconds. 0 stands for what the
        model was made for: 30 for Whisper, the maximal length for AST, and 30 for the others.
    overlap_s
        The overlap of two windows in seconds. A frame counts only in the window in whose middle it
        is, so that it has context on both sides.
    """

    modality = "a"
    kind = "audio"
    others = "preprocessor_config.json"
    LICENCE = "that of the model"
    WIDTHS = "that of the model, twice with mean_std"

    pooling: Literal["mean", "mean_std"] = "mean"
    window_s: float = 0.0
    overlap_s: float = 2.0

    def __post_init__(self) -> None:
        for option, value in (("window_s", self.window_s), ("overlap_s", self.overlap_s)):
            if not 0 <= value < np.inf:
                raise ValueError(f"{option}: {value} is not allowed; write a number of seconds")
        super().__post_init__()

    @property
    def version(self) -> str:
        return f"{super().version}, av {av.__version__}"

    def prepare(self, folder: ModelFolder) -> None:
        folder.require("preprocessor_config.json", "processor_config.json")
        self._extractor = folder.read(AutoFeatureExtractor.from_pretrained)
        with folder.reading():
            self._rate = int(self._extractor.sampling_rate)
            self._input = self._extractor.model_input_names[0]
            self._frames = _frames(folder.config, self._extractor)
        self._masks = bool(getattr(self._extractor, "return_attention_mask", False))
        self.pads = (
            self._masks
            and folder.config.model_type in _MASKED
            and folder.config.feat_extract_norm == "layer"
        )
        longest = self._frames.longest
        window = self.window_s or _WINDOW_S
        self._window = round(window * self._rate)  # in samples
        if longest and self._window > longest:
            if self.window_s:
                raise self.option_error(
                    "window_s",
                    f"{self.window_s:g} is more than the model can read; write"
                    f" {longest / self._rate:g} or less",
                )
            self._window = longest
        self._length = self._frames.count(self._window)  # of a window, in frames
        if not self._length:
            raise self.option_error(
                "window_s", f"{self.window_s:g} is too short for a frame of the model; write more"
            )
        self._overlap = round(self.overlap_s * self._rate / self._frames.hop)
        if self._overlap >= self._length:
            raise self.option_error(
                "overlap_s",
                f"{self.overlap_s:g} is not less than the window of"
                f" {self._window / self._rate:g} s; write less",
            )

    def adopt(self, model: Any) -> Any:
        return model.get_encoder() if model.config.is_encoder_decoder else model

    def example(self) -> Loaded:
        samples = min(self._window, max(self._rate, self._frames.field))
        noise = np.random.default_rng(0).normal(0, 0.1, samples)
        return self._loaded(noise.astype(np.float32))

    def load(self, item: Item) -> Loaded:
        return self._loaded(sound(item, self._rate))

    def encode(self, model: Any, parts: Sequence[Part]) -> torch.Tensor:
        data = [part.data for part in parts]
        inputs = {}
        if self._input == "input_values" and data[0].ndim == 1 and self._masks:
            lengths = torch.tensor([len(one) for one in data])
            longest = int(lengths.max())
            data = [np.pad(one, (0, longest - len(one))) for one in data]
            mask = torch.arange(longest) < lengths[:, None]
            inputs["attention_mask"] = mask.long().to(model.device)
        batch = torch.from_numpy(np.stack(data)).to(model.device, model.dtype)
        states = self.hidden_states(model, **{self._input: batch}, **inputs)
        if model.config.model_type == "audio-spectrogram-transformer":
            bands = model.config.num_mel_bins - model.config.patch_size
            bands = bands // model.config.frequency_stride + 1
            # After two special tokens, all frames of the first band, then those of the next.
            states = states[:, 2:].unflatten(1, (bands, -1)).mean(1)
        expected = self._frames.count(self._frames.longest or batch.shape[-1])
        if states.shape[1] != expected:
            raise ValueError(f"expected {expected} frames from the model, found {states.shape[1]}")
        return states

    def _loaded(self, signal: np.ndarray) -> Loaded:
        """The windows of a sound (n,)."""
        total = self._frames.count(len(signal))
        if not total:
            raise UnusableError(
                "short",
                f"there are {len(signal)} samples of sound, and the model needs"
                f" {self._frames.field} at {self._rate} Hz",
            )
        parts = []
        for begin, keep in windows(total, self._length, self._overlap):
            first = begin * self._frames.hop
            window = signal[first : first + self._window]
            data = self._extractor(window, sampling_rate=self._rate, return_tensors="np")
            parts.append(Part(data[self._input][0].astype(np.float32), keep))
        return Loaded(parts)


def _frames(config: Any, extractor: Any) -> Frames:
    """How the model divides a sound into frames."""
    if config.model_type == "whisper":  # the second convolution takes every other frame
        return Frames(2 * extractor.hop_length, 1, extractor.n_samples)
    if config.model_type == "audio-spectrogram-transformer":  # spectra of 400 samples, each 160
        field = 400 + 160 * (config.patch_size - 1)
        return Frames(160 * config.time_stride, field, 400 + 160 * (extractor.max_length - 1))
    if hasattr(config, "conv_kernel") and extractor.model_input_names[0] == "input_values":
        hop, field = 1, 1
        for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
            field += (kernel - 1) * hop
            hop *= stride
        return Frames(hop, field, None)
    raise ValueError(f"a model of the type {config.model_type} is not supported")


EXTRACTOR = HuggingFaceAudio
