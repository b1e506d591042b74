"""The progress of a grid as plain text."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from spcl.errors import printable
from spcl.jobs.duration import in_words
from spcl.jobs.logs import State
from spcl.report.formats.terminal import columns, paragraph
from spcl.status.jobs import STAGES
from spcl.status.state import JobStatus

_MOST = 10
"""Jobs of each state that are listed without ``--all``."""

_TITLES = {
    State.RUNNING: "Running, with the last line of the log:",
    State.UNCLEAR: "Running or killed (the locks of another machine are not visible here):",
    State.INTERRUPTED: "Interrupted; the next run continues with them:",
    State.FAILED: "Failed:",
}


def describe(
    name: str, statuses: Sequence[JobStatus], width: int, *, every: bool = False
) -> Iterator[str]:
    """Describe the progress of a grid, line by line.

    Parameters
    ----------
    name
        Of the grid.
    statuses
        Of all its jobs.
    width
        Characters a line.
    every
        List every cell, and every job that is not done.
    """
    by_stage = {stage: [one for one in statuses if one.job.stage == stage] for stage in STAGES}
    if not by_stage["tuning"]:
        del by_stage["tuning"]
    cells = by_stage["cells"]
    yield from columns(_counts(name, by_stage, statuses), width)
    kinds = defaultdict(list)
    for cell in cells:
        kinds["/".join(_kind(cell))].append(cell)
    if len(kinds) > 1:
        yield ""
        yield from columns(_counts("cells", kinds, statuses), width)
    if every:
        yield ""
        rows = [(one.job.name, str(one.state)) for one in cells]
        yield from columns([("every cell", ""), *rows], width)
    for state, title in _TITLES.items():
        found = [one for one in statuses if one.state is state]
        if found:
            yield ""
            yield title
            yield from _listed(found, width, len(found) if every else _MOST)
    yield ""
    yield from paragraph(_time_left(cells), width)


def _kind(cell: JobStatus) -> tuple[str, str]:
    """Dataset and baseline: cells of one kind take about the same time."""
    return cell.job.wildcards["dataset"], cell.job.wildcards["baseline"]


def _counts(
    title: str, groups: Mapping[str, list[JobStatus]], statuses: Iterable[JobStatus]
) -> list[tuple[str, ...]]:
    """The number of jobs of each group by state; only states that occur have a column."""
    present = {one.state for one in statuses} | {State.DONE, State.TO_DO}
    shown = [state for state in State if state in present]
    rows = [(title, *shown)]
    for name, group in groups.items():
        counts = Counter(one.state for one in group)
        rows.append((name, *(str(counts[state]) for state in shown)))
    return rows


def _listed(found: Sequence[JobStatus], width: int, most: int) -> Iterator[str]:
    for one in found[:most]:
        yield from paragraph(f"{one.job.name}: {_last_line(one)}", width, indent="  ")
        if one.state is not State.RUNNING and one.log:
            yield f"    {one.job.log}"
    if len(found) > most:
        yield f"  and {len(found) - most} more, see --all"


def _last_line(one: JobStatus) -> str:
    """The last line of the log of a job that is not done, and what follows from it."""
    if one.log is None:
        return "there is a saved state, and no log"
    last, ago = printable(one.log.last), f"{in_words(one.log.age)} ago"
    if one.state is State.RUNNING:
        return f"{last} ({ago})"
    if one.state is State.UNCLEAR:
        return f"on {one.log.host}, {ago}: {last}"
    if one.state is State.FAILED:
        return last
    then = "resumes from its saved state" if one.saved else "starts again from the beginning"
    how = f"killed after: {last}" if one.log.killed else last
    return f"{how} ({ago}); {then}"


def _time_left(cells: Sequence[JobStatus]) -> str:
    """Estimate the time that the remaining cells take, from the mean of finished ones by kind."""
    times = defaultdict(list)
    for cell in cells:
        if cell.state is State.DONE and cell.log and cell.log.seconds is not None:
            times[_kind(cell)].append(cell.log.seconds)
    means = {kind: sum(seconds) / len(seconds) for kind, seconds in times.items()}
    remaining = [cell for cell in cells if cell.state is not State.DONE]
    known = [cell for cell in remaining if _kind(cell) in means]
    running = sum(cell.state is State.RUNNING for cell in remaining)
    if not remaining:
        return "All cells are done."
    if not known:
        return "No estimate of the remaining time: no similar cell is done yet."
    seconds = sum(max(means[_kind(cell)] - _spent(cell), 0) for cell in known)
    how = f"with {running} at once" if running > 1 else "one after another"
    words = f"About {in_words(seconds / max(running, 1))} left for the cells, {how}"
    if len(known) < len(remaining):
        words += f", not counting {len(remaining) - len(known)} of a kind without a finished cell"
    return f"{words}."


def _spent(cell: JobStatus) -> float:
    """Seconds that a running cell has taken so far."""
    if cell.state is not State.RUNNING or cell.log is None or cell.log.seconds is None:
        return 0.0
    return cell.log.seconds + cell.log.age
