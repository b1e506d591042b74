"""The base classes of extractors, which turn a batch of items into feature vectors."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from spcl.data.media import MediaReference


@dataclass(frozen=True)
class Item:
    """The input of an extractor: one utterance.

    Attributes
    ----------
    utterance_id
        Unique in the corpus.
    text
        The transcript, may be empty.
    audio, video
        Its audio and its video, with the full path; None if there is no file.
    """

    utterance_id: str
    text: str = ""
    audio: MediaReference | None = None
    video: MediaReference | None = None


class UnusableError(Exception):
    """An item has no features in this modality. The message gives the reason in a few words."""


@dataclass(frozen=True)
class Extracted:
    """The features of a batch of B items.

    Attributes
    ----------
    features
        (B, D) float32; the values for an item without features are not used.
    reasons
        B entries: None if the item has features, else the reason why it has none.
    columns
        Further columns of the feature table, by name, (B,) each.
    """

    features: np.ndarray
    reasons: list[str | None]
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)


class Extractor(ABC):
    """Features of one modality. A subclass is a dataclass whose fields are its options."""

    modality: ClassVar[str]
    """a, t or v."""

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

    @abstractmethod
    def __call__(self, items: Sequence[Item], threads: int = 1) -> Extracted:
        """Extract the features of `items`, with up to `threads` threads.

        The number of threads does not change the features. An item without features gets a reason;
        no error is raised.
        """


class ItemExtractor(Extractor):
    """An extractor for one item at a time; the items of a batch are distributed to threads."""

    @abstractmethod
    def one(self, item: Item) -> np.ndarray:
        """The item's features, (D,).

        Raises
        ------
        UnusableError
            The item has no features.
        """

    def __call__(self, items: Sequence[Item], threads: int = 1) -> Extracted:
        with ThreadPoolExecutor(threads) as pool:
            results = list(pool.map(self._one_or_reason, items))
        features = np.zeros((len(items), self.width), np.float32)
        reasons: list[str | None] = [None] * len(items)
        for row, result in enumerate(results):
            if isinstance(result, str):
                reasons[row] = result
            else:
                features[row] = result
        return Extracted(features, reasons)

    def _one_or_reason(self, item: Item) -> np.ndarray | str:
        try:
            return self.one(item)
        except UnusableError as reason:
            return str(reason)
