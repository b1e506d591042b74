"""Speech-like sound: a pulse train with a melody, filtered by changing vowels."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.signal import lfilter

from spcl.data.simulator.profiles import VOICE

SAMPLE_RATE = 16_000
"""Hz, as IEMOCAP's WAV files."""

VOWELS = np.array(  # first three formants, Hz: a rough circle of English vowels
    [(730, 1090, 2440), (530, 1840, 2480), (390, 1990, 2550), (570, 840, 2410), (440, 1020, 2240),
     (300, 870, 2240), (490, 1350, 1690), (640, 1190, 2390)], float,
)  # fmt: skip
BANDWIDTHS = (90.0, 110.0, 170.0)


@dataclass(frozen=True)
class Voice:
    """How somebody sounds; emotions are offsets to it.

    Attributes
    ----------
    pitch
        Mean F0, semitones above 100 Hz.
    melody
        Standard deviation of F0 over the syllables, semitones.
    slope
        F0 at the end minus F0 at the beginning, semitones.
    loudness
        dB relative to a calm voice.
    rate
        Syllables a second.
    breath
        Noise in the source relative to the pulses, 0 to 1.
    brightness
        Weight of the source's upper half: higher = flatter spectral tilt.
    roughness
        Standard deviation of F0 from one 10 ms to the next, semitones.
    """

    pitch: float
    melody: float = 1.5
    slope: float = -2.0
    loudness: float = 0.0
    rate: float = 4.5
    breath: float = 0.08
    brightness: float = 0.5
    roughness: float = 0.15


_PARAMETERS = tuple(Voice.__dataclass_fields__)
_SCALE = np.array([2.5, 0.7, 2.0, 4.0, 0.8, 0.08, 0.2, 0.2])
"""Typical offset of each parameter: the unit of the numbers below and of the noise."""

OFFSETS = {  # after the literature on vocal correlates of emotion (Scherer 2003)
    #              pitch melody slope loud  rate breath bright rough
    "neutral":     (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    "joy":         (1.0, 1.4, 1.2, 0.3, -0.2, 0.4, -0.4, -0.4),
    "excitement":  (2.2, 2.0, 0.5, 1.4, 1.5, 0.0, 0.8, 0.0),
    "sadness":     (-0.8, -1.0, -0.5, -1.6, -1.5, 1.5, -1.0, 0.3),
    "anger":       (0.7, 0.6, -1.0, 2.2, 0.8, -0.6, 2.0, 1.0),
    "frustration": (-0.4, 0.3, -1.2, 0.9, -0.5, 0.5, 0.9, 1.2),
    "surprise":    (1.6, 1.8, 2.5, 0.6, -0.5, 0.3, 0.2, 0.0),
    "fear":        (1.8, -0.5, 1.0, -0.6, 1.8, 1.6, 0.0, 1.5),
    "disgust":     (-1.3, 0.2, -0.3, 0.2, -1.3, 0.0, -0.3, 2.2),
}  # fmt: skip


def draw_voice(female: bool, rng: np.random.Generator) -> Voice:
    """Draw a speaker's own voice."""
    pitch = (12.0 if female else 3.0) + 1.2 * rng.standard_normal()
    return Voice(
        pitch=pitch,
        melody=1.5 * np.exp(0.1 * rng.standard_normal()),
        loudness=1.0 * rng.standard_normal(),
        rate=4.5 + 0.3 * rng.standard_normal(),
        breath=0.08 + 0.03 * rng.random(),
    )


def felt_voice(voice: Voice, shown: str, rng: np.random.Generator) -> Voice:
    """The voice in an emotion (a key of `OFFSETS`), with chance."""
    offsets = VOICE.strength * np.array(OFFSETS[shown])
    offsets += VOICE.noise * rng.standard_normal(len(offsets))
    values = np.array([getattr(voice, name) for name in _PARAMETERS]) + offsets * _SCALE
    lowest = np.array([-5.0, 0.2, -12.0, -15.0, 2.5, 0.0, 0.0, 0.0])
    highest = np.array([30.0, 6.0, 12.0, 15.0, 8.0, 0.5, 1.0, 1.2])
    return replace(voice, **dict(zip(_PARAMETERS, np.clip(values, lowest, highest), strict=True)))


def speak(
    voice: Voice, seconds: float, formant_scale: float, rng: np.random.Generator
) -> np.ndarray:
    """Let a voice say something.

    Parameters
    ----------
    voice
        Of the utterance.
    seconds
        Length.
    formant_scale
        Of the speaker's vocal tract, about 1 for a man, 1.15 for a woman.

    Returns
    -------
    (T,) float64
        At `SAMPLE_RATE`, within -1 and 1.
    """
    n = round(seconds * SAMPLE_RATE)
    time = np.arange(n) / SAMPLE_RATE
    n_syllables = max(2, round(seconds * voice.rate))
    bounds = np.linspace(0, n, n_syllables + 1).astype(int)
    centres = (bounds[:-1] + bounds[1:]) / 2 / SAMPLE_RATE

    targets = voice.melody * rng.standard_normal(n_syllables)
    semitones = voice.pitch + voice.slope * (time / seconds - 0.5)
    semitones += np.interp(time, centres, targets)
    ticks = np.arange(0, seconds + 0.01, 0.01)
    semitones += np.interp(time, ticks, voice.roughness * rng.standard_normal(len(ticks)))
    phase = np.cumsum(100.0 * 2 ** (semitones / 12) / SAMPLE_RATE) % 1.0

    pulse = np.where(phase < 0.6, np.sin(np.pi * phase / 0.6) ** 2, 0.0)
    edge = np.diff(pulse, prepend=0.0) * 6.0  # the derivative is flatter: more upper harmonics
    source = (1 - voice.brightness) * (pulse - pulse.mean()) + voice.brightness * edge
    source += voice.breath * rng.standard_normal(n)

    sound = np.empty(n)
    states = [np.zeros(2) for _ in BANDWIDTHS]
    for first, last in pairwise(bounds):
        formants = formant_scale * VOWELS[rng.integers(len(VOWELS))] * rng.normal(1, 0.02, 3)
        part = source[first:last]
        for k, (formant, bandwidth) in enumerate(zip(formants, BANDWIDTHS, strict=True)):
            radius = np.exp(-np.pi * bandwidth / SAMPLE_RATE)
            a = [1.0, -2 * radius * np.cos(2 * np.pi * formant / SAMPLE_RATE), radius**2]
            part, states[k] = lfilter([sum(a)], a, part, zi=states[k])
        sound[first:last] = part

    inside = np.interp(time, bounds / SAMPLE_RATE, np.arange(n_syllables + 1)) % 1.0
    stress = np.interp(time, centres, rng.uniform(0.6, 1.0, n_syllables))
    sound *= stress * (0.15 + 0.85 * np.sin(np.pi * inside) ** 0.7)
    sound *= 0.05 * 10 ** (voice.loudness / 20) / (np.sqrt(np.mean(sound**2)) + 1e-9)
    sound += 0.0008 * rng.standard_normal(n)  # the room
    return np.clip(sound, -1.0, 1.0)
