"""Simulated dialogues as a MELD.Raw tree."""

import csv
from itertools import islice
from pathlib import Path

import numpy as np

from spcl.data.simulator.conversation import (
    Shape,
    Turn,
    draw_dialogues,
    draw_shapes,
    lift_rare_emotions,
)
from spcl.data.simulator.face import FPS, frames
from spcl.data.simulator.media import write_mp4
from spcl.data.simulator.performance import Actor, draw_actor, perform
from spcl.data.simulator.profiles import MELD
from spcl.data.simulator.voice import SAMPLE_RATE

SHARES = {"train": 0.66, "dev": 0.14, "test": 0.20}
"""Of the dialogues. Dev has more than in MELD (0.08), for a few utterances choose no epoch."""

CLIPS = {
    "train": "train_splits",
    "dev": "dev_splits_complete",
    "test": "output_repeated_splits_test",
}
ENCODINGS = {"train": "utf-8", "dev": "cp1252", "test": "utf-8"}
"""Copies of MELD come in both; here the dev table walks the second path."""

APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"
"""In MELD's transcripts, and what the encodings differ in."""

CAST = (  # name, whether female; shared by the splits, as in a series
    ("Ada", True), ("Bruno", False), ("Carla", True), ("Dmitri", False), ("Edith", True),
    ("Felix", False), ("Greta", True), ("Hugo", False), ("Waiter", False), ("Nurse", True),
    ("The Landlord", False), ("Aunt Ines", True),
)  # fmt: skip

SENTIMENT = {"neutral": "neutral", "joy": "positive", "surprise": "positive"}
COLUMNS = ("Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID",
           "Utterance_ID", "Season", "Episode", "StartTime", "EndTime")  # fmt: skip

CROWD = 9
"""Speakers of MELD's fullest dialogue. A corpus of some size has one, and one soliloquy."""


def write(folder: Path, dialogues: int, rng: np.random.Generator) -> None:
    """Write `dialogues` dialogues, at least three, into the empty `folder`."""
    planned = plan(dialogues, rng)
    actors = {name: draw_actor(female, rng) for name, female in CAST}
    for split, part in planned.items():
        _write_split(folder, split, part, actors, rng)


def plan(dialogues: int, rng: np.random.Generator) -> dict[str, dict[int, list[Turn]]]:
    """Draw the dialogues, by split and Dialogue_ID: who speaks and what was annotated."""
    n_dev = max(1, round(SHARES["dev"] * dialogues))
    n_test = max(1, round(SHARES["test"] * dialogues))
    sizes = {"train": dialogues - n_dev - n_test, "dev": n_dev, "test": n_test}
    shapes = draw_shapes(MELD, dialogues, rng)
    if sizes["train"] >= 10:
        shapes[:2] = [Shape(MELD.lengths[1], CROWD), Shape(1, 1)]
    drawn = iter(draw_dialogues(shapes, MELD, rng))
    planned = {}
    for split, size in sizes.items():
        part = list(islice(drawn, size))
        lift_rare_emotions(part, MELD, rng)
        numbers = range(size)
        lost = size // 2 if split == "train" else size  # MELD's train has no dialogue 60
        planned[split] = {n + (n >= lost): turns for n, turns in zip(numbers, part, strict=True)}
    return planned


def _write_split(
    folder: Path,
    split: str,
    drawn: dict[int, list[Turn]],
    actors: dict[str, Actor],
    rng: np.random.Generator,
) -> None:
    """Write a split's table and clips; `drawn` are its dialogues by Dialogue_ID."""
    clips = folder / CLIPS[split]
    clips.mkdir()
    rows: list[tuple[object, ...]] = []
    for dialogue, turns in drawn.items():
        names = [str(name) for name in rng.permutation(list(actors))]
        season, episode = int(rng.integers(1, 11)), int(rng.integers(1, 25))
        clock, utterance = float(rng.integers(60, 1200)), 0
        for turn in turns:
            name, actor = names[turn.speaker], actors[names[turn.speaker]]
            said = perform(actor, turn.label, MELD, rng)
            seconds = len(said.sound) / SAMPLE_RATE
            pictures = frames(actor.face, said.expression, max(1, round(seconds * FPS)), True, rng)
            write_mp4(clips / f"dia{dialogue}_utt{utterance}.mp4", pictures, said.sound)
            text, sentiment = said.text.replace("'", APOSTROPHE), SENTIMENT.get(turn.label)
            rows.append((len(rows) + 1, text, name, turn.label, sentiment or "negative", dialogue,
                         utterance, season, episode, _stamp(clock),
                         _stamp(clock + seconds)))  # fmt: skip
            clock += seconds + float(rng.uniform(0.1, 0.5))
            utterance += 1 + int(rng.random() < 0.03)  # a number is skipped now and then
    table = folder / f"{split}_sent_emo.csv"
    with table.open("w", encoding=ENCODINGS[split], newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def _stamp(seconds: float) -> str:
    """``hh:mm:ss,mmm``"""
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d},{milliseconds:03d}"
