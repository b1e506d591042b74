"""The parameters of a class, read from its file and compared with `inspect`."""

import importlib
import inspect
import subprocess
import sys

import pytest

from spcl.study.extensions import BASELINE, CURRICULUM, find, load, names, takes
from spcl.study.python_files import constructor

BASES = """
class Base:
    def __init__(self, width, *, depth=2):
        pass

class Open:
    def __init__(self, **settings):
        pass

class C:
    def __init__(self, height):
        pass

class Made:
    def __new__(cls, width):
        return object.__new__(cls)
"""

READ = {
    "own": "class C:\n    def __init__(self, a, b=1, *, c, d=2): pass",
    "by place or by name": "class C:\n    def __init__(self, a=1, *rest, b): pass",
    "nothing": "class C:\n    def __init__(self): pass",
    "no base": "class C:\n    WIDTH = 1",
    "inherited": "from lab.bases import Base\nclass C(Base):\n    pass",
    "under another name": "from lab.bases import Base as B\nclass C(B):\n    pass",
    "imported": "from lab.bases import Base as C",
    "imported beside another of its name": "from lab.bases import C as D, Base as C",
    "called otherwise": "from lab.bases import Base\nC = Base",
    "of the same file": "class A:\n    def __init__(self, a): pass\nclass C(A):\n    pass",
    "the last of its name": "class C:\n    pass\nclass C:\n    def __init__(self, a): pass",
    "its own": "from torch import nn\nclass C(nn.Module):\n    def __init__(self, a=1): pass",
}
LEFT_ALONE = {
    "any keyword": "from lab.bases import Open as C",
    "by place alone": "class C:\n    def __init__(self, a, /): pass",
    "decorated": "from dataclasses import dataclass\n@dataclass\nclass C:\n    a: int",
    "decorated init": "def same(f): return f\nclass C:\n    @same\n    def __init__(self, a): pass",
    "two bases": "from lab.bases import Base, Open\nclass C(Base, Open):\n    pass",
    "metaclass": "class C(metaclass=type):\n    pass",
    "makes its instances": "from lab.bases import Made\nclass C(Made):\n    pass",
    "a call": "C = type('C', (), {})",
    "a base from elsewhere": "import lab.bases\nclass C(lab.bases.Base):\n    pass",
    "a base that is made": "from lab.bases import Base\nclass C(type(Base(1))):\n    pass",
    "a relative import": "from .bases import Base as C",
    "only under a condition": "if True:\n    class C: pass",
    "derived from itself": "from lab.code import C as D\nclass C(D):\n    pass",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package on the path, whose module ``lab.code`` each test writes."""
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "__init__.py").touch()
    (tmp_path / "lab" / "bases.py").write_text(BASES)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "lab" / "code.py"
    for name in [name for name in sys.modules if name.split(".")[0] == "lab"]:
        del sys.modules[name]


def said_by_python(one):
    """By parameter, whether it must be given."""
    named = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
    parameters = inspect.signature(one).parameters.values()
    return {one.name: one.default is one.empty for one in parameters if one.kind in named}


@pytest.mark.parametrize("code", READ.values(), ids=READ)
def test_parameters_are_read_as_inspect_returns_them(package, code):
    package.write_text(code)
    read = constructor(package, "C")
    assert read is not None
    assert list(read.items()) == list(said_by_python(importlib.import_module("lab.code").C).items())


@pytest.mark.parametrize("code", LEFT_ALONE.values(), ids=LEFT_ALONE)
def test_parameters_that_need_an_import_are_not_read(package, code):
    package.write_text(code)
    assert constructor(package, "C") is None


@pytest.mark.parametrize("kind", [BASELINE, CURRICULUM], ids=["baselines", "curricula"])
def test_the_parameters_of_all_modules_of_this_project_are_read(kind):
    for name in names(kind):
        extension = find(kind, name)
        said = said_by_python(load(extension))
        assert takes(extension) == {one: said[one] for one in said if one not in kind.given}


def test_reading_parameters_does_not_import_torch():
    code = (
        "import sys; from spcl.study.extensions import *\n"
        "for kind in (BASELINE, CURRICULUM):\n"
        "    print([takes(find(kind, name)) for name in names(kind)])\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0
