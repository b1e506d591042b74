"""Simulated corpora in the raw layouts of the real ones, so that a demo runs the same code.

A simulated dialogue is drawn in three steps: who speaks and what they feel (`conversation`), how
they show it in words, voice and face (`performance`), and the files (`layout_meld`,
`layout_iemocap`). `profiles` has the properties that are imitated, and how strongly emotions show.

A simulator of another layout is one more module ``layout_<name>``. Nothing here reads a corpus.
"""

import shutil
from pathlib import Path

import numpy as np

from spcl.data.simulated import mark_simulated
from spcl.data.simulator import layout_iemocap, layout_meld
from spcl.errors import UserError

_LAYOUTS = {  # name: (writer, the corpus it imitates, fewest and most dialogues)
    "iemocap": (layout_iemocap.write, "IEMOCAP_full_release", 5, 150),
    "meld": (layout_meld.write, "MELD.Raw", 3, 1432),
}


def simulate(layout: str, folder: Path, *, seed: int, dialogues: int) -> None:
    """Write a simulated corpus, whole or not at all.

    Parameters
    ----------
    layout
        ``iemocap`` or ``meld``.
    folder
        Where to; must not exist or be empty. The corpus is written beside it and then renamed.
    seed
        The same seed gives the same bytes on one machine; encoders may differ between machines.
    dialogues
        How many, at least 5 for ``iemocap`` (one a session), 3 for ``meld`` (one a split).

    Raises
    ------
    UserError
        The layout is unknown, the number out of range, or the folder is in use.
    """
    if layout not in _LAYOUTS:
        raise UserError(
            f"layout: '{layout}' cannot be simulated; choose one of {', '.join(_LAYOUTS)}"
        )
    write, model, fewest, most = _LAYOUTS[layout]
    if not fewest <= dialogues <= most:
        raise UserError(
            f"simulate.dialogues: {dialogues} is out of range for the layout '{layout}';"
            f" set it to {fewest} to {most}"
        )
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder}: exists already; delete it to simulate it again")
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # what a killed run may have left
    partial.mkdir(parents=True)
    write(partial, dialogues, np.random.default_rng(seed))
    mark_simulated(partial, model=model, layout=layout, seed=seed, dialogues=dialogues)
    partial.replace(folder)
