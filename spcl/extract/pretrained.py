"""The base class of extractors that use a pretrained transformer in a local folder."""

import copy
import threading
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, ClassVar, Literal

import numpy as np
import torch
import transformers

from spcl.errors import UserError
from spcl.extract.base import Extractor
from spcl.extract.model_folder import ModelFolder
from spcl.extract.torch_threads import torch_threads


@dataclass(frozen=True)
class Part:
    """One input of the model: the tokens of a text, a window of a sound, a picture or a clip.

    Attributes
    ----------
    data
        What the model reads, without the axis of the batch.
    keep
        Which of the K vectors that the model returns for it belong to the item. Vectors of padding
        do not.
    """

    data: np.ndarray
    keep: slice = field(default_factory=lambda: slice(None))


@dataclass(frozen=True)
class Loaded:
    """An item for the model: its parts, and features that are known without the model."""

    parts: Sequence[Part]
    extra: Sequence[float] = ()


@dataclass(kw_only=True)
class Pretrained(Extractor):
    """Pooled vectors of a transformer.

    A subclass sets `kind`, `others` and `pads`, defines the option `pooling`, and implements the
    abstract methods. They are called in this order: `prepare` and `adopt` when the extractor is
    built, then `encode` on the batch `example`.

    Parameters
    ----------
    folder
        Contains ``config.json``, the weights as ``model.safetensors``, and the files of the
        tokenizer, of the feature extractor or of the image processor.
    layers
        Numbers of hidden states: 0 is the output of the embeddings, 1 that of the first layer, -1
        the output of the model. The mean of several is used.
    precision
        The number format of the model. The features are float32 in any case. With half precision,
        they depend on the batch and on the device within the rounding of this format.
    batch_size
        The number of texts, windows, pictures or clips that the model reads at once.
    allow_pickle
        Load ``pytorch_model.bin`` if there is no ``model.safetensors``. It is a pickle, and loading
        a pickle can execute code. It is loaded with ``weights_only`` of torch, which is meant to
        prevent this.
    """

    kind: ClassVar[Literal["text", "audio", "image", "video"]]
    others: ClassVar[str]
    """The files besides the model, in words."""
    pads = False
    """Whether `encode` pads parts of different shapes."""

    folder: str
    layers: list[int] = field(default_factory=lambda: [-1])
    precision: Literal["float32", "float16", "bfloat16"] = "float32"
    batch_size: int = 16
    allow_pickle: bool = False

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(f"batch_size: {self.batch_size} is not allowed; write 1 or more")
        if not self.layers:
            raise ValueError("layers: [] is not allowed; write [-1] for the last layer")
        if self.precision == "float16" and self.devices == ["cpu"]:
            raise ValueError("precision: float16 needs a GPU; write bfloat16 or float32")
        folder = ModelFolder(self.folder, self.kind, self.others)
        self.prepare(folder)
        model, random = folder.model(getattr(torch, self.precision), allow_pickle=self.allow_pickle)
        with folder.reading():
            used = self.adopt(model)
            self._replicas = {"cpu": used}
            self._lock = threading.Lock()
            example = self.example()
            if random:
                folder.refuse_random(model, random, lambda: self._features(used, [example]))
            with torch.inference_mode():
                tried = self._features(self._replica(self.devices[0]), [example])
            if not tried.isfinite().all():
                remedy = "" if self.precision == "float32" else "; write precision: float32"
                raise ValueError(f"its features are NaN or infinite in {self.precision}{remedy}")
        self._width = tried.shape[1]
        self._files = folder.digest()

    @property
    def width(self) -> int:
        return self._width

    @property
    def version(self) -> str:
        packages = f"transformers {transformers.__version__}, torch {torch.__version__}"
        return f"files {self._files}, {packages}"

    @property
    def devices(self) -> list[str]:
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        return [f"cuda:{number}" for number in range(count)] or ["cpu"]

    def compute(self, loaded: Sequence[Any], device: str = "cpu", threads: int = 1) -> np.ndarray:
        model = self._replica(device)
        with torch.inference_mode(), torch_threads(threads) if device == "cpu" else nullcontext():
            return self._features(model, loaded).numpy()

    @abstractmethod
    def prepare(self, folder: ModelFolder) -> None:
        """Load what prepares the input of the model, and check the options against it."""

    @abstractmethod
    def adopt(self, model: Any) -> Any:
        """The part of the model that is used. Check the options against it."""

    @abstractmethod
    def example(self) -> Loaded:
        """Some short input, to try the model."""

    @abstractmethod
    def encode(self, model: Any, parts: Sequence[Part]) -> torch.Tensor:
        """The vectors of B parts, (B, K, D)."""

    def pool(self, vectors: torch.Tensor) -> torch.Tensor:
        """One vector from the (K, D) vectors of an item."""
        pooling = self.pooling  # type: ignore[attr-defined]
        if pooling == "first":
            return vectors[0]
        if pooling == "last":
            return vectors[-1]
        mean = vectors.mean(0)
        if pooling == "mean_std":
            return torch.cat([mean, vectors.std(0, correction=0)])
        return mean

    def hidden_states(self, model: Any, **inputs: torch.Tensor) -> torch.Tensor:
        """The mean of the chosen layers of `model`, (B, T, D) float32."""
        output = model(**inputs, **({} if self.layers == [-1] else {"output_hidden_states": True}))
        if output.last_hidden_state.ndim != 3:
            raise ValueError("it returns no token vectors; for pictures, write token: model")
        if self.layers == [-1]:
            return output.last_hidden_state.float()
        # Some models return the last one without the normalisation that follows.
        states = [*output.hidden_states[:-1], output.last_hidden_state]
        count = len(states)
        for layer in self.layers:
            if not -count <= layer < count:
                raise self.option_error(
                    "layers", f"the model has no layer {layer}; write {-count} to {count - 1}"
                )
        chosen = [states[layer].float() for layer in self.layers]
        if len({one.shape for one in chosen}) > 1:
            raise self.option_error("layers", "these differ in width; choose a single one")
        return torch.stack(chosen).mean(0)

    def option_error(self, option: str, message: str) -> UserError:
        """An error about an option that does not suit the model."""
        return UserError(f"features.{self.modality}.options.{option}: {message}")

    def _features(self, model: Any, loaded: Sequence[Loaded]) -> torch.Tensor:
        """The features of N items, (N, D) on the CPU."""
        parts = [part for one in loaded for part in one.parts]
        vectors: dict[int, torch.Tensor] = {}
        for batch in self._batches(parts):
            encoded = self.encode(model, [parts[k] for k in batch]).float().cpu()
            vectors |= {k: one[parts[k].keep] for k, one in zip(batch, encoded, strict=True)}
        features, begin = [], 0
        for one in loaded:
            end = begin + len(one.parts)
            pooled = self.pool(torch.cat([vectors[k] for k in range(begin, end)]))
            features.append(torch.cat([pooled, pooled.new_tensor(one.extra)]))
            begin = end
        return torch.stack(features)

    def _batches(self, parts: Sequence[Part]) -> Iterator[list[int]]:
        """The indices of parts that the model reads at once, of similar or equal shape."""
        order = sorted(range(len(parts)), key=lambda k: parts[k].data.shape)
        equal = (list(group) for _, group in groupby(order, key=lambda k: parts[k].data.shape))
        for group in [order] if self.pads else equal:
            for begin in range(0, len(group), self.batch_size):
                yield group[begin : begin + self.batch_size]

    def _replica(self, device: str) -> Any:
        """The model on `device`, copied there when it is first asked for."""
        with self._lock:
            if device not in self._replicas:
                torch.backends.cudnn.allow_tf32 = False  # else convolutions round to 10 bits
                self._replicas[device] = copy.deepcopy(self._replicas["cpu"]).to(device)
            return self._replicas[device]
