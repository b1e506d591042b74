"""`python -m spcl`: what all commands share."""

import subprocess
import sys

import pytest

from spcl import __version__
from spcl import cli as commands
from spcl.__main__ import main


def spcl(*words):
    return subprocess.run([sys.executable, "-m", "spcl", *words], capture_output=True, text=True)


def test_the_version_is_printed():
    assert spcl("--version").stdout == f"spcl {__version__}\n"


def test_a_user_error_is_one_line_and_exit_status_1(tmp_path, capsys):
    path = tmp_path / "nothing"
    assert main(["inspect", str(path)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"error: {path}: no such file or folder; name one that exists\n"


def test_an_unreadable_file_is_one_line(tmp_path, capsys, monkeypatch):
    def refuse(options):
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr(commands.inspect, "run", refuse)
    assert main(["inspect", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"error: {tmp_path}: Permission denied\n"


def test_every_command_has_a_help_text(capsys):
    for words, expected in (
        (["--help"], ["compare", "inspect", "status", "snakemake"]),
        (["status", "--help"], ["--configfile", "--all", "failed"]),
        (
            ["inspect", "--help"],
            ["PATH", "--labels", "--problems", "--plots", "docs/your-own"],
        ),
    ):
        with pytest.raises(SystemExit) as end:
            main(words)
        assert end.value.code == 0
        shown = capsys.readouterr().out
        assert all(word in shown for word in expected)


@pytest.mark.parametrize("words", [[], ["inspekt", "."], ["inspect"], ["inspect", ".", "--json"]])
def test_wrong_arguments_show_the_usage_and_exit_status_2(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("usage: ")


def test_help_imports_nothing_slow():
    code = (
        "import sys\nfrom spcl.__main__ import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'torch', 'pandas', 'matplotlib', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_closed_pipe_is_no_error(tmp_path):
    path = tmp_path / "utterances.csv"
    path.write_text("dialogue_id,emotion\n" + "d1,glad\nd2,cross\n")
    command = f"{sys.executable} -m spcl inspect {tmp_path} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.stdout == "0\n"
    assert done.stderr == ""
