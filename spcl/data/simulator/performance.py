"""An actor says one utterance: words, voice and face, each showing the feeling or not."""

from dataclasses import dataclass

import numpy as np

from spcl.data.simulator.face import Face, draw_face, felt_expression
from spcl.data.simulator.profiles import FACE, FEELING, VOICE, WORDS, Expression, Profile
from spcl.data.simulator.voice import Voice, draw_voice, felt_voice, speak
from spcl.data.simulator.wording import sentence

SECONDS = (0.8, 2.0)
"""Shortest and longest utterance: shorter than people's, for extraction takes its time."""


@dataclass(frozen=True)
class Actor:
    """Somebody's voice and looks; `tract` scales the formants."""

    voice: Voice
    tract: float
    face: Face


@dataclass(frozen=True)
class Performance:
    """One utterance: its transcript, its sound (T,) and what the face does (6,)."""

    text: str
    sound: np.ndarray
    expression: np.ndarray


def draw_actor(female: bool, rng: np.random.Generator) -> Actor:
    """Draw a person."""
    tract = (1.15 if female else 1.0) * rng.normal(1, 0.02)
    return Actor(draw_voice(female, rng), tract, draw_face(female, rng))


def perform(actor: Actor, label: str, profile: Profile, rng: np.random.Generator) -> Performance:
    """Let `actor` say something while feeling what the corpus calls `label`.

    Words, voice and face decide independently whether they show it, so that each knows something
    that the others do not.
    """
    feeling = FEELING[label]
    text = sentence(_shown(WORDS, feeling, profile, rng), rng)
    seconds = float(np.clip(0.3 + 0.04 * len(text) + 0.2 * rng.standard_normal(), *SECONDS))
    voice = felt_voice(actor.voice, _shown(VOICE, feeling, profile, rng) or "neutral", rng)
    face = felt_expression(_shown(FACE, feeling, profile, rng) or "neutral", rng)
    return Performance(text, speak(voice, seconds, actor.tract, rng), face)


def _shown(
    expression: Expression, feeling: str, profile: Profile, rng: np.random.Generator
) -> str | None:
    """What comes across: the feeling, nothing at all, or by mistake another feeling."""
    fate = rng.random()
    if fate < expression.shown:
        return feeling
    if fate < (1 + expression.shown) / 2:
        return None
    weights = np.array(list(profile.frequencies.values()), float)
    other = rng.choice(len(weights), p=weights / weights.sum())
    return FEELING[list(profile.frequencies)[other]]
