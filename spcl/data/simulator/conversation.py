"""Who says something, and what they feel: the skeleton of a simulated dialogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from spcl.data.simulator.profiles import Profile

EVERY_EMOTION = 2
"""Utterances that each emotion has at least in every split of a corpus large enough."""

CANDIDATES = 32
"""Corpora that are drawn to keep the one nearest to its profile: a small one varies a lot."""


@dataclass(frozen=True)
class Shape:
    """How long a dialogue is and how many take part."""

    length: int
    n_speakers: int


@dataclass
class Turn:
    """One utterance to be: `speaker` is an index in the dialogue, `label` the corpus' code."""

    speaker: int
    label: str


def draw_shapes(profile: Profile, n: int, rng: np.random.Generator) -> list[Shape]:
    """Draw the shapes of `n` dialogues."""
    crowds = np.array(list(profile.speakers))
    weights = np.array(list(profile.speakers.values()))
    shapes = []
    for _ in range(n):
        single = rng.random() < profile.single_share
        length = 1 if single else int(rng.integers(profile.lengths[0], profile.lengths[1] + 1))
        shapes.append(Shape(length, int(rng.choice(crowds, p=weights / weights.sum()))))
    return shapes


def draw_dialogues(
    shapes: Sequence[Shape], profile: Profile, rng: np.random.Generator
) -> list[list[Turn]]:
    """Fill the shapes: the best of `CANDIDATES` by frequencies and shift rate."""
    candidates = [[_dialogue(shape, profile, rng) for shape in shapes] for _ in range(CANDIDATES)]
    return min(candidates, key=lambda dialogues: _distance(dialogues, profile))


def shift_rate(dialogues: Sequence[list[Turn]]) -> float:
    """Share of adjacent utterances whose emotions differ."""
    pairs = [pair for turns in dialogues for pair in pairwise(turns)]
    return sum(one.label != next_.label for one, next_ in pairs) / max(1, len(pairs))


def _dialogue(shape: Shape, profile: Profile, rng: np.random.Generator) -> list[Turn]:
    """Draw one dialogue.

    Emotions are a Markov chain that keeps the state or, with probability a, draws a new one by the
    corpus' frequencies p: then p is stationary and the shift rate is a (1 - sum p^2).
    """
    labels = list(profile.frequencies)
    p = np.array(list(profile.frequencies.values())) / sum(profile.frequencies.values())
    redraw = rng.random(shape.length) < profile.shift_rate / (1 - np.square(p).sum())
    fresh = rng.choice(len(labels), size=shape.length, p=p)
    change = rng.random(shape.length) < profile.turn_share
    step = rng.integers(1, max(2, shape.n_speakers), size=shape.length)

    label, speaker, heard = labels[fresh[0]], 0, 1
    turns = [Turn(speaker, label)]
    for position in range(1, shape.length):
        if redraw[position]:
            label = labels[fresh[position]]
        silent = shape.n_speakers - heard
        if silent and (change[position] or silent >= shape.length - position):
            speaker, heard = heard, heard + 1  # everybody speaks before anybody comes back
        elif change[position]:  # a step of 1 to n - 1 always ends at another speaker
            speaker = (speaker + int(step[position])) % shape.n_speakers
        turns.append(Turn(speaker, label))
    return turns


def _distance(dialogues: Sequence[list[Turn]], profile: Profile) -> float:
    """How far dialogues are from their profile: largest gap in a frequency or the shift rate."""
    total, target = sum(map(len, dialogues)), sum(profile.frequencies.values())
    gaps = [
        abs(_count(dialogues, label) / total - n / target)
        for label, n in profile.frequencies.items()
    ]
    return max(*gaps, abs(shift_rate(dialogues) - profile.shift_rate))


def lift_rare_emotions(
    dialogues: Sequence[list[Turn]], profile: Profile, rng: np.random.Generator
) -> None:
    """Give each emotion `EVERY_EMOTION` utterances, if the dialogues have enough to spare.

    The most common emotion gives way, where its neighbours differ from it: so no shift is made.
    """
    for label in profile.frequencies:
        while _count(dialogues, label) < EVERY_EMOTION:
            common = max(profile.frequencies, key=lambda other: _count(dialogues, other))
            if _count(dialogues, common) <= 2 * EVERY_EMOTION:
                return  # too small a corpus
            places = [
                (turns, position)
                for turns in dialogues
                for position, turn in enumerate(turns)
                if turn.label == common
            ]
            alone = [
                (turns, position)
                for turns, position in places
                if not {common, label} & {turn.label for turn in _neighbours(turns, position)}
            ]
            turns, position = (alone or places)[int(rng.integers(len(alone or places)))]
            turns[position].label = label


def lose_majorities(
    dialogues: Sequence[list[Turn]], profile: Profile, rng: np.random.Generator
) -> None:
    """Replace a share of the labels by the codes that annotators' disagreement leaves."""
    for turn in (turn for turns in dialogues for turn in turns):
        for code, share in profile.unlabelled.items():
            if rng.random() < share:
                turn.label = code


def _neighbours(turns: list[Turn], position: int) -> list[Turn]:
    return turns[max(0, position - 1) : position] + turns[position + 1 : position + 2]


def _count(dialogues: Sequence[list[Turn]], label: str) -> int:
    return sum(turn.label == label for turns in dialogues for turn in turns)
