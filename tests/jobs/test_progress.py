"""The progress line of the cells, from the events that Snakemake logs."""

import logging

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from spcl.jobs.progress import Progress


class Run:
    """Logs events as Snakemake does; a test sets the time."""

    def __init__(self, cells, **options):
        self.now = 0.0
        self.said = []
        self.logger = logging.Logger("snakemake")
        self.logger.addHandler(Progress(self.said.append, clock=lambda: self.now, **options))
        self.log(LogEvent.RUN_INFO, stats={"train_cell": cells, "tabulate": 3, "total": cells + 3})

    def log(self, event, **about):
        self.logger.info("as Snakemake says it", extra={"event": event, **about})

    def start(self, *jobs, rule="train_cell"):
        self.log(LogEvent.JOB_STARTED, jobs=list(jobs))
        for job in jobs:
            self.log(LogEvent.JOB_INFO, jobid=job, rule_name=rule)

    def finish(self, job):
        self.log(LogEvent.JOB_FINISHED, job_id=job)
        self.log(LogEvent.PROGRESS, done=1, total=9)

    def fail(self, job):
        self.log(LogEvent.JOB_ERROR, jobid=job, rule_name="train_cell")


def test_one_cell_after_another():
    run = Run(3)
    for job in (1, 2, 3):
        run.start(job)
        run.now += 60
        run.finish(job)
    assert run.said == [
        "1 of 3 cells done, 1 running, about 2 min left",
        "2 of 3 cells done, 1 running, about 60 s left",
        "3 of 3 cells done",
    ]


def test_the_line_is_printed_after_the_next_cells_have_started():
    run = Run(64)
    run.start(1, 2)
    run.now += 60
    run.finish(1)
    run.finish(2)
    assert run.said == []
    run.start(3, 4)
    assert run.said == ["2 of 64 cells done, 2 running, about 31 min left"]


def test_the_estimate_subtracts_the_time_of_running_cells():
    run = Run(4)
    run.start(1, 2)
    run.now += 60
    run.finish(1)
    run.start(3)
    run.now += 30
    run.finish(2)
    run.start(4)
    assert run.said[-1] == "2 of 4 cells done, 2 running, about 60 s left"


def test_a_failed_cell_is_counted_and_not_part_of_the_estimate():
    run = Run(3)
    run.start(1, 2)
    run.fail(1)
    run.start(3)
    assert run.said == ["0 of 3 cells done, 2 running, 1 failed"]
    run.now += 20
    run.finish(2)
    run.finish(3)
    assert run.said[-1] == "2 of 3 cells done, 1 failed"


def test_a_retried_cell_is_not_counted_as_failed():
    run = Run(2)
    run.start(1)
    run.fail(1)
    run.start(1)
    run.now += 5
    run.finish(1)
    run.start(2)
    assert run.said == [
        "0 of 2 cells done, 1 running",
        "1 of 2 cells done, 1 running, about 5 s left",
    ]


def test_other_jobs_are_not_cells():
    run = Run(1)
    run.start(7, rule="tabulate")
    run.finish(7)
    run.fail(7)
    assert run.said == []


def test_a_run_without_cells_prints_nothing():
    run = Run(0)
    run.start(7, rule="tabulate")
    run.finish(7)
    assert run.said == []


def test_without_the_number_of_cells_nothing_is_printed():
    run = Run(0)
    for job in (1, 2):
        run.start(job)
        run.finish(job)
    assert run.said == []


def test_on_a_cluster_cells_are_submitted():
    run = Run(2, running=lambda: "submitted")
    run.start(1, 2)
    run.now += 600
    run.finish(1)
    assert run.said == ["1 of 2 cells done, 1 submitted"]


def test_there_is_no_estimate_if_running_cells_take_longer_than_the_mean():
    run = Run(2)
    run.start(1, 2)
    run.now += 600
    run.finish(1)
    assert run.said == ["1 of 2 cells done, 1 running"]


@pytest.mark.parametrize(
    ("event", "about"),
    [
        (LogEvent.RUN_INFO, {"stats": None}),
        (LogEvent.JOB_STARTED, {}),
        (LogEvent.JOB_INFO, {"jobid": []}),
        (LogEvent.JOB_FINISHED, {"job_id": {}}),
        (LogEvent.JOB_ERROR, {"jobs": [1]}),
        (None, {}),
        (object(), {}),
        ("new in a later version", {"jobid": 1}),
    ],
)
def test_an_unexpected_event_is_ignored(event, about, capsys):
    run = Run(2)
    run.start(1)
    run.log(event, **about)
    run.now += 1
    run.finish(1)
    run.start(2)
    assert run.said == ["1 of 2 cells done, 1 running, about 1 s left"]
    assert capsys.readouterr().err == ""


def test_a_line_that_cannot_be_printed_raises_no_error():
    def fail(line):
        raise BrokenPipeError

    run = Run(1)
    run.logger.handlers[0].say = fail
    run.start(1)
    run.finish(1)
