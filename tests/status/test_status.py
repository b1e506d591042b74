"""`python -m spcl status` shows the progress of a grid from the files of its jobs."""

import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

import spcl
from spcl.__main__ import main
from spcl.jobs import logs
from spcl.jobs.job import job
from spcl.jobs.logs import State
from spcl.status.jobs import jobs
from spcl.study.grid import CELL_TABLES

CONFIG = {
    "name": "little",
    "datasets": {"chats": {"path": "data/chats", "protocol": "official"}},
    "features": {"t": {"extractor": "minilm"}, "a": {"extractor": "logmel"}},
    "grid": {
        "baselines": ["late_fusion", "mmgcn"],
        "modalities": ["at", "t"],
        "curricula": ["none", "spcl"],
        "seeds": [1],
    },
    "training": {"epochs": 2},
    "baselines": {"late_fusion": {}, "mmgcn": {}},
    "curricula": {"none": {}, "spcl": {"settings": {"threshold": 0.4, "growth": 1.25}}},
}
PYTHON = {"env": os.environ | {"PYTHONPATH": str(Path(spcl.__file__).parents[1])}, "text": True}
"""So that a new process finds the library from any folder."""

WORK = """
import logging, sys
from spcl.jobs.job import job
with job(sys.argv[1]):
    logging.getLogger("spcl.training").info("seed 1 epoch 3/8: loss 0.5")
    print("works", flush=True)
    sys.stdin.read()
"""
"""A job that runs until its input is closed."""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A working folder with a config and no results."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    write(CONFIG)
    return tmp_path


def write(config, path="config/config.yaml"):
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text(yaml.safe_dump(config))


def said(capsys, *words):
    """The lines that the command prints."""
    assert main(["status", *words]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    return [re.sub(r"\d+ s ago", "now", line) for line in lines]


def row(lines, name):
    """A row of the tables of counts, by column."""
    head = next(line for line in lines if "to do" in line).replace("to do", "to-do").split()[1:]
    counts = next(line for line in lines if line.startswith(f"{name} ")).split()[1:]
    return {column: int(n) for column, n in zip(head, counts, strict=True) if n != "0"}


def log_of(cell):
    return Path(f"logs/train_cell/{cell}.log")


def make(cell):
    """Create the tables of a cell."""
    for table in CELL_TABLES:
        path = Path(f"results/cells/{cell}/{table}.parquet")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def log(cell, *messages, seconds=0, host=None):
    """Write a log with these lines; the first is `seconds` older than the last."""
    now = time.time()
    host = host or os.uname().nodename
    lines = [f"started as process 7 on {host}", *messages]
    ages = [seconds, *(0 for _ in messages)]
    text = ""
    for age, message in zip(ages, lines, strict=True):
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now - age))
        text += f"{stamp},000 INFO {message}\n"
    path = log_of(cell)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def working():
    """A process that runs the job of a cell."""
    path = log_of("chats/mmgcn/t/none")
    command = [sys.executable, "-c", WORK, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **PYTHON)
    assert process.stdout.readline() == "works\n"
    yield process
    process.communicate()


def test_before_the_first_run_every_job_is_to_do(capsys):
    lines = said(capsys)
    assert row(lines, "corpora") == {"to-do": 1}
    assert row(lines, "features") == {"to-do": 2}
    assert row(lines, "difficulty") == {"to-do": 3}
    assert row(lines, "cells") == {"to-do": 8}
    assert row(lines, "chats/mmgcn") == {"to-do": 4}
    assert "snakemake -n shows which jobs would be rerun" in " ".join(lines)


def test_with_all_outputs_every_job_is_done(capsys):
    for one in jobs(CONFIG):
        for path in map(Path, one.outputs):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    lines = said(capsys)
    assert row(lines, "figures").keys() == row(lines, "cells").keys() == {"done"}
    assert "All cells are done." in lines


def test_a_cell_without_one_of_its_tables_is_not_done(capsys):
    make("chats/mmgcn/t/none")
    Path("results/cells/chats/mmgcn/t/none/history.parquet").unlink()
    assert row(said(capsys), "cells") == {"to-do": 8}


def test_a_running_job_is_shown_with_its_last_line(capsys, working):
    lines = said(capsys)
    assert row(lines, "cells") == {"running": 1, "to-do": 7}
    assert "  chats/mmgcn/t/none: seed 1 epoch 3/8: loss 0.5 (now)" in lines


