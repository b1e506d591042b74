"""The digest of a rule's code: what changes it, and what does not."""

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = {
    "script.py": "from spcl.cell import train\ntrain()\n",
    "spcl/__init__.py": "",
    "spcl/cell.py": "import spcl.loop\nfrom spcl import models\n\ndef train():\n    return 1\n",
    "spcl/loop.py": "from .metrics import score\n",
    "spcl/metrics.py": '"""Scores."""\n\n\ndef score(x):\n    """Of x."""\n    return x + 1\n',
    "spcl/models/__init__.py": "import importlib\n",
    "spcl/models/small.py": "from spcl.models import layers\nSIZE = 1\n",
    "spcl/models/layers.py": "WIDTH = 2\n",
    "spcl/models/large.py": "SIZE = 9\n",
    "spcl/report.py": "STYLE = 'plain'\n",
}


@pytest.fixture
def project(tmp_path):
    """A little project around a copy of spcl/digest.py and what it imports."""
    for name, text in PACKAGE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in ("digest.py", "errors.py", "source.py"):
        source = Path(__file__).parents[1] / "spcl" / name
        (tmp_path / "spcl" / name).write_text(source.read_text())
    return tmp_path


def digest(project, *modules):
    """The digest of script.py as a new process sees it."""
    program = "import sys; from spcl.digest import digest; print(digest(*sys.argv[1:]))"
    arguments = [sys.executable, "-c", program, "script.py", *modules]
    return subprocess.run(arguments, cwd=project, capture_output=True, text=True, check=True).stdout


def edit(project, name, old, new):
    text = (project / name).read_text()
    assert old in text
    (project / name).write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("script.py", "train()", "train(2)"),
        ("spcl/cell.py", "return 1", "return 2"),
        ("spcl/loop.py", "score", "score as s"),
        ("spcl/metrics.py", "x + 1", "x + 2"),
        ("spcl/models/__init__.py", "importlib", "importlib, json"),
        ("spcl/models/small.py", "SIZE = 1", "SIZE = 3"),
        ("spcl/models/layers.py", "WIDTH = 2", "WIDTH = 3"),
        ("spcl/__init__.py", "", "VERSION = 1"),
    ],
)
def test_code_that_is_reached_counts(project, name, old, new):
    before = digest(project, "spcl.models.small")
    edit(project, name, old, new)
    assert digest(project, "spcl.models.small") != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("spcl/metrics.py", "Of x.", "Of x, plus one."),
        ("spcl/metrics.py", '"""Scores."""', ""),
        ("spcl/metrics.py", "x + 1", "x  +  1  # plus"),
        ("spcl/metrics.py", "def score(x)", "\n\ndef score(\n    x,\n)"),
        ("spcl/report.py", "plain", "gaudy"),
        ("spcl/models/large.py", "9", "8"),
    ],
    ids=["docstring", "no docstring", "comment", "layout", "unrelated module", "other baseline"],
)
def test_what_runs_the_same_does_not(project, name, old, new):
    before = digest(project, "spcl.models.small")
    edit(project, name, old, new)
    assert digest(project, "spcl.models.small") == before


def test_a_module_that_is_named_counts_and_others_do_not(project):
    digests = {digest(project, *named) for named in [(), ["spcl.models.small"]]}
    assert len(digests) == 2


def test_imports_for_annotations_alone_do_not_count(project):
    guarded = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from spcl import report\n"
    (project / "spcl/loop.py").write_text(guarded)
    before = digest(project)
    edit(project, "spcl/report.py", "plain", "gaudy")
    assert digest(project) == before


def test_a_named_module_must_exist(project):
    with pytest.raises(subprocess.CalledProcessError) as error:
        digest(project, "spcl.models.tiny")
    assert "spcl.models.tiny: no such module" in error.value.stderr
