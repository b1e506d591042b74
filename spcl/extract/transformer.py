"""Text encoders in a local folder. They do not access the network."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

os.environ["HF_HUB_OFFLINE"] = "1"  # read on import of transformers
os.environ["TOKENIZERS_PARALLELISM"] = "false"  # torch uses the threads

import numpy as np
import torch
import transformers
from torch.nn.functional import normalize
from transformers import AutoModel, AutoTokenizer

from spcl.extract.base import Extracted, Extractor, Item

_BATCH = 16


class SentenceEncoder:
    """A transformer with its tokenizer and a pooling of the token vectors.

    Parameters
    ----------
    folder
        Contains what `save_pretrained` of a model and of its tokenizer writes.
    pooling
        ``mean`` of the token vectors, or the ``first`` token vector.
    unit_length
        Divide each vector by its 2-norm.
    max_tokens
        Longer texts are truncated.

    Raises
    ------
    OSError, ValueError
        The folder does not contain a model.
    """

    def __init__(
        self,
        folder: Path,
        *,
        pooling: Literal["mean", "first"] = "mean",
        unit_length: bool = False,
        max_tokens: int = 128,
    ):
        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        self.pooling = pooling
        self.unit_length = unit_length
        self.max_tokens = max_tokens
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._model = AutoModel.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32
        ).eval()

    @property
    def width(self) -> int:
        """D, the length of a vector."""
        return int(self._model.config.hidden_size)

    @torch.inference_mode()
    def __call__(self, texts: Sequence[str], threads: int = 1) -> np.ndarray:
        """Encode B `texts` as (B, D) float32, with `threads` threads."""
        vectors = np.zeros((len(texts), self.width), np.float32)
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            by_length = sorted(range(len(texts)), key=lambda row: len(texts[row]))
            for begin in range(0, len(texts), _BATCH):
                rows = by_length[begin : begin + _BATCH]  # similar lengths need little padding
                vectors[rows] = self._encode([texts[row] for row in rows]).numpy()
        finally:
            torch.set_num_threads(before)
        return vectors

    def _encode(self, texts: list[str]) -> torch.Tensor:
        tokens = self._tokenizer(
            texts, padding=True, truncation=True, max_length=self.max_tokens, return_tensors="pt"
        )
        states = self._model(**tokens).last_hidden_state  # (B, T, D)
        if self.pooling == "first":
            pooled = states[:, 0]
        else:
            mask = tokens["attention_mask"][:, :, None].to(states.dtype)  # (B, T, 1)
            pooled = (states * mask).sum(1) / mask.sum(1)
        return normalize(pooled, dim=-1) if self.unit_length else pooled


class SentenceExtractor(Extractor):
    """A text extractor; a subclass sets `_encoder`."""

    _encoder: SentenceEncoder

    @property
    def width(self) -> int:
        return self._encoder.width

    @property
    def version(self) -> str:
        return f"transformers {transformers.__version__}, torch {torch.__version__}"

    def __call__(self, items: Sequence[Item], threads: int = 1) -> Extracted:
        texts = [item.text.strip() for item in items]
        features = self._encoder(texts, threads)
        return Extracted(features, [None if text else "the transcript is empty" for text in texts])
