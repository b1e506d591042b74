"""The digest of a rule's code: which changes it depends on."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = {
    "script.py": "from spcl.cell import train\ntrain()\n",
    "spcl/__init__.py": "",
    "spcl/cell.py": "import spcl.loop\nfrom spcl import models\n\ndef train():\n    return 1\n",
    "spcl/loop.py": "from spcl.tables import parquet\nfrom .metrics import score\n",
    "spcl/tables/parquet.py": "import spcl.report\n",
    "spcl/metrics.py": '"""Scores."""\n\n\ndef score(x):\n    """Of x."""\n    return x + 1\n',
    "spcl/models/__init__.py": "import importlib\n",
    "spcl/models/small.py": "from spcl.models import layers\nSIZE = 1\n",
    "spcl/models/layers.py": "WIDTH = 2\n",
    "spcl/models/large.py": "SIZE = 9\n",
    "spcl/report.py": "STYLE = 'plain'\n",
}

COPIED = ("code", "digest_cache", "decisive")


@pytest.fixture
def project(tmp_path):
    """A small project with a copy of spcl/provenance/code.py and its imports."""
    for name, text in PACKAGE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in ("errors.py", "study/python_files.py", *(f"provenance/{one}.py" for one in COPIED)):
        (tmp_path / "spcl" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "spcl" / name).write_text((ROOT / "spcl" / name).read_text())
    return tmp_path


def digest(project, *modules):
    """The digest of script.py, computed in a new process."""
    program = "import sys; from spcl.provenance.code import digest; print(digest(*sys.argv[1:]))"
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
def test_the_digest_changes_with_imported_code(project, name, old, new):
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
        ("spcl/tables/parquet.py", "import", "COMPRESSION = 'zstd'\nimport"),
    ],
    ids=[
        *("docstring", "no docstring", "comment", "layout"),
        *("only plumbing imports it", "other baseline", "plumbing"),
    ],
)
def test_the_digest_ignores_comments_layout_and_other_code(project, name, old, new):
    before = digest(project, "spcl.models.small")
    edit(project, name, old, new)
    assert digest(project, "spcl.models.small") == before


def test_the_digest_depends_on_the_named_modules(project):
    digests = {digest(project, *named) for named in [(), ["spcl.models.small"]]}
    assert len(digests) == 2


def test_imports_under_type_checking_do_not_change_the_digest(project):
    guarded = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from spcl import report\n"
    (project / "spcl/loop.py").write_text(guarded)
    before = digest(project)
    edit(project, "spcl/report.py", "plain", "gaudy")
    assert digest(project) == before


PLUG_INS = {
    "my/gru.py": "import numpy\nimport spcl.metrics\nfrom my.layers import WIDTH\nSIZE = 1\n",
    "my/layers.py": "import beside\nWIDTH = 1\n",
    "my/unused.py": "WIDTH = 1\n",
    "beside.py": "DEPTH = 1\n",
    "elsewhere/lab/__init__.py": "",
    "elsewhere/lab/gru.py": "from . import parts\nimport other\nSIZE = 1\n",
    "elsewhere/lab/parts/__init__.py": "from .deep import WIDTH\n",
    "elsewhere/lab/parts/deep.py": "WIDTH = 1\n",
    "elsewhere/lab/unused.py": "WIDTH = 1\n",
    "elsewhere/other.py": "WIDTH = 1\n",
}
"""Custom code in the working folder, and two installed packages."""


@pytest.fixture
def plug_ins(project, monkeypatch):
    for name, text in PLUG_INS.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(project / "elsewhere"))
    return project


@pytest.mark.parametrize("named", ["my/gru.py", "lab.gru"])
def test_the_digest_includes_the_imports_of_custom_code(plug_ins, named):
    reached = {
        "my/gru.py": {"my/gru.py", "my/layers.py", "beside.py", "spcl/metrics.py"},
        "lab.gru": {f"elsewhere/lab/{n}.py" for n in ("gru", "parts/__init__", "parts/deep")},
    }[named]
    (plug_ins / "script.py").write_text("")
    before = digest(plug_ins, named)
    changed = set()
    for file in [*PLUG_INS, "spcl/metrics.py"]:
        text = (plug_ins / file).read_text()
        (plug_ins / file).write_text(f"{text}\nCHANGED = 1\n")
        changed |= {file} if digest(plug_ins, named) != before else set()
        (plug_ins / file).write_text(text)
    assert changed - {"elsewhere/lab/__init__.py"} == reached
    assert ("elsewhere/lab/__init__.py" in changed) == (named == "lab.gru")
    assert digest(plug_ins, named) == before


def test_comments_of_custom_code_do_not_change_the_digest(plug_ins):
    before = digest(plug_ins, "my/gru.py")
    edit(plug_ins, "my/gru.py", "SIZE = 1", '"""Of a layer."""\nSIZE  =  1  # one')
    assert digest(plug_ins, "my/gru.py") == before


def test_moving_a_file_does_not_change_the_digest(plug_ins):
    before = digest(plug_ins, "my/gru.py")
    (plug_ins / "my/gru.py").rename(plug_ins / "gru.py")
    assert digest(plug_ins, plug_ins / "gru.py") == before


def test_a_file_that_is_not_python_is_named(plug_ins):
    (plug_ins / "beside.py").write_text("DEPTH =\n")
    with pytest.raises(subprocess.CalledProcessError) as error:
        digest(plug_ins, "my/gru.py")
    assert "UserError" in error.value.stderr
    assert "beside.py:1: invalid syntax; fix the line" in error.value.stderr


def test_a_named_module_must_exist(project):
    with pytest.raises(subprocess.CalledProcessError) as error:
        digest(project, "spcl.models.tiny")
    assert "spcl.models.tiny: no such module" in error.value.stderr


def test_a_cached_digest_is_not_used_for_an_edited_file(project):
    """The file is edited and its time stamp restored."""
    program = (
        "from pathlib import Path; import os; from spcl.provenance import code, digest_cache;"
        "digest_cache._SETTLED_S = 0; old = code.digest('script.py'); code.save_digests();"
        "assert Path('.snakemake/contents/code.json').exists();"
        "path = Path('spcl/loop.py'); stamp = path.stat().st_mtime_ns;"
        "path.write_text(path.read_text() + 'CHANGED = 1\\n'); os.utime(path, ns=(stamp, stamp));"
        "print(old)"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
    assert digest(project) != done.stdout.strip()
