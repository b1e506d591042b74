"""Statistics of a log-mel spectrogram, without the restrictions of openSMILE's licence.

The bands are triangular filters on O'Shaughnessy's mel scale (D. O'Shaughnessy, Speech
Communication: Human and Machine, 1987), as in S. Davis and P. Mermelstein, IEEE Transactions on
Acoustics, Speech, and Signal Processing 28(4), 1980.
"""

from dataclasses import dataclass

import av
import numpy as np

from spcl.extract.base import Item, ItemExtractor, UnusableError
from spcl.extract.decoding import RATE, sound

_WINDOW, _HOP, _FFT = 400, 160, 512  # samples: 25 ms, 10 ms
_FLOOR = 1e-10
"""Added to the energy of a band, so that the logarithm of silence is finite."""


@dataclass(kw_only=True)
class LogMel(ItemExtractor):
    """For each band: mean and deviation over time, and deviation of the change per time step.

    Parameters
    ----------
    bands
        The number of mel bands between 20 Hz and 8 kHz; each band has three features.
    """

    modality = "a"
    LICENCE = "MIT"
    WIDTHS = "3 x bands"

    bands: int = 40

    def __post_init__(self) -> None:
        if not 2 <= self.bands <= 80:
            raise ValueError(f"bands: {self.bands} is not allowed; write a number from 2 to 80")
        self._triangles = mel_bands(self.bands)
        self._taper = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)

    @property
    def width(self) -> int:
        return 3 * self.bands

    @property
    def version(self) -> str:
        return f"numpy {np.__version__}, av {av.__version__}"

    def one(self, item: Item) -> np.ndarray:
        signal = sound(item)
        if len(signal) < _WINDOW + _HOP:
            raise UnusableError(
                "short", f"{1000 * len(signal) / RATE:.0f} ms of sound are too short"
            )
        windows = np.lib.stride_tricks.sliding_window_view(signal, _WINDOW)[::_HOP]  # (T, window)
        power = np.abs(np.fft.rfft(windows * self._taper, _FFT)) ** 2  # (T, F)
        log_mel = np.log(power @ self._triangles + _FLOOR)  # (T, bands)
        change = np.diff(log_mel, axis=0)
        return np.concatenate([log_mel.mean(0), log_mel.std(0), change.std(0)])


def mel_bands(bands: int) -> np.ndarray:
    """Triangular filters from the bins of the spectrum to mel bands, (257, `bands`) float32.

    The filters range from 20 Hz to 8 kHz. Neighbours overlap by half, and each peak is 1. A band
    narrower than a bin uses the bin nearest to its centre.
    """
    low, high = 2595 * np.log10(1 + np.array([20.0, RATE / 2]) / 700)
    corners = 700 * (10 ** (np.linspace(low, high, bands + 2) / 2595) - 1)  # Hz
    hertz = np.fft.rfftfreq(_FFT, 1 / RATE)[:, None]  # (F, 1)
    left, middle, right = corners[:-2], corners[1:-1], corners[2:]
    rising, falling = (hertz - left) / (middle - left), (right - hertz) / (right - middle)
    triangles = np.clip(np.minimum(rising, falling), 0, None)
    empty = triangles.sum(0) == 0
    nearest = np.abs(hertz - middle).argmin(0)
    triangles[nearest[empty], np.flatnonzero(empty)] = 1
    return triangles.astype(np.float32)


EXTRACTOR = LogMel
