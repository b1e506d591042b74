"""The example extractor in `docs/extractors.md` works."""

import re
from pathlib import Path

import numpy as np
import pytest

from spcl.data.media import MediaReference
from spcl.extract import Item, names
from tests.extract.conftest import write_wav

PAGE = Path(__file__).parents[2].joinpath("docs", "extractors.md").read_text(encoding="utf-8")


def test_the_example_of_an_extractor_works(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    module = {"__name__": "spcl.extract.loudness"}
    exec(code, module)
    loudness = module["EXTRACTOR"](floor_db=-60.0)
    half = write_wav(tmp_path / "half.wav", np.tile(np.array([16384, -16384], np.int16), 800))
    silent = write_wav(tmp_path / "silent.wav", np.zeros(1600, np.int16))
    items = [Item("u", audio=MediaReference(str(path))) for path in (half, silent)]
    extracted = loudness([*items, Item("u")])
    assert loudness.name == "loudness"
    assert extracted.features[:2, 0] == pytest.approx([20 * np.log10(0.5), 0.0], abs=1e-3)
    assert extracted.reasons[0] is None
    assert [reason.kind for reason in extracted.reasons[1:]] == ["silent", "missing"]


@pytest.mark.parametrize("modality", ["a", "t", "v"])
def test_the_page_names_every_extractor(modality):
    for name in names(modality):
        assert f"| `{name}` |" in PAGE
