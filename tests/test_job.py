"""Around a rule's work: a full log file, and one line on the terminal when it fails."""

import pytest

from spcl.errors import UserError
from spcl.job import HEADLINE, job


def test_the_terminal_gets_headlines_and_the_file_everything(tmp_path, capsys):
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


def test_an_unforeseen_error_leaves_its_traceback_in_the_log_alone(tmp_path, capsys):
    with pytest.raises(SystemExit) as exit_, job(tmp_path / "rule.log"):
        raise ZeroDivisionError("oops")
    assert exit_.value.code == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: ZeroDivisionError: oops (traceback in ")
    assert printed.count("\n") == 1
    assert "Traceback" in (tmp_path / "rule.log").read_text()
