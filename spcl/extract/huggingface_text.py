"""A Hugging Face text encoder in a local folder, for example RoBERTa-large."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from spcl.data.files.parsing import parsing
from spcl.errors import UserError
from spcl.extract.transformer import TextTransformer


@dataclass(kw_only=True)
class HuggingFaceText(TextTransformer):
    """Pooled token vectors of the last layer; the number of features is that of the model.

    Parameters
    ----------
    folder
        Contains ``config.json``, the weights as ``model.safetensors``, and the tokenizer files.
    pooling
        ``mean`` of the token vectors, or the ``first`` token vector.
    unit_length
        Divide each vector by its 2-norm.
    max_tokens
        Longer texts are truncated.
    """

    modality = "t"

    folder: str
    pooling: Literal["mean", "first"] = "mean"
    unit_length: bool = False
    max_tokens: int = 128

    def __post_init__(self) -> None:
        key, folder = "features.t.options.folder", Path(self.folder)
        if not (folder / "config.json").is_file():
            raise UserError(
                f"{key}: there is no model in the folder {self.folder}; put config.json,"
                " model.safetensors and the tokenizer files there"
            )
        with parsing(
            lambda why: UserError(
                f"{key}: the model in the folder {self.folder} cannot be loaded ({why}); put"
                " config.json, model.safetensors and the tokenizer files there"
            )
        ):
            self.load(
                folder,
                pooling=self.pooling,
                unit_length=self.unit_length,
                max_tokens=self.max_tokens,
            )
        self._files = _digest(folder)

    @property
    def version(self) -> str:
        return f"files {self._files}, {super().version}"


def _digest(folder: Path) -> str:
    """Sixteen hexadecimal digits over the files in `folder`, used as its version."""
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        with path.open("rb") as file:
            whole.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()[:16]


EXTRACTOR = HuggingFaceText