def test_a_killed_job_is_interrupted(capsys, working):
    working.send_signal(signal.SIGKILL)
    working.wait()
    lines = said(capsys)
    assert row(lines, "cells") == {"interrupted": 1, "to-do": 7}
    shown = " ".join(" ".join(lines).split())
    assert "chats/mmgcn/t/none: killed after: seed 1 epoch 3/8: loss 0.5 (now); starts" in shown
    assert "    logs/train_cell/chats/mmgcn/t/none.log" in lines


def test_a_cell_with_a_saved_state_is_interrupted(capsys):
    log("chats/mmgcn/t/none", "interrupted by SIGTERM in epoch 3")
    Path("results/cells/chats/mmgcn/t/none.checkpoints").mkdir(parents=True)
    Path("results/cells/chats/mmgcn/t/spcl.checkpoints").mkdir(parents=True)
    lines = said(capsys)
    assert row(lines, "cells") == {"interrupted": 2, "to-do": 6}
    assert "  chats/mmgcn/t/none: interrupted by SIGTERM in epoch 3 (now); resumes from" in lines
    assert "  chats/mmgcn/t/spcl: there is a saved state, and no log" in lines


def test_a_failed_job_is_shown_with_its_reason_and_its_log(capsys):
    with pytest.raises(SystemExit), job(log_of("chats/mmgcn/t/none")):
        raise ValueError("out\nof memory")
    lines = said(capsys)
    assert row(lines, "cells") == {"failed": 1, "to-do": 7}
    at = lines.index("Failed:")
    assert lines[at + 1].startswith("  chats/mmgcn/t/none: ValueError: out of memory (traceback")
    assert "    logs/train_cell/chats/mmgcn/t/none.log" in lines


def test_a_failed_job_before_the_cells_is_shown(capsys):
    with pytest.raises(SystemExit), job("logs/extract_features/chats/t.log"):
        raise ValueError("no such sound")
    lines = said(capsys)
    assert row(lines, "features") == {"failed": 1, "to-do": 1}
    assert any(line.startswith("  extract_features chats/t: ValueError") for line in lines)


def test_an_output_folder_is_done_only_if_the_log_ends_with_done(capsys):
    """The job may have been killed while it filled the folder."""
    chats = CONFIG["datasets"]["chats"] | {
        "layout": "meld",
        "simulate": {"seed": 1, "dialogues": 9},
    }
    write(CONFIG | {"datasets": {"chats": chats}})
    Path("data/chats").mkdir(parents=True)
    path = Path("logs/simulate_corpus/chats.log")
    with job(path):
        pass
    assert row(said(capsys), "corpora") == {"done": 1, "to-do": 1}
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    assert row(said(capsys), "corpora") == {"interrupted": 1, "to-do": 1}


def test_a_job_on_another_machine_is_unclear(capsys):
    log("chats/mmgcn/t/none", "seed 1 epoch 3/8: loss 0.5", host="node5")
    lines = said(capsys)
    assert row(lines, "cells") == {"unclear": 1, "to-do": 7}
    assert "  chats/mmgcn/t/none: on node5, now: seed 1 epoch 3/8: loss 0.5" in lines
    log("chats/mmgcn/t/none", "done", host="node5")
    make("chats/mmgcn/t/none")
    assert row(said(capsys), "cells") == {"done": 1, "to-do": 7}


def test_a_log_on_a_file_system_without_locks_is_unclear(monkeypatch):
    log("chats/mmgcn/t/none", "seed 1 epoch 3/8: loss 0.5")
    assert logs.read(log_of("chats/mmgcn/t/none")).killed

    def refuse(file, operation):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert logs.read(log_of("chats/mmgcn/t/none")).state is State.UNCLEAR


def test_only_the_start_and_the_end_of_a_long_log_are_read(capsys):
    cell = "chats/mmgcn/t/none"
    log(cell, *(f"seed 1 epoch {n}/9999: loss 0.5" for n in range(9999)), "done", seconds=90)
    found = logs.read(log_of(cell))
    assert (found.state, round(found.seconds)) == (State.DONE, 90)


