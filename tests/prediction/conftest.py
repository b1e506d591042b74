"""A cell with models, and a conversation that needs no file from elsewhere."""

import wave

import numpy as np
import pytest

from tests.prediction.made_cell import train_for_real_extractors

SRT = """1
00:00:00,000 --> 00:00:01,500
Joey: You did what?

2
00:00:01,600 --> 00:00:02,900
Monica: I cooked it <i>again</i>.

3
00:00:03,000 --> 00:00:03,900
Joey: Great!
"""


@pytest.fixture(scope="session")
def cell(tmp_path_factory):
    """The folder of a cell of audio (logmel) and text (minilm), two seeds. Not to be changed."""
    folder = tmp_path_factory.mktemp("made") / "cell"
    train_for_real_extractors(folder)
    return folder


@pytest.fixture
def talk(tmp_path):
    """A recording of four seconds, and its transcript."""
    rng = np.random.default_rng(0)
    sound = (8000 * rng.normal(size=4 * 16000)).clip(-32000, 32000).astype("<i2")
    path = tmp_path / "talk.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(sound.tobytes())
    path.with_suffix(".srt").write_text(SRT)
    return path
