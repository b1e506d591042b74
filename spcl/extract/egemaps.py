"""Acoustic feature sets of openSMILE, including eGeMAPS.

F. Eyben et al., The Geneva Minimalistic Acoustic Parameter Set (GeMAPS) for voice research and
affective computing, IEEE Transactions on Affective Computing 7(2), 2016. The licence of openSMILE
allows research and teaching, but no commercial use; `spcl.extract.logmel` has no such restriction.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import av
import numpy as np
import opensmile

from spcl.extract.base import Extracted, Item, ItemExtractor, UnusableError
from spcl.extract.media import RATE, sound


@dataclass(kw_only=True)
class EGeMAPS(ItemExtractor):
    """Statistics of pitch, loudness, voice quality and spectrum over an utterance.

    Parameters
    ----------
    feature_set
        ``eGeMAPSv02`` (88 features), ``IS10`` (1,582; what MMGCN and its successors used) or
        ``ComParE_2016`` (6,373).
    """

    modality = "a"

    feature_set: Literal["eGeMAPSv02", "IS10", "ComParE_2016"] = "eGeMAPSv02"

    def __post_init__(self) -> None:
        self._smile = opensmile.Smile(
            opensmile.FeatureSet[self.feature_set], opensmile.FeatureLevel.Functionals
        )

    @property
    def width(self) -> int:
        return int(self._smile.num_features)

    @property
    def version(self) -> str:
        return f"opensmile {opensmile.__version__}, av {av.__version__}"

    def __call__(self, items: Sequence[Item], threads: int = 1) -> Extracted:
        with warnings.catch_warnings():  # not thread-safe, so not in `one`
            warnings.filterwarnings("ignore", "Segment too short")
            return super().__call__(items, threads)

    def one(self, item: Item) -> np.ndarray:
        if item.audio is None:
            raise UnusableError("there is no sound file")
        signal = sound(item.audio)
        features = self._smile(signal, RATE).reshape(-1)
        if np.isnan(features).all():
            raise UnusableError(f"{1000 * len(signal) / RATE:.0f} ms of sound are too short")
        return features


EXTRACTOR = EGeMAPS
