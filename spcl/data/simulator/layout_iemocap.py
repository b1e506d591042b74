"""Simulated dialogues as an IEMOCAP_full_release tree."""

from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path

import numpy as np

from spcl.data.formats.iemocap import LEFT, SESSIONS, division, speaker_region
from spcl.data.simulator.conversation import (
    Turn,
    draw_dialogues,
    draw_shapes,
    lift_rare_emotions,
    lose_majorities,
)
from spcl.data.simulator.face import FPS, felt_expression, frames
from spcl.data.simulator.media import write_avi, write_wav
from spcl.data.simulator.performance import Actor, draw_actor, perform
from spcl.data.simulator.profiles import FEELING, IEMOCAP
from spcl.data.simulator.voice import SAMPLE_RATE
from spcl.tables.schemas import SPLITS

SCENES = tuple(
    f"{marked}_{scene}"
    for scene in ("impro01", "script01_1", "impro02", "script01_2", "impro03", "script01_3",
                  "impro04", "script02_1", "impro05", "script02_2", "impro06", "script03_1",
                  "impro07", "script03_2", "impro08")
    for marked in "FM"
)  # fmt: skip
"""What a session can hold, each once with the woman and once with the man wearing markers."""

LAUGHING_SCENE = "impro01"
"""Where the first happy or excited utterance is nothing but laughter."""
TAIL_S = 0.5
"""Recording after the last word, seconds."""
ANNOTATORS = ("C-E1", "C-E2", "C-E4")


@dataclass(frozen=True)
class Line:
    """One utterance of a dialogue: its id, when, what was annotated, what was said and filmed."""

    utterance_id: str
    start_s: float
    end_s: float
    label: str
    text: str
    sound: np.ndarray
    expression: np.ndarray


def write(folder: Path, dialogues: int, rng: np.random.Generator) -> None:
    """Write `dialogues` dialogues, at least one a session, into the empty `folder`."""
    planned = plan(dialogues, rng)
    for session in SESSIONS:
        base = folder / f"Session{session}"
        for part in ("dialog/EmoEvaluation", "dialog/transcriptions", "dialog/avi/DivX"):
            (base / part).mkdir(parents=True)
        actors = {"F": draw_actor(True, rng), "M": draw_actor(False, rng)}
        for name, turns in planned.items():
            if name.startswith(f"Ses{session:02d}"):
                _write_dialogue(base, name, _act(name, turns, actors, rng), actors, rng)


def plan(dialogues: int, rng: np.random.Generator) -> dict[str, list[Turn]]:
    """Draw the dialogues, by name: who speaks and what was annotated."""
    splits: dict[str, str] = {}
    for session in SESSIONS:
        n = dialogues // len(SESSIONS) + (session <= dialogues % len(SESSIONS))
        splits |= division(session, [f"Ses{session:02d}{scene}" for scene in SCENES[:n]])
    drawn = draw_dialogues(draw_shapes(IEMOCAP, dialogues, rng), IEMOCAP, rng)
    lose_majorities(drawn, IEMOCAP, rng)
    planned = dict(zip(splits, drawn, strict=True))
    for split in SPLITS:
        part = [turns for name, turns in planned.items() if splits[name] == split]
        lift_rare_emotions(part, IEMOCAP, rng)
    return planned


def _act(
    dialogue_id: str, turns: list[Turn], actors: dict[str, Actor], rng: np.random.Generator
) -> list[Line]:
    """Perform a dialogue, one utterance after the other with short pauses."""
    letters = rng.permutation(list(actors))
    counts = dict.fromkeys(actors, 0)
    clock = float(rng.uniform(0.3, 1.0))
    laugh_due = LAUGHING_SCENE in dialogue_id
    lines = []
    for turn in turns:
        letter = str(letters[turn.speaker])
        said = perform(actors[letter], turn.label, IEMOCAP, rng)
        laughs = laugh_due and turn.label in ("hap", "exc")
        laugh_due = laugh_due and not laughs
        seconds = len(said.sound) / SAMPLE_RATE
        lines.append(
            Line(
                utterance_id=f"{dialogue_id}_{letter}{counts[letter]:03d}",
                start_s=clock,
                end_s=clock + seconds,
                label=turn.label,
                text="[LAUGHTER]" if laughs else said.text,
                sound=said.sound,
                expression=said.expression,
            )
        )
        counts[letter] += 1 + int(rng.random() < 0.05)  # a number is skipped now and then
        clock += seconds + float(rng.uniform(0.1, 0.4))
    return lines


