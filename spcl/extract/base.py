"""What every extractor is: a class whose instances turn a batch of items into feature vectors."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from spcl.data.media import MediaReference


@dataclass(frozen=True)
class Item:
    """One utterance as an extractor sees it.

    Attributes
    ----------
    utterance_id
        Unique in the corpus.
    text
        The transcript, may be empty.
    audio, video
        Where its sound and its picture are, with the full path; None where there is no file.
    """

    utterance_id: str
    text: str = ""
    audio: MediaReference | None = None
    video: MediaReference | None = None


class UnusableError(Exception):
    """An item has no features in this modality. The message says why, in a few words."""


@dataclass(frozen=True)
class Extracted:
    """The features of a batch of B items.

    Attributes
    ----------
    features
        (B, D) float32; what stands in an unusable item's row does not matter.
    reasons
        B entries: None where the item was observed, else why it was not.
    columns
        What else is worth a column in the feature table, by name, (B,) each.
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
        """As in the config: the name of the file that defines the class."""
        return type(self).__module__.rpartition(".")[2]

    @property
    @abstractmethod
    def width(self) -> int:
        """D, the length of a feature vector."""

    @property
    @abstractmethod
    def version(self) -> str:
        """What decides the numbers beside the options: packages and weights."""

    @abstractmethod
    def __call__(self, items: Sequence[Item], threads: int = 1) -> Extracted:
        """Extract the features of `items`, with up to `threads` threads.

        The number of threads changes nothing but the time. An item without features costs its own
        row: it gets a reason, and no error is raised.
        """


class ItemExtractor(Extractor):
    """An extractor that takes one item at a time; the items of a batch share the threads."""

    @abstractmethod
    def one(self, item: Item) -> np.ndarray:
        """The item's features, (D,).

        Raises
        ------
        UnusableError
            There are none.
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
