"""Find the results of a run in the folder that the user gives."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from spcl.errors import UserError, listed, printable
from spcl.report.analysis.results import Results
from spcl.tables.schemas import CELL_KEY, METRICS

_KINDS = ("metrics", "predictions")


@dataclass(frozen=True)
class Run:
    """The results of one grid.

    Attributes
    ----------
    name
        The folder as the user wrote it, and the grid.
    root
        The run's ``results`` folder, or the part of it that was given.
    metrics, predictions
        Files; there may be no predictions.
    """

    name: str
    root: Path
    metrics: tuple[Path, ...]
    predictions: tuple[Path, ...]

    @cached_property
    def results(self) -> Results:
        """The files as frames."""
        return Results(metrics=self.metrics, predictions=self.predictions)


def find_run(path: Path, grid: str | None = None) -> Run:
    """Find the cells below `path`.

    Parameters
    ----------
    path
        A ``results`` folder, its parent folder, or a part of it: a folder of
        ``results/gathered`` or of ``results/cells``.
    grid
        The grid to use where `path` has several.

    Raises
    ------
    UserError
        There is no such folder, nothing in it, or several grids and none was chosen.
    """
    if not path.is_dir():
        what = "neither a folder nor a CSV file" if path.exists() else "no such folder"
        raise UserError(f"{path}: {what}; name the results folder of a run")
    root = path / "results" if (path / "results").is_dir() else path
    grids = {
        folder.name: folder
        for folder in sorted((root / "gathered").glob("*/"))
        if any(folder.rglob("metrics.parquet"))
    }
    name = printable(str(path))
    if grid and grid not in grids and grids:
        raise UserError(f"{path}: no grid '{grid}'; choose with --grid one of: {listed(grids)}")
    if not grids:
        below = root / "cells" if (root / "cells").is_dir() else root
    elif len(grids) > 1 and not grid:
        raise UserError(f"{path}: several grids; choose with --grid one of: {listed(grids)}")
    else:
        chosen = grid or next(iter(grids))
        below, name = grids[chosen], f"{name}, grid {chosen}"
        _refuse_stale(root, below)
    found = {kind: tuple(sorted(below.rglob(f"{kind}.parquet"))) for kind in _KINDS}
    if not found["metrics"]:
        raise UserError(
            f"{path}: no results in it (no metrics.parquet below gathered/ or cells/);"
            " run: snakemake --cores 2"
        )
    run = Run(name, root, **found)
    again = run.results.metrics.duplicated(list(METRICS.key))
    if again.any():
        cell = "/".join(run.results.metrics.loc[again, list(CELL_KEY)].iloc[0].astype(str))
        raise UserError(f"{path}: contains {cell} more than once; name the folder of one grid")
    return run


def _refuse_stale(root: Path, gathered: Path) -> None:
    """Refuse tables that were gathered before one of their cells was trained again."""
    made = {path.parent.name: path.stat().st_mtime for path in gathered.rglob("metrics.parquet")}
    for path in sorted((root / "cells").glob("*/*/*/*/metrics.parquet")):
        dataset = path.relative_to(root / "cells").parts[0]
        if dataset in made and path.stat().st_mtime > made[dataset]:
            raise UserError(
                f"{gathered}: is older than {path} and may lack its scores; run snakemake to the"
                f" end with the config of the grid, or name {root / 'cells'}"
            )
