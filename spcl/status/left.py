"""How long the cells that are left may take, by those that are done."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from spcl.status.state import Standing, State


@dataclass(frozen=True)
class Left:
    """An estimate.

    Attributes
    ----------
    seconds
        For those cells that one of the same dataset and baseline tells something of, shared by
        those that run at once.
    at_once
        The cells that run.
    judged, unjudged
        How many cells the estimate is for, and how many nothing is known of.
    """

    seconds: float
    at_once: int
    judged: int
    unjudged: int


def left(cells: Sequence[Standing]) -> Left:
    """Estimate the time by the mean of the cells with the same dataset and baseline."""
    known: dict[tuple[str, str], list[float]] = defaultdict(list)
    for cell in cells:
        if cell.state is State.DONE and cell.log and cell.log.seconds is not None:
            known[_kind(cell)].append(cell.log.seconds)
    means = {kind: sum(seconds) / len(seconds) for kind, seconds in known.items()}
    open_ = [cell for cell in cells if cell.state is not State.DONE]
    judged = [cell for cell in open_ if _kind(cell) in means]
    running = sum(cell.state is State.RUNNING for cell in open_)
    seconds = sum(max(means[_kind(cell)] - _spent(cell), 0) for cell in judged)
    at_once = max(running, 1)
    return Left(seconds / at_once, running, len(judged), len(open_) - len(judged))


def _kind(cell: Standing) -> tuple[str, str]:
    return cell.job.wildcards["dataset"], cell.job.wildcards["baseline"]


def _spent(cell: Standing) -> float:
    """Seconds that a cell runs already."""
    if cell.state is not State.RUNNING or cell.log is None or cell.log.seconds is None:
        return 0.0
    return cell.log.seconds + cell.log.age
