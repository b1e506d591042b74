"""Acoustic feature sets of openSMILE, including eGeMAPS.

F. Eyben et al., The Geneva Minimalistic Acoustic Parameter Set (GeMAPS) for voice research and
affective computing, IEEE Transactions on Affective Computing 7(2), 2016. The licence of openSMILE
allows research and teaching, but no commercial use; `spcl.extract.logmel` has no such restriction.
"""

import warnings
from dataclasses import dataclass
from typing import Literal

import av
import numpy as np
import opensmile

from spcl.extract.base import Item, ItemExtractor, UnusableError
from spcl.extract.decoding import RATE, sound


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
    LICENCE = "research only (openSMILE)"
    WIDTHS = "88, 1,582 or 6,373"

    feature_set: Literal["eGeMAPSv02", "IS10", "ComParE_2016"] = "eGeMAPSv02"

    def __post_init__(self) -> None:
        # Not in `one`: catching warnings is not thread-safe.
        warnings.filterwarnings("ignore", "Segment too short")
        self._smile = opensmile.Smile(
            opensmile.FeatureSet[self.feature_set], opensmile.FeatureLevel.Functionals
        )

    @property
    def width(self) -> int:
        return int(self._smile.num_features)

    @property
    def version(self) -> str:
        return f"opensmile {opensmile.__version__}, av {av.__version__}"

    def one(self, item: Item) -> np.ndarray:
        signal = sound(item)
        features = self._smile(signal, RATE).reshape(-1)
        if np.isnan(features).all():
            raise UnusableError(
                "short", f"{1000 * len(signal) / RATE:.0f} ms of sound are too short"
            )
        return features


EXTRACTOR = EGeMAPS
