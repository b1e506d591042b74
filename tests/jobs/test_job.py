"""The context of a rule's work: a complete log, and one line on the terminal if it fails."""

import fcntl
import os

import pytest

from spcl.errors import UserError
from spcl.jobs.job import HEADLINE, job


def lines(path):
    """The messages of a log."""
    return [line.split(" ", 3)[3] for line in path.read_text().splitlines()]


def test_the_terminal_shows_headlines_and_the_log_everything(tmp_path, capsys):
    with job(tmp_path / "logs" / "rule.log") as log:
        log.info("detail")
        log.log(HEADLINE, "done")
    assert capsys.readouterr().err == "done\n"
    text = (tmp_path / "logs" / "rule.log").read_text()
    assert "detail" in text
    assert "done" in text


def test_a_user_error_is_one_line_and_status_1(tmp_path, capsys):
    with pytest.raises(SystemExit) as exit_, job(tmp_path / "rule.log"):
        raise UserError("data/x: no such folder; put it there")
    assert exit_.value.code == 1
    assert capsys.readouterr().err == "error: data/x: no such folder; put it there\n"
    assert "Traceback" not in (tmp_path / "rule.log").read_text()


def test_the_traceback_of_an_unexpected_error_is_only_in_the_log(tmp_path, capsys):
    with pytest.raises(SystemExit) as exit_, job(tmp_path / "rule.log"):
        raise ZeroDivisionError("oops")
    assert exit_.value.code == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: ZeroDivisionError: oops (traceback in ")
    assert printed.count("\n") == 1
    assert "Traceback" in (tmp_path / "rule.log").read_text()


def test_the_log_starts_with_the_process_and_ends_with_done(tmp_path):
    with job(tmp_path / "rule.log") as log:
        log.info("detail")
    first, detail, last = lines(tmp_path / "rule.log")
    assert first.startswith(f"started as process {os.getpid()} on ")
    assert (detail, last) == ("detail", "done")


def test_the_last_line_reports_a_failure(tmp_path, capsys):
    with pytest.raises(SystemExit), job(tmp_path / "rule.log"):
        raise ValueError("two\nlines")
    last = (tmp_path / "rule.log").read_text().splitlines()[-1].split(" ", 3)[3]
    assert last.startswith("error: ValueError: two lines (traceback in ")
    assert capsys.readouterr().err == f"{last}\n"


def test_the_last_line_reports_an_interruption(tmp_path):
    with pytest.raises(KeyboardInterrupt), job(tmp_path / "rule.log"):
        raise KeyboardInterrupt
    assert lines(tmp_path / "rule.log")[-1] == "interrupted"


def test_a_job_that_exits_keeps_its_status_and_its_last_line(tmp_path):
    def end():
        with job(tmp_path / "rule.log") as log:
            log.info("interrupted in epoch 3")
            raise SystemExit(143)

    with pytest.raises(SystemExit) as exit_:
        end()
    assert exit_.value.code == 143
    assert lines(tmp_path / "rule.log")[-1] == "interrupted in epoch 3"


def test_the_log_is_locked_while_the_job_runs(tmp_path):
    def lock():
        with (tmp_path / "rule.log").open() as log:
            fcntl.flock(log, fcntl.LOCK_SH | fcntl.LOCK_NB)

    with job(tmp_path / "rule.log"), pytest.raises(BlockingIOError):
        lock()
    lock()


def test_without_file_locks_the_job_runs_and_the_log_says_so(tmp_path, monkeypatch):
    def refuse(file, operation):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with job(tmp_path / "rule.log"):
        pass
    first, last = lines(tmp_path / "rule.log")
    assert first.endswith(", whose files cannot be locked")
    assert last == "done"


def test_a_log_on_a_full_disk_stops_no_job(capsys):
    with job("/dev/full") as log:
        log.info("detail")
        log.log(HEADLINE, "trained")
    assert capsys.readouterr().err == "trained\n"
