"""The base class of text extractors that use a transformer in a local folder."""

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


class TextTransformer(Extractor):
    """Pooled token vectors of the last layer of a transformer. A subclass calls `load`.

    The model and its tokenizer are read from a folder, without network access.
    """

    def load(
        self,
        folder: Path,
        *,
        pooling: Literal["mean", "first"] = "mean",
        unit_length: bool = False,
        max_tokens: int = 128,
    ) -> None:
        """Load what `save_pretrained` of a model and of its tokenizer writes.

        The parameters are those of `spcl.extract.huggingface_text.HuggingFaceText`.

        Raises
        ------
        OSError, ValueError
            The folder does not contain a model.
        """
        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        self._pooling, self._unit_length, self._max_tokens = pooling, unit_length, max_tokens
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._model = AutoModel.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32
        ).eval()

    @property
    def width(self) -> int:
        return int(self._model.config.hidden_size)

    @property
    def version(self) -> str:
        return f"transformers {transformers.__version__}, torch {torch.__version__}"

    @torch.inference_mode()
    def __call__(self, items: Sequence[Item], threads: int = 1) -> Extracted:
        texts = [item.text.strip() for item in items]
        features = np.zeros((len(texts), self.width), np.float32)
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            by_length = sorted(range(len(texts)), key=lambda row: len(texts[row]))
            for begin in range(0, len(texts), _BATCH):
                rows = by_length[begin : begin + _BATCH]  # similar lengths need little padding
                features[rows] = self._encode([texts[row] for row in rows]).numpy()
        finally:
            torch.set_num_threads(before)
        return Extracted(features, [None if text else "the transcript is empty" for text in texts])

    def _encode(self, texts: list[str]) -> torch.Tensor:
        tokens = self._tokenizer(
            texts, padding=True, truncation=True, max_length=self._max_tokens, return_tensors="pt"
        )
        states = self._model(**tokens).last_hidden_state  # (B, T, D)
        if self._pooling == "first":
            pooled = states[:, 0]
        else:
            mask = tokens["attention_mask"][:, :, None].to(states.dtype)  # (B, T, 1)
            pooled = (states * mask).sum(1) / mask.sum(1)
        return normalize(pooled, dim=-1) if self._unit_length else pooled
