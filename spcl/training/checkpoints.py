"""Checkpoints of a cell: saved states of unfinished seeds, and results of finished seeds.

During training, a working folder next to the cell contains the state of each unfinished seed and
the tables and the model of each finished seed. When the cell is complete, the working folder is
deleted and a second folder gets links to the cell's tables and models. Snakemake deletes the
outputs of a job before the job runs again; with the links, only seeds that were added later are
trained.
"""

import logging
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from spcl.errors import UserError
from spcl.provenance.footer import is_intact
from spcl.tables.parquet import write_atomically
from spcl.training.cell_tables import KINDS, CellTables, saved_models

log = logging.getLogger("spcl.training")

_WORTH = 50
"""Train at least this many times as long as saving takes before saving again."""

_RETRY_S = 60
"""Seconds from a failed save to the next attempt."""


class Checkpoints:
    """Saves and loads the states and tables of one cell.

    Each is valid for one digest of everything that it depends on. A file that is damaged, or has
    another digest, is ignored and its seed is trained again. A full disk does not stop the
    training.

    Parameters
    ----------
    working
        Folder for the states and tables of an unfinished cell.
    kept
        Folder for the tables of a complete cell.
    """

    def __init__(self, working: Path, kept: Path) -> None:
        self.working = working
        self.kept = kept
        self._next = 0.0

    def load(self, seed: int, digest: str) -> dict[str, Any] | None:
        """The saved state of `seed` if it has this `digest`, else None; tensors on the CPU."""
        path = self._state_path(seed)
        if not path.exists():
            return None
        try:
            saved = torch.load(path, map_location="cpu", weights_only=True)
            if saved["digest"] == digest:
                state: dict[str, Any] = saved["state"]
                return state
            level, reason = logging.INFO, "has other settings, code or inputs"
        except Exception as error:  # a damaged file can raise any exception
            level, reason = logging.WARNING, f"is damaged ({_line(error)})"
        log.log(level, "%s: %s; seed %d starts again from the beginning", path, reason, seed)
        return None

    def save(self, seed: int, digest: str, state: Mapping[str, Any]) -> None:
        """Save `state` (plain values and tensors) for `load`."""
        start = time.monotonic()
        path = self._state_path(seed)
        try:
            saved = {"digest": digest, "state": dict(state)}
            write_atomically(path, lambda temporary: torch.save(saved, temporary))
        except (UserError, OSError, RuntimeError) as error:  # RuntimeError: torch on a full disk
            reason = _line(error.__cause__ or error)
            log.warning("%s: cannot be saved (%s); training continues", path, reason)
            self._next = time.monotonic() + _RETRY_S
        else:
            now = time.monotonic()
            # If several states are saved together, each one adds to the time until the next save.
            self._next = max(start, self._next) + _WORTH * (now - start)

    @property
    def due(self) -> bool:
        """Whether enough time has passed since the last `save` to save again."""
        return time.monotonic() >= self._next

    def save_finished(self, seed: int, tables: CellTables) -> CellTables:
        """Save the `tables` of a finished seed and delete its state.

        Returns
        -------
        CellTables
            The same, with the file of the model instead of its content.
        """
        paths = _paths(self._finished_path(seed))
        try:
            # Metrics with other settings must not stay next to tables of an interrupted write.
            paths["metrics"].unlink(missing_ok=True)
            tables.write(paths)
            self._state_path(seed).unlink(missing_ok=True)
        except (UserError, OSError) as error:
            log.warning("%s", _line(error))
            return tables
        return replace(tables, models=saved_models(paths["metrics"].parent))

    def load_finished(self, digests: Mapping[int, str]) -> dict[int, CellTables]:
        """The tables and models of the seeds in `digests` that are already trained."""
        found = [_by_seed(self.kept), *(_by_seed(self._finished_path(seed)) for seed in digests)]
        return {
            seed: tables
            for by_seed in found
            for seed, tables in by_seed.items()
            if seed in digests
            and tables.metrics["training_digest"].unique().to_pylist() == [digests[seed]]
        }

    def keep(self, paths: Mapping[str, str | Path]) -> None:
        """Keep the tables of a complete cell, written to `paths` by kind, and the models beside."""
        shutil.rmtree(self.kept, ignore_errors=True)
        try:
            self.kept.mkdir(parents=True)
            for kind, path in _paths(self.kept).items():
                _link(paths[kind], path)
            for path in saved_models(Path(paths["metrics"]).parent).values():
                _link(path, self.kept / path.name)
        except OSError as error:
            log.warning("%s: cannot keep tables for seeds to add (%s)", self.kept, _line(error))
            shutil.rmtree(self.kept, ignore_errors=True)
        shutil.rmtree(self.working, ignore_errors=True)

    def _state_path(self, seed: int) -> Path:
        return self.working / f"seed-{seed}.pt"

    def _finished_path(self, seed: int) -> Path:
        return self.working / f"seed-{seed}"


def _paths(folder: Path) -> dict[str, Path]:
    return {kind: folder / f"{kind}.parquet" for kind in KINDS}


def _by_seed(folder: Path) -> dict[int, CellTables]:
    """The tables in `folder` by seed; empty if they are missing, changed or unreadable."""
    paths = _paths(folder)
    if not paths["metrics"].exists():
        return {}
    if not is_intact(paths["metrics"]):
        log.warning("%s: the tables were changed after they were written", folder)
        return {}
    try:
        tables = replace(CellTables.read(paths), models=saved_models(folder))
    except UserError as error:
        log.warning("%s", error)
        return {}
    seeds = dict.fromkeys(tables.metrics["seed"].to_pylist())
    return {seed: tables.of_seed(seed) for seed in seeds}


def _link(source: str | Path, target: Path) -> None:
    """Create a hard link, or a copy on a file system without links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
