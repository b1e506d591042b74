"""A Hugging Face text model in a local folder, for example RoBERTa-large."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch.nn.functional import normalize
from transformers import AutoTokenizer

from spcl.extract.base import Item, UnusableError
from spcl.extract.model_folder import ModelFolder
from spcl.extract.pretrained import Loaded, Part, Pretrained

_VOCABULARIES = ("tokenizer.json", "vocab.*", "*.model", "*.spm", "*.tiktoken", "tekken.json")


@dataclass(kw_only=True)
class HuggingFaceText(Pretrained):
    """Pooled token vectors; the number of features is that of the model.

    An encoder or a decoder is used as a whole. Of a model with both, such as T5 or BART, the
    encoder is used.

    Parameters
    ----------
    pooling
        ``mean`` of the token vectors, the ``first`` or the ``last`` token vector. Special tokens
        are included if `context` is 0. For a decoder, such as GPT-2 or Qwen2, use the last.
    unit_length
        Divide each vector by its 2-norm.
    max_tokens
        Longer texts are truncated.
    context
        The number of preceding utterances that the model reads, too. Each of them is written
        ``speaker: text`` on a line of its own, and so is the utterance. Pooling is over the tokens
        of the utterance's text only. If all this is longer than `max_tokens`, the oldest tokens of
        the context are left out, then the end of the utterance.
    """

    modality = "t"
    kind = "text"
    others = "the tokenizer files"
    pads = True
    LICENCE = "that of the model"
    WIDTHS = "that of the model"

    pooling: Literal["mean", "first", "last"] = "mean"
    unit_length: bool = False
    max_tokens: int = 128
    context: int = 0

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens: {self.max_tokens} is not allowed; write 1 or more")
        if self.context < 0:
            raise ValueError(f"context: {self.context} is not allowed; write 0 or more")
        self._tokenizing = threading.Lock()  # a tokenizer must not be shared between threads
        super().__post_init__()

    def prepare(self, folder: ModelFolder) -> None:
        self._tokenizer = folder.read(AutoTokenizer.from_pretrained)
        if self._tokenizer.vocab_files_names:  # not for bytes
            folder.require(*_VOCABULARIES)
        if self.context and not self._tokenizer.is_fast:
            raise self.option_error(
                "context",
                "the tokenizer of the model does not tell where its tokens are in the text; write"
                " 0, or add tokenizer.json to the folder",
            )

    def adopt(self, model: Any) -> Any:
        used = model.get_encoder() if model.config.is_encoder_decoder else model
        longest = _positions(used)
        if longest and self.max_tokens > longest:
            raise self.option_error(
                "max_tokens",
                f"{self.max_tokens} is more than the model can read; write {longest} or less",
            )
        size = used.get_input_embeddings().num_embeddings
        if self._tokenizer.vocab_size > size:
            raise ValueError(
                f"the tokenizer has {self._tokenizer.vocab_size} tokens and the model {size}"
            )
        padding = self._tokenizer.pad_token_id  # many decoders have none
        self._padding = padding if padding is not None and padding < size else 0
        return used

    def example(self) -> Loaded:
        return self.load(Item("", text="I am so glad!"))

    def load(self, item: Item) -> Loaded:
        text = item.text.strip()
        if not text:
            raise UnusableError("empty", "the transcript is empty")
        if not self.context:
            return Loaded([self._part("", "", text)])
        history = "".join(
            f"{speaker}: {words.strip()}\n" for speaker, words in item.context[-self.context :]
        )
        return Loaded([self._part(history, f"{item.speaker}: " if item.speaker else "", text)])

    def encode(self, model: Any, parts: Sequence[Part]) -> torch.Tensor:
        lengths = [len(part.data) for part in parts]
        ids = torch.full((len(parts), max(lengths)), self._padding)  # (B, T)
        for row, part in zip(ids, parts, strict=True):
            row[: len(part.data)] = torch.from_numpy(part.data)
        mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
        return self.hidden_states(
            model,
            input_ids=ids.to(model.device),
            attention_mask=mask.long().to(model.device),
        )

    def pool(self, vectors: torch.Tensor) -> torch.Tensor:
        pooled = super().pool(vectors)
        return normalize(pooled, dim=-1) if self.unit_length else pooled

    def _part(self, history: str, speaker: str, text: str) -> Part:
        """The token numbers of ``history + speaker + text``, and where those of the text are."""
        with self._tokenizing:
            tokens = self._tokenizer(
                history + speaker + text,
                return_special_tokens_mask=True,
                return_offsets_mapping=bool(self.context),
            )
        ids = np.array(tokens["input_ids"], np.int64)
        special = np.array(tokens["special_tokens_mask"], bool)
        plain = np.flatnonzero(~special)
        if not len(plain):
            raise UnusableError("empty", "the transcript has no tokens")
        room = max(self.max_tokens - int(special.sum()), 0)
        old = own = 0
        if self.context:
            ends = np.array(tokens["offset_mapping"])[plain, 1]  # in characters
            old, own = (int((ends <= len(before)).sum()) for before in (history, history + speaker))
        begin = min(old, max(len(plain) - room, 0))
        kept = plain[begin : begin + room]
        positions = np.sort(np.concatenate([np.flatnonzero(special), kept]))
        if not self.context:
            return Part(ids[positions], slice(0, len(positions)))
        mine = np.flatnonzero(np.isin(positions, plain[own : begin + room]))
        if not len(mine):
            raise UnusableError("empty", "no token of the transcript is within max_tokens")
        return Part(ids[positions], slice(int(mine[0]), int(mine[-1]) + 1))


def _positions(model: Any) -> int | None:
    """The longest sequence that the model has positions for; None if there is no limit."""
    longest = getattr(model.config, "max_position_embeddings", None)
    for name, module in model.named_modules():
        if (
            name.endswith("position_embeddings")
            and getattr(module, "padding_idx", None) is not None
        ):
            longest = module.num_embeddings - module.padding_idx - 1  # RoBERTa counts from there
    return longest if longest and longest > 0 else None


EXTRACTOR = HuggingFaceText