@pytest.mark.parametrize("text", ["", "\n", "words of another program\n", "\x00\x00"])
def test_a_log_that_no_job_wrote_is_ignored(capsys, text):
    log("chats/mmgcn/t/none")
    log_of("chats/mmgcn/t/none").write_text(text)
    assert row(said(capsys), "cells") == {"to-do": 8}
    make("chats/mmgcn/t/none")
    assert row(said(capsys), "cells") == {"done": 1, "to-do": 7}


def test_the_remaining_time_is_estimated_from_cells_of_the_same_kind(capsys):
    make("chats/mmgcn/t/none")
    log("chats/mmgcn/t/none", "done", seconds=600)
    told = " ".join(said(capsys))
    assert "About 30 min left for the cells, one after another, not counting 4" in told
    make("chats/late_fusion/t/none")
    log("chats/late_fusion/t/none", "done", seconds=60)
    assert "About 33 min left for the cells, one after another." in " ".join(said(capsys))


def test_the_remaining_time_is_divided_by_the_running_cells(capsys):
    """Two cells of ten minutes are half done, and three more wait."""
    write(
        CONFIG | {"grid": CONFIG["grid"] | {"baselines": ["mmgcn"], "modalities": ["at", "t", "a"]}}
    )
    make("chats/mmgcn/t/none")
    log("chats/mmgcn/t/none", "done", seconds=600)
    held = []
    for cell in ("chats/mmgcn/at/none", "chats/mmgcn/at/spcl"):
        log(cell, "seed 1 epoch 3/8: loss 0.5", seconds=300)
        held.append(log_of(cell).open())
        fcntl.flock(held[-1], fcntl.LOCK_EX)
    lines = said(capsys)
    for file in held:
        file.close()
    assert "About 20 min left for the cells, with 2 at once." in lines


def test_the_time_of_a_resumed_cell_is_not_used_for_the_estimate(capsys):
    make("chats/mmgcn/t/none")
    log("chats/mmgcn/t/none", "seed 1 resumes in epoch 7", "done", seconds=600)
    assert "No estimate of the remaining time" in " ".join(said(capsys))


def test_ten_failures_are_listed_and_with_all_every_one(capsys):
    curricula = {f"c{n}": {"source": "spcl.curriculum.none"} for n in range(12)}
    grid = CONFIG["grid"] | {"curricula": list(curricula), "modalities": ["t"]}
    write(CONFIG | {"curricula": curricula, "grid": grid})
    for name in curricula:
        log(f"chats/mmgcn/t/{name}", "error: broken")
    lines = said(capsys)
    assert sum(line.endswith(": broken") for line in lines) == 10
    assert "  and 2 more, see --all" in lines
    every = said(capsys, "--all")
    assert sum(line.endswith(": broken") for line in every) == 12
    states = {tuple(line.split(maxsplit=1)) for line in every if line.startswith("chats/")}
    assert {("chats/mmgcn/t/c3", "failed"), ("chats/late_fusion/t/c3", "to do")} <= states


def test_several_config_files_are_merged_as_snakemake_does(capsys):
    write({"name": "part", "grid": {"baselines": ["mmgcn"]}}, "config/part.yaml")
    lines = said(capsys, "--configfile", "config/config.yaml", "config/part.yaml")
    assert lines[0].startswith("part ")
    assert row(lines, "cells") == {"to-do": 4}
    assert "snakemake -n --configfile config/config.yaml config/part.yaml shows" in " ".join(lines)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "other.yaml: no such file; name one with --configfile"),
        ("{", "other.yaml: Config file is not valid JSON or YAML"),
        ("nam: x", "other.yaml: unknown key 'nam'; did you mean 'name'?"),
    ],
)
def test_every_line_about_a_wrong_config_names_the_file(capsys, text, says):
    if text:
        Path("other.yaml").write_text(text)
    assert main(["status", "--configfile", "other.yaml"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"error: {says}")
    lines = told.err.removeprefix("error: ").splitlines()
    assert all(line.startswith("other.yaml: ") for line in lines)
    assert len(lines) == 1 or text == "nam: x"  # which lacks five other keys


def test_nothing_slow_is_imported():
    code = (
        "import sys\nfrom spcl.__main__ import main\nmain(['status'])\n"
        "print(sorted({'torch', 'pandas', 'matplotlib', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, **PYTHON)
    assert done.stdout.splitlines()[-1] == "[]"
