"""The base classes of extractors, which turn items into feature vectors."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from spcl.data.files.parsing import first_line
from spcl.data.media import MediaReference
from spcl.data.problems import KINDS

logger = logging.getLogger("spcl.extract")


@dataclass(frozen=True)
class Reason:
    """Why an item has no features, or a note about one that has some.

    Attributes
    ----------
    kind
        One of `spcl.data.problems.KINDS`.
    text
        The same in words, with details.
    """

    kind: str
    text: str

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"'{self.kind}' is no kind of problem; choose from KINDS")


class UnusableError(Exception):
    """An item has no features in this modality: `UnusableError(kind, text)`, see `Reason`."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.reason = Reason(kind, text)


@dataclass(frozen=True)
class Item:
    """The input of an extractor: an utterance, or any text or file.

    Attributes
    ----------
    name
        Unique among the items.
    text
        The transcript, may be empty.
    speaker
        Of the transcript.
    context
        The utterances before this one in its dialogue, (speaker, text) each, oldest first; as many
        as the extractor asks for.
    audio, video
        Its audio and its video, with the full path; None if there is no file.
    annotated_s, longest_s
        The annotated length, and the longest that a file of its own may be, in seconds; None if
        unknown.
    notes
        What a decoder noticed about an item that it could use.
    """

    name: str
    text: str = ""
    speaker: str = ""
    context: tuple[tuple[str, str], ...] = ()
    audio: MediaReference | None = None
    video: MediaReference | None = None
    annotated_s: float | None = None
    longest_s: float | None = None
    notes: list[Reason] = field(default_factory=list, compare=False)

    def with_medium(self, modality: str, reference: MediaReference) -> "Item":
        """This item with its audio (a) or its video (v)."""
        if modality == "a":
            return replace(self, audio=reference)
        return replace(self, video=reference)


@dataclass(frozen=True)
class Extracted:
    """The features of B items.

    Attributes
    ----------
    features
        (B, D) float32, 0 for an item without features.
    reasons
        B entries: None if the item has features, else the reason why it has none.
    columns
        Further columns of the feature table, by name, (B,) each.
    """

    features: np.ndarray
    reasons: list[Reason | None]
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)


class Extractor(ABC):
    """Features of one modality. A subclass is a dataclass whose fields are its options.

    `load` and `compute` divide the work: while `compute` runs on a batch, `load` runs on the next
    items in other threads.
    """

    modality: ClassVar[str]
    """a, t or v."""
    LICENCE: ClassVar[str]
    """Of the weights or of the library, and what it forbids if anything."""
    WIDTHS: ClassVar[str]
    """The possible numbers of features, in words."""

    context: int = 0
    """The number of preceding utterances that an item needs."""

    @property
    def name(self) -> str:
        """The name in the config: that of the file that defines the class."""
        return type(self).__module__.rpartition(".")[2]

    @property
    @abstractmethod
    def width(self) -> int:
        """D, the length of a feature vector."""

    @property
    @abstractmethod
    def version(self) -> str:
        """The versions of packages and weights, which determine the features with the options."""

    @property
    def devices(self) -> list[str]:
        """The devices that can run `compute` at the same time, as torch names them."""
        return ["cpu"]

    @abstractmethod
    def load(self, item: Item) -> Any:
        """Decode an item. Called in several threads at once.

        Raises
        ------
        UnusableError
            The item has no features. Other errors become reasons, too.
        """

    @abstractmethod
    def compute(self, loaded: Sequence[Any], device: str = "cpu", threads: int = 1) -> np.ndarray:
        """The features of what `load` returned, (B, D).

        Neither the batch nor the number of threads changes them by more than 1e-5.
        """

    def columns(self, features: np.ndarray) -> Mapping[str, np.ndarray]:
        """Further columns of the feature table, by name, (B,) each, from `features` (B, D)."""
        return {}

    def __call__(self, items: Sequence[Item], threads: int = 1) -> Extracted:
        """Load and compute `items`, with up to `threads` threads."""
        with ThreadPoolExecutor(threads) as pool:
            loaded = list(pool.map(self.load_or_reason, items))
        return self.finish(items, loaded, self.devices[0], threads)

    def load_or_reason(self, item: Item) -> Any:
        """What `load` returns, or the `Reason` why it fails. A defect costs its own item only."""
        try:
            return self.load(item)
        except Exception as error:
            return _reason(error, item)

    def finish(
        self, items: Sequence[Item], loaded: Sequence[Any], device: str = "cpu", threads: int = 1
    ) -> Extracted:
        """The features of `items` from what `load_or_reason` returned for each."""
        reasons = [one if isinstance(one, Reason) else None for one in loaded]
        rows = [row for row, reason in enumerate(reasons) if reason is None]
        batch = [items[row] for row in rows], [loaded[row] for row in rows]
        features = np.zeros((len(items), self.width), np.float32)
        for row, vector in zip(rows, self._computed(*batch, device, threads), strict=True):
            if isinstance(vector, Reason):
                reasons[row] = vector
            elif vector.shape != (self.width,):
                raise ValueError(
                    f"{self.name}: expected {self.width} features, found {vector.shape}"
                )
            elif not np.isfinite(vector).all():
                reasons[row] = Reason("not_finite", "the features are NaN or infinite")
            else:
                features[row] = vector
        return Extracted(features, reasons, self.columns(features))

    def _computed(
        self, items: Sequence[Item], loaded: Sequence[Any], device: str, threads: int
    ) -> list[Any]:
        """A vector or a `Reason` for each item. If a batch fails, its halves are tried."""
        if not items:
            return []
        try:
            return list(self.compute(loaded, device, threads))
        except Exception as error:
            if len(items) == 1:
                return [_reason(error, items[0])]
        half = len(items) // 2
        return [
            *self._computed(items[:half], loaded[:half], device, threads),
            *self._computed(items[half:], loaded[half:], device, threads),
        ]


class ItemExtractor(Extractor):
    """An extractor for one item at a time, which several threads run on different items."""

    @abstractmethod
    def one(self, item: Item) -> np.ndarray:
        """The item's features, (D,).

        Raises
        ------
        UnusableError
            The item has no features.
        """

    def load(self, item: Item) -> np.ndarray:
        return self.one(item)

    def compute(self, loaded: Sequence[Any], device: str = "cpu", threads: int = 1) -> np.ndarray:
        return np.stack(loaded)


def _reason(error: Exception, item: Item) -> Reason:
    if isinstance(error, UnusableError):
        return error.reason
    logger.info("%s: %s: %s", item.name, type(error).__name__, error)
    return Reason("failed", f"{type(error).__name__}: {first_line(error)}")