def _write_dialogue(
    base: Path,
    dialogue_id: str,
    lines: list[Line],
    actors: dict[str, Actor],
    rng: np.random.Generator,
) -> None:
    """Write a dialogue's annotation, transcription, sound files and film below Session*/."""
    wavs = base / "sentences/wav" / dialogue_id
    wavs.mkdir(parents=True)
    for line in lines:
        write_wav(wavs / f"{line.utterance_id}.wav", line.sound)
    annotation = base / "dialog/EmoEvaluation" / f"{dialogue_id}.txt"
    annotation.write_text(_annotation(lines, rng), encoding="utf-8")
    transcription = base / "dialog/transcriptions" / f"{dialogue_id}.txt"
    transcription.write_text(_transcription(dialogue_id, lines), encoding="utf-8")
    film = _film(dialogue_id, lines, actors, rng)
    write_avi(base / "dialog/avi/DivX" / f"{dialogue_id}.avi", film, _soundtrack(lines))


def _annotation(lines: list[Line], rng: np.random.Generator) -> str:
    """A header, and for each utterance a summary line followed by every annotator's opinion."""
    blocks = ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n"]
    for line in lines:
        v, a, d = rng.integers(2, 11, 3) / 2
        opinion = FEELING[line.label].capitalize()
        blocks.append(
            f"[{line.start_s:.4f} - {line.end_s:.4f}]\t{line.utterance_id}\t{line.label}"
            f"\t[{v:.4f}, {a:.4f}, {d:.4f}]\n"
            + "".join(f"{annotator}:\t{opinion};\t()\n" for annotator in ANNOTATORS)
            + "A-E1:\tval 3; act 3; dom  3;\t()\n"
        )
    return "\n".join(blocks)


def _transcription(dialogue_id: str, lines: list[Line]) -> str:
    """A line an utterance, a sound between them that is no utterance, and a remark at the end."""
    written = [
        f"{line.utterance_id} [{line.start_s:08.4f}-{line.end_s:08.4f}]: {line.text}"
        for line in lines
    ]
    end = lines[-1].end_s
    written.insert(1, f"{dialogue_id}_FXX0 [{0:08.4f}-{lines[0].start_s:08.4f}]: [BREATHING]")
    return "\n".join([*written, f"M: [{end:08.4f}] [BREATHING]"]) + "\n"


def _soundtrack(lines: list[Line]) -> np.ndarray:
    """All that is said, each at its time; (T,)."""
    track = np.zeros(round((lines[-1].end_s + TAIL_S) * SAMPLE_RATE))
    for line in lines:
        first = round(line.start_s * SAMPLE_RATE)
        track[first : first + len(line.sound)] += line.sound
    return track


def _film(
    dialogue_id: str, lines: list[Line], actors: dict[str, Actor], rng: np.random.Generator
) -> list[np.ndarray]:
    """Both actors side by side: the speaker shows the feeling, the other one listens."""
    n = round((lines[-1].end_s + TAIL_S) * FPS)
    halves = {}
    for letter, actor in actors.items():
        borders, expressions = [0], []  # a new expression from each border on
        for line in lines:
            if line.utterance_id.rsplit("_", 1)[1].startswith(letter):
                borders += [ceil(line.start_s * FPS), floor(line.end_s * FPS) + 1]
                expressions += [None, line.expression]
        borders.append(n)
        expressions.append(None)
        pictures: list[np.ndarray] = []
        for last, felt in zip(borders[1:], expressions, strict=True):
            shown = felt_expression("neutral", rng) if felt is None else felt
            pictures += frames(actor.face, shown, last - len(pictures), felt is not None, rng)
        on_left = speaker_region(f"{dialogue_id}_{letter}000") == LEFT
        halves["left" if on_left else "right"] = pictures
    pairs = zip(halves["left"], halves["right"], strict=True)
    return [np.concatenate(pair, axis=1) for pair in pairs]
