"""Extractors: features of text, sound and picture from the raw media of a corpus.

One extractor a file; the file's name is the extractor's name in the config::

    egemaps = extractor("a", "egemaps", {"feature_set": "IS10"})
    extracted = egemaps(items)          # extracted.features: (B, 1582)

`spcl.extract.run.extract` does this for a whole corpus. To add an extractor, put a file here whose
class says ``modality = "a"``, ``"t"`` or ``"v"`` and that ends in ``EXTRACTOR = <the class>``.
"""

from spcl.extract.base import Extracted, Extractor, Item, ItemExtractor, UnusableError
from spcl.extract.choose import extractor, names

__all__ = ["Extracted", "Extractor", "Item", "ItemExtractor", "UnusableError", "extractor", "names"]
