"""Shows the progress of the cells while Snakemake runs, one line whenever a cell ends.

The Snakefile imports this module, so it uses the standard library alone.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress

from spcl.jobs.duration import in_words


class Progress(logging.Handler):
    """Counts the cells that this run of Snakemake trains, from the events that it logs.

    Unexpected events are ignored: an error here must not break a run.

    Parameters
    ----------
    say
        Called with each line.
    rule
        The rule that trains cells; a workflow that uses this one as a module may rename it.
    running
        Returns the word for jobs that have started: on a cluster they may still wait for a node.
    clock
        Returns seconds.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        rule: str = "train_cell",
        running: Callable[[], str] = lambda: "running",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.say = say
        self.rule = rule
        self.word = running
        self.clock = clock
        self.total = 0
        self.running: dict[int, float] = {}  # by job, when it started
        self.failed: set[int] = set()
        self.seconds: list[float] = []  # of each finished cell
        self.at_once = 1
        self.announced: set[int] = set()  # jobs that are just starting
        self.due = False

    def emit(self, record: logging.LogRecord) -> None:
        """Handle one of Snakemake's events."""
        with suppress(Exception):
            self._handle(record)

    def _handle(self, record: logging.LogRecord) -> None:
        event, about = str(getattr(record, "event", "")), vars(record)
        if event == "run_info":
            self.total = about["stats"].get(self.rule, 0)
        elif event == "job_started":
            self.announced = set(about["jobs"])
        elif event == "job_info":
            self._start(about["jobid"], about["rule_name"])
        elif event == "job_finished" and about["job_id"] in self.running:
            self.seconds.append(self.clock() - self.running.pop(about["job_id"]))
            self._report()
        elif event == "job_error" and about["jobid"] in self.running:
            del self.running[about["jobid"]]
            self.failed.add(about["jobid"])
            self._report()

    def _start(self, job: int, rule: str) -> None:
        self.announced.discard(job)
        if rule == self.rule:
            self.failed.discard(job)  # it is retried
            self.running[job] = self.clock()
            self.at_once = len(self.running)
        if self.due and not self.announced:
            self._say()

    def _report(self) -> None:
        """Say the line, but only after the cells that replace the finished ones have started."""
        self.due = self.total > 0
        if self.due and not self._waiting:
            self._say()

    @property
    def _waiting(self) -> int:
        return self.total - len(self.seconds) - len(self.failed) - len(self.running)

    def _say(self) -> None:
        self.due = False
        words = [f"{len(self.seconds)} of {self.total} cells done"]
        words += [f"{len(self.running)} {self.word()}"] if self.running else []
        words += [f"{len(self.failed)} failed"] if self.failed else []
        left = self._seconds_left()
        words += [f"about {in_words(left)} left"] if left is not None else []
        self.say(", ".join(words))

    def _seconds_left(self) -> float | None:
        """Estimate from the mean time of the finished cells and the number that run at once."""
        todo = self._waiting + len(self.running)
        if not self.seconds or not todo:
            return None
        mean, now = sum(self.seconds) / len(self.seconds), self.clock()
        left = mean * self._waiting
        left += sum(max(mean - (now - start), 0) for start in self.running.values())
        # 0 if the running ones already take longer than the mean: then there is no estimate.
        return left / min(self.at_once, todo) or None
