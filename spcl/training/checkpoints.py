"""What a cell leaves on disk, so that its next run trains nothing twice.

While it trains, a working folder beside the cell holds the state of the seed that is under way and
the tables of those that have finished. When the cell is done that folder goes, and what stays are
links to its tables: Snakemake deletes a job's outputs before the job runs again, so a seed that is
added later finds the others there.
"""

import logging
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from spcl.errors import UserError
from spcl.provenance.footer import is_intact
from spcl.tables.parquet import write_atomically
from spcl.training.cell_tables import KINDS, CellTables

log = logging.getLogger("spcl.training")

_WORTH = 50
"""A state is saved when training has taken this many times as long as saving takes."""

_AGAIN_S = 60
"""After this long one that could not be saved is tried again."""


class Checkpoints:
    """The states and tables of a cell's trainings, each valid for one digest of all it depends on.

    With a file here nothing is lost but the time to train it again: one that is damaged, or that
    other settings, code or inputs left, is passed over, and a full disk does not stop the training.

    Parameters
    ----------
    working
        Folder of what is under way, of this cell alone.
    kept
        Folder of what has finished, likewise.
    """

    def __init__(self, working: Path, kept: Path) -> None:
        self.working = working
        self.kept = kept
        self._next = 0.0

    def load(self, seed: int, digest: str) -> dict[str, Any] | None:
        """The state that `save` left for `seed`, if it is of this `digest`; tensors on the CPU."""
        path = self._state(seed)
        if not path.exists():
            return None
        try:
            saved = torch.load(path, map_location="cpu", weights_only=True)
            state: dict[str, Any] = saved["state"]
            same = saved["digest"] == digest
        except Exception as error:  # torch raises whatever a damaged byte makes of its reader
            log.warning("%s: is damaged (%s); seed %d starts anew", path, _line(error), seed)
            return None
        if not same:
            log.info("%s: is of other settings, code or inputs; seed %d starts anew", path, seed)
        return state if same else None

    def save(self, seed: int, digest: str, state: Mapping[str, Any]) -> None:
        """Leave `state` (plain values and tensors) for `load`."""
        start = time.monotonic()
        path = self._state(seed)
        try:
            saved = {"digest": digest, "state": dict(state)}
            write_atomically(path, lambda temporary: torch.save(saved, temporary))
        except (UserError, OSError, RuntimeError) as error:  # torch's, on a full disk
            reason = _line(error.__cause__ or error)
            log.warning("%s: cannot be saved (%s); training goes on without", path, reason)
            self._next = time.monotonic() + _AGAIN_S
        else:
            now = time.monotonic()
            # Later by as much for each of several states that are saved together.
            self._next = max(start, self._next) + _WORTH * (now - start)

    @property
    def due(self) -> bool:
        """Whether so much was trained since the last `save` that another is worth its time."""
        return time.monotonic() >= self._next

    def finish(self, seed: int, tables: CellTables) -> None:
        """Leave the `tables` of a finished seed in place of its state."""
        paths = _paths(self._finished(seed))
        try:
            # Those of other settings would vouch for what is written next, if that is cut off.
            paths["metrics"].unlink(missing_ok=True)
            tables.write(paths)
            self._state(seed).unlink(missing_ok=True)
        except (UserError, OSError) as error:
            log.warning("%s", _line(error))

    def finished(self, digests: Mapping[int, str]) -> dict[int, CellTables]:
        """The tables of those seeds in `digests` that need no training.

        Who wants a finished cell trained again deletes what was kept of it first.
        """
        found = [_by_seed(self.kept), *(_by_seed(self._finished(seed)) for seed in digests)]
        return {
            seed: tables
            for by_seed in found
            for seed, tables in by_seed.items()
            if seed in digests
            and tables.metrics["training_digest"].unique().to_pylist() == [digests[seed]]
        }

    def done(self, paths: Mapping[str, str | Path]) -> None:
        """The cell is done, and its tables were written to `paths`, by kind."""
        shutil.rmtree(self.kept, ignore_errors=True)
        try:
            self.kept.mkdir(parents=True)
            for kind, path in _paths(self.kept).items():
                _link(paths[kind], path)
        except OSError as error:
            log.warning("%s: cannot be kept for seeds to come (%s)", self.kept, _line(error))
            shutil.rmtree(self.kept, ignore_errors=True)
        shutil.rmtree(self.working, ignore_errors=True)

    def _state(self, seed: int) -> Path:
        return self.working / f"seed-{seed}.pt"

    def _finished(self, seed: int) -> Path:
        return self.working / f"seed-{seed}"


def _paths(folder: Path) -> dict[str, Path]:
    return {kind: folder / f"{kind}.parquet" for kind in KINDS}


def _by_seed(folder: Path) -> dict[int, CellTables]:
    """The tables in `folder` by seed; none where there are none or they cannot be read."""
    paths = _paths(folder)
    if not paths["metrics"].exists():
        return {}
    if not is_intact(paths["metrics"]):
        log.warning("%s: its tables were changed after they were written", folder)
        return {}
    try:
        tables = CellTables.read(paths)
    except UserError as error:
        log.warning("%s", error)
        return {}
    seeds = dict.fromkeys(tables.metrics["seed"].to_pylist())
    return {seed: tables.of_seed(seed) for seed in seeds}


def _link(path: str | Path, name: Path) -> None:
    """Give a file another name, or copy it on a file system without links."""
    try:
        os.link(path, name)
    except OSError:
        shutil.copyfile(path, name)


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
