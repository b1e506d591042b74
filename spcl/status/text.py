"""How far a grid is, in plain text."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from spcl.errors import printable
from spcl.jobs.duration import in_words
from spcl.jobs.logs import End
from spcl.report.formats.terminal import columns, paragraph
from spcl.status.jobs import STAGES
from spcl.status.left import left
from spcl.status.state import Standing, State

_MOST = 10
"""Jobs that are listed of each state, unless all are."""

_TITLES = {
    State.RUNNING: "Running, with the last line of the log:",
    State.UNCLEAR: "Running or killed: on a machine whose locks do not show here:",
    State.INTERRUPTED: "Interrupted; the next run takes them up:",
    State.FAILED: "Failed:",
}


def describe(
    name: str, standings: Sequence[Standing], width: int, *, every: bool = False
) -> Iterator[str]:
    """Say how far the jobs are, line by line.

    Parameters
    ----------
    name
        Of the grid.
    standings
        Of all its jobs.
    width
        Characters a line.
    every
        List every cell, and every job that is not done.
    """
    cells = [one for one in standings if one.job.stage == "cells"]
    by_stage = {stage: [one for one in standings if one.job.stage == stage] for stage in STAGES}
    yield from columns(_counts(name, by_stage, standings), width)
    kinds: dict[str, list[Standing]] = {}
    for cell in cells:
        kind = f"{cell.job.wildcards['dataset']}/{cell.job.wildcards['baseline']}"
        kinds.setdefault(kind, []).append(cell)
    if len(kinds) > 1:
        yield ""
        yield from columns(_counts("cells", kinds, standings), width)
    if every:
        yield ""
        yield from columns(
            [("every cell", ""), *((c.job.name, str(c.state)) for c in cells)], width
        )
    for state, title in _TITLES.items():
        found = [one for one in standings if one.state is state]
        if found:
            yield ""
            yield title
            yield from _listed(found, width, len(found) if every else _MOST)
    yield ""
    yield from paragraph(_time_left(cells), width)


def _counts(
    title: str, groups: dict[str, list[Standing]], standings: Iterable[Standing]
) -> list[tuple[str, ...]]:
    """How many jobs of each group are in each state that any job is in."""
    there = {one.state for one in standings} | {State.DONE, State.TO_DO}
    shown = [state for state in State if state in there]
    rows = [(title, *shown)]
    for name, group in groups.items():
        counts = Counter(one.state for one in group)
        rows.append((name, *(str(counts[state]) for state in shown)))
    return rows


def _listed(found: Sequence[Standing], width: int, most: int) -> Iterator[str]:
    for one in found[:most]:
        yield from paragraph(f"{one.job.name}: {_words(one)}", width, indent="  ")
        if one.state is not State.RUNNING and one.log:
            yield f"    {one.job.log}"
    if len(found) > most:
        yield f"  and {len(found) - most} more, see --all"


def _words(one: Standing) -> str:
    """What the log of a job that is not done says."""
    if one.log is None:
        return "there is a saved state, and no log"
    last, ago = printable(one.log.last), f"{in_words(one.log.age)} ago"
    if one.state is State.RUNNING:
        return f"{last} ({ago})"
    if one.state is State.UNCLEAR:
        return f"on {one.log.host}, {ago}: {last}"
    if one.state is State.FAILED:
        return last
    onward = "goes on from its saved state" if one.saved else "starts anew"
    how = f"cut off after: {last}" if one.log.end is End.CUT_OFF else last
    return f"{how} ({ago}); {onward}"


def _time_left(cells: Sequence[Standing]) -> str:
    """What the cells that are done say of those that are not."""
    found = left(cells)
    if not found.judged + found.unjudged:
        return "All cells are done."
    if not found.judged:
        return "No cell like those that are left is done, so nothing is known of the time left."
    how = f"with {found.at_once} at once" if found.at_once > 1 else "one after another"
    words = f"About {in_words(found.seconds)} left for the cells, {how}"
    if found.unjudged:
        words += f", and {found.unjudged} of whose kind none is done yet"
    return f"{words}."
