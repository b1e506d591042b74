"""The mark of a simulated corpus."""

from pathlib import Path

_MARK = "SIMULATED.txt"
FILE_PREFIX = "simulated_"
"""Of the name of a file that `spcl.data.export` wrote from a simulated corpus."""

_TEXT = """This corpus is SIMULATED.

Nobody said, wrote or felt any of it: the transcripts, voices and faces are made by a program
(spcl.data.simulator) in the folder layout of {model}.
Whatever is measured on it says nothing about people, nor about {model}.

layout: {layout}
seed: {seed}
dialogues: {dialogues}
"""


def mark_simulated(folder: Path, *, model: str, layout: str, seed: int, dialogues: int) -> None:
    """Leave a note in `folder` that says what it is and which corpus (`model`) it imitates."""
    text = _TEXT.format(model=model, layout=layout, seed=seed, dialogues=dialogues)
    (folder / _MARK).write_text(text, encoding="utf-8")


def is_simulated(path: str | Path) -> bool:
    """Whether the corpus at `path`, a folder or a file, comes from the simulator.

    Readers find a corpus that lies up to two folders deeper than the path says; so does this.
    """
    path = Path(path)
    if path.is_file() and path.name.startswith(FILE_PREFIX):
        return True
    places = [path, *path.glob("*/"), *path.glob("*/*/")] if path.is_dir() else [path.parent]
    return any((place / _MARK).is_file() for place in places)
