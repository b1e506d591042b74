"""Text of users on the terminal and in logs: no line breaks and no control characters."""

import os
import subprocess
import sys

import pytest
import yaml
from hypothesis import given

from spcl.__main__ import main
from spcl.cli import inspect
from spcl.errors import UserError, listed, printable
from spcl.inspection.paste import _flow
from spcl.jobs.job import HEADLINE, job
from spcl.report.formats.terminal import columns, paragraph
from tests.hostile import NAMES, names


def is_harmless(shown):
    """Whether all lines consist of printable characters."""
    return all(line.isprintable() for line in shown.split("\n"))


def test_ordinary_names_are_shown_as_they_are():
    for name in ("iemocap-sim", "mm_dfn", "joy", "gl\u00fccklich", "高兴", "😀", r"C:\\data"):
        assert printable(name) == name


@given(names)
def test_printable_text_is_one_line_of_letters(name):
    shown = printable(name)
    assert shown.isprintable()
    assert shown == name or not name.isprintable()


@given(names)
def test_an_error_is_one_line(name):
    for message in (f"{name}: no such folder", listed([name, name])):
        assert str(UserError(message)).isprintable()


@given(names)
def test_paragraphs_and_columns_are_harmless(name):
    assert all(line.isprintable() for line in paragraph(f"{name}: 12 rows", 40))
    assert all(line.isprintable() for line in columns([(name, "1"), ("b", name)], 60))


@given(names)
def test_a_config_line_is_one_line_that_yaml_reads_as_the_same(name):
    for value in (name, [name, "b"]):
        line = _flow(value)
        assert line.isprintable()
        assert yaml.safe_load(f"key: {line}") == {"key": value}


@pytest.mark.parametrize("name", NAMES)
def test_a_job_says_a_name_in_one_line(name, tmp_path, capsys):
    def work():
        with job(tmp_path / "rule.log") as log:
            log.log(HEADLINE, "%s: done", name)
            log.info("%s: detail", name)
            raise ValueError(name)

    with pytest.raises(SystemExit):
        work()
    lines = (tmp_path / "rule.log").read_text(encoding="utf-8").split("\n")
    assert all(map(str.isprintable, lines))
    assert lines[1].endswith(f"HEADLINE {printable(name)}: done")
    assert lines[2].endswith(f"INFO {printable(name)}: detail")
    said = capsys.readouterr().err
    assert said.count("\n") == 2
    assert is_harmless(said)


def test_a_traceback_keeps_its_lines_and_nothing_else(tmp_path):
    with pytest.raises(SystemExit), job(tmp_path / "rule.log"):
        raise ValueError("\x1b[2J\r")
    log = (tmp_path / "rule.log").read_bytes().decode()
    assert "\nTraceback" in log
    assert r"ValueError: \x1b[2J\r" in log
    assert is_harmless(log)


@pytest.mark.parametrize("name", ["a\nb.csv", "\x1b]0;x\x07", "\u202efdp.exe", "\udcff"])
def test_a_file_name_in_an_error_of_a_command_is_one_line(name, capsys, monkeypatch):
    def refuse(options):
        raise PermissionError(13, "Permission denied", name)

    monkeypatch.setattr(inspect, "run", refuse)
    assert main(["inspect", "x"]) == 1
    assert capsys.readouterr().err == f"error: {printable(name)}: Permission denied\n"


def test_a_wrong_call_quotes_its_words_harmlessly(capsys):
    with pytest.raises(SystemExit):
        main(["inspect", "x", "\x1b[2J\nerror: none"])
    assert is_harmless(capsys.readouterr().err)


@pytest.fixture
def corpus(tmp_path):
    """A corpus with hostile classes and speakers, without those that are refused."""
    classes = [name for name in NAMES if not set(name) & set("\x1b\x07\x9b")]
    rows = ["dialogue_id,utterance_id,speaker,text,emotion,split"]
    quoted = ['"' + name.replace('"', '""') + '"' for name in classes]
    for i in range(3 * len(classes)):
        one = quoted[i % len(classes)]
        split = ("train", "dev", "test")[i // len(classes)]
        rows.append(f"d{i},u{i},{one},{one},{one},{split}")
    (tmp_path / "utterances.csv").write_text("\n".join(rows), encoding="utf-8", newline="")
    return tmp_path


def test_inspect_shows_hostile_classes_harmlessly(corpus, capsys):
    assert main(["inspect", str(corpus)]) == 0
    shown = capsys.readouterr().out
    assert is_harmless(shown)
    assert r"$\input{x}$" in shown
    assert r"\u202eevil\u2066" in shown


def test_inspect_works_on_a_terminal_of_few_letters(corpus):
    done = subprocess.run(
        [sys.executable, "-m", "spcl", "inspect", str(corpus)],
        env={**os.environ, "PYTHONIOENCODING": "ascii:strict"},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert rb"\u9ad8\u5174" in done.stdout


def test_inspect_draws_hostile_classes(corpus, tmp_path):
    assert main(["inspect", str(corpus), "--plots", str(tmp_path / "plots")]) == 0
    assert len(list((tmp_path / "plots").iterdir())) == 6
