"""A model in a local folder, as `save_pretrained` of transformers writes it.

Nothing is downloaded, and no code from the folder is executed.
"""

import hashlib
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"  # read on import of transformers
os.environ["TOKENIZERS_PARALLELISM"] = "false"  # torch uses the threads

import torch
import transformers
from transformers import MODEL_MAPPING, AutoConfig, AutoModel

from spcl.data.files.parsing import parsing
from spcl.errors import UserError, listed

_EXTRACTORS = {
    "text": ("t", "huggingface_text"),
    "audio": ("a", "huggingface_audio"),
    "image": ("v", "huggingface_image"),
    "video": ("v", "huggingface_video"),
}

transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()


class ModelFolder:
    """The files of a model of one kind.

    Parameters
    ----------
    folder
        Contains ``config.json``, the weights, and what prepares the input of the model.
    kind
        text, audio, image or video.
    others
        The other files in words, for messages.

    Raises
    ------
    UserError
        There is no such model, or it is of another kind. The message starts with the config key.
    """

    def __init__(self, folder: str, kind: str, others: str) -> None:
        self.path, self._others = Path(folder), others
        modality, extractor = _EXTRACTORS[kind]
        self._key = f"features.{modality}.options.folder"
        if not (self.path / "config.json").is_file():
            raise self.refusal("there is no model in the folder {}; {}")
        self.config = self.read(AutoConfig.from_pretrained)
        found = _kind(self.config)
        if found != kind:
            modality, extractor = _EXTRACTORS.get(found, (modality, ""))
            remedy = (
                f"write features.{modality}: {{extractor: {extractor}}}"
                if extractor
                else f"no extractor supports it; choose a model of {kind}"
            )
            model = f"the model in the folder {self.path} ({self.config.model_type}) is of {found}"
            raise UserError(f"{self._key}: {model}, not of {kind}; {remedy}")

    def refusal(self, message: str) -> UserError:
        """`message`, with the folder and the required files in place of two ``{}``."""
        files = f"put config.json, model.safetensors and {self._others} there"
        return UserError(f"{self._key}: {message.format(self.path, files)}")

    def require(self, *patterns: str) -> None:
        """Refuse the folder if it has no file that matches one of `patterns`."""
        if not any(any(self.path.glob(pattern)) for pattern in patterns):
            raise self.refusal(f"there is no {patterns[0]} in the folder {{}}; {{}}")

    def reading(self) -> AbstractContextManager[None]:
        """Replace all that transformers raises by a `UserError`."""
        return parsing(
            lambda why: UserError(
                f"{self._key}: the model in the folder {self.path} cannot be loaded ({why}); put"
                f" config.json, model.safetensors and {self._others} there"
            )
        )

    def read(self, from_pretrained: Callable[..., Any], **options: Any) -> Any:
        """Call a method of transformers for this folder, without network and code from it."""
        with self.reading():
            return from_pretrained(
                self.path, local_files_only=True, trust_remote_code=False, **options
            )

    def model(self, dtype: torch.dtype, *, allow_pickle: bool) -> tuple[Any, set[str]]:
        """The model for inference, and the names of its weights that have random values.

        These are missing in the files, or have another size there than ``config.json`` says.
        """
        safe = self._has_weights("model.safetensors")
        if not safe and not self._has_weights("pytorch_model.bin"):
            raise self.refusal("there are no weights in the folder {}; {}")
        if not safe and not allow_pickle:
            raise UserError(
                f"{self._key}: the weights in the folder {self.path} are a pickle"
                " (pytorch_model.bin), and loading a pickle can execute code in it; convert it:"
                " load it with transformers where you trust it and call"
                " save_pretrained(folder), which writes model.safetensors; or set allow_pickle:"
                " true if you trust who made it"
            )
        model, info = self.read(
            AutoModel.from_pretrained,
            dtype=dtype,
            use_safetensors=safe,
            weights_only=True,
            ignore_mismatched_sizes=True,  # refused by `refuse_random`, by name
            output_loading_info=True,
        )
        model.eval().requires_grad_(False)
        if hasattr(model.config, "use_cache"):
            model.config.use_cache = False  # for generation
        other_sizes = {name for name, *_ in info["mismatched_keys"]}
        return model, set(info["missing_keys"]) | other_sizes

    def refuse_random(
        self, model: torch.nn.Module, random: set[str], features: Callable[[], torch.Tensor]
    ) -> None:
        """Refuse weights with random values on which the features depend.

        A weight is used if the features have a gradient with respect to it. Poolers and heads that
        are not used may have random values.
        """
        weights = {name: one for name, one in model.named_parameters() if name in random}
        used = {
            name
            for name in random - weights.keys()
            if not name.endswith(("position_ids", "num_batches_tracked"))
        }
        for weight in weights.values():
            weight.requires_grad_(True)
        with torch.enable_grad():
            total = features().sum()
        if total.requires_grad:
            gradients = torch.autograd.grad(total, list(weights.values()), allow_unused=True)
            used |= {name for name, one in zip(weights, gradients, strict=True) if one is not None}
        model.requires_grad_(False)
        if used:
            raise UserError(
                f"{self._key}: the weights in the folder {self.path} are not complete or do not"
                f" belong to its config.json: {listed(sorted(used))} would be random; download the"
                " model again"
            )

    def digest(self) -> str:
        """Sixteen hexadecimal digits over the files in the folder, used as their version."""
        whole = hashlib.sha256()
        for path in sorted(path for path in self.path.iterdir() if path.is_file()):
            with path.open("rb") as file:
                whole.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
        return whole.hexdigest()[:16]

    def _has_weights(self, name: str) -> bool:
        """Whether there are weights in one file, or in several with an index."""
        return any((self.path / file).is_file() for file in (name, f"{name}.index.json"))


def _kind(config: Any) -> str:
    """text, audio, image or video; other kinds in words."""
    model = MODEL_MAPPING.get(type(config), None)
    inputs = getattr(model, "input_modalities", ())
    inputs = {inputs} if isinstance(inputs, str) else set(inputs)
    if inputs == {"image", "text"} and hasattr(model, "get_text_features"):  # CLIP and the like
        if hasattr(model, "get_video_features"):
            return "video"
        if hasattr(model, "get_image_features"):
            return "image"
    if inputs == {"audio", "text"} and config.is_encoder_decoder:
        return "audio"
    return " and ".join(sorted(inputs)) or "an unknown kind"
