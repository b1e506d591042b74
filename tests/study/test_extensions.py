"""How the code of a baseline or curriculum is found, and the errors for wrong code."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from spcl import curriculum, models
from spcl.curriculum import TrainingSet
from spcl.curriculum.none import NoCurriculum
from spcl.errors import UserError
from spcl.models.mmgcn import MMGCN
from spcl.study import extensions
from spcl.study.extensions import BASELINE, CURRICULUM, find, load, names, needs

MODEL = """
from torch import nn

class Tiny(nn.Module):
    def __init__(self, *, widths, n_classes, n_speakers, hidden=4):
        super().__init__()
        self.hidden = hidden

MODEL = Tiny
"""
SIZES = {"widths": {"a": 3}, "n_classes": 2, "n_speakers": 2}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder on the import path, like the folder of the Snakefile."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.split(".")[0] in ("lab", "my")]:
        del sys.modules[name]


@pytest.fixture
def installed(monkeypatch):
    """Pretend that a package with these entry points is installed: {(group, name): value}."""
    points = {}

    def entry_points(*, group):
        return [EntryPoint(name, value, of) for (of, name), value in points.items() if of == group]

    monkeypatch.setattr(extensions, "entry_points", entry_points)
    monkeypatch.setattr(curriculum, "entry_points", entry_points)
    extensions._installed.cache_clear()
    yield points
    extensions._installed.cache_clear()


def write(path, text=MODEL):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def refusal(call, *arguments):
    with pytest.raises(UserError) as error:
        call(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_modules_of_this_project_are_found_by_their_files():
    assert {"biddin", "dialogue_gcn", "late_fusion", "mm_dfn", "mmgcn"} <= set(names(BASELINE))
    assert {"none", "spcl"} <= set(names(CURRICULUM))
    assert not {"batch", "encoder", "base", "difficulty"} & {*names(BASELINE), *names(CURRICULUM)}
    found = find(BASELINE, "mmgcn")
    assert found.ours
    assert found.module == "spcl.models.mmgcn"
    assert load(found) is MMGCN
    assert load(find(CURRICULUM, "none")) is NoCurriculum


def test_a_source_is_a_file_or_an_import_path(folder):
    write("my/gru.py")
    write("lab/erc/__init__.py", "")
    write("lab/erc/gru.py")
    by_path, by_import = find(BASELINE, "g", "my/gru.py"), find(BASELINE, "g", "lab.erc.gru")
    assert (by_path.module, by_path.path) == (None, Path("my/gru.py"))
    assert (by_import.module, by_import.path) == ("lab.erc.gru", folder / "lab/erc/gru.py")
    assert not by_path.ours
    for found in (by_path, by_import):
        assert load(found).__name__ == "Tiny"
        assert load(found) is load(found)


def test_finding_imports_nothing(folder):
    write("lab/__init__.py", "raise RuntimeError('imported')")
    write("lab/gru.py", "raise RuntimeError('imported')\nMODEL = 1\n")
    write("gru.py", "raise RuntimeError('imported')\nMODEL = 1\n")
    find(BASELINE, "g", "gru.py")
    find(BASELINE, "g", "lab.gru")


def test_finding_extensions_does_not_import_torch():
    code = "import sys, spcl.study.extensions, spcl.provenance.code; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_files_with_the_same_name_in_two_folders_are_different(folder):
    write("one/net.py")
    write("two/net.py", MODEL.replace("Tiny", "Other"))
    classes = [load(find(BASELINE, "net", f"{where}/net.py")).__name__ for where in ("one", "two")]
    assert classes == ["Tiny", "Other"]


def test_a_file_may_import_files_of_the_working_folder(folder):
    write("my/layers.py", "WIDTH = 7\n")
    text = MODEL.replace("hidden=4", "hidden=WIDTH")
    write("my/gru.py", f"from my.layers import WIDTH\n{text}")
    assert models.build(load(find(BASELINE, "g", "my/gru.py")), **SIZES).hidden == 7


@pytest.mark.parametrize(
    "text",
    [
        "class MODEL: pass\n",
        "from collections import OrderedDict as MODEL\n",
        "MODEL: type = dict\n",
        "OTHER = MODEL = dict\n",
    ],
)
def test_a_class_may_be_defined_assigned_or_imported(folder, text):
    write("x.py", text)
    assert isinstance(load(find(BASELINE, "x", "x.py")), type)


def test_an_unknown_name_lists_the_available_ones_and_how_to_add_one():
    said = refusal(find, BASELINE, "mmgnc")
    assert said.startswith("baselines: there is no 'mmgnc'; did you mean 'mmgcn'? available: ")
    assert said.endswith("write 'mmgnc: {source: my/mmgnc.py}', see docs/plug-in.md")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (
            "my/none.py",
            "baselines.g.source: there is no file my/none.py; give its path",
        ),
        ("lab.none", "baselines.g.source: there is no module 'lab.none'; install its package"),
        ("my/gru", "baselines.g.source: there is no module 'my/gru'; install its package"),
        ("json.decoder", "baselines.g: "),
        (
            "empty.py",
            "baselines.g: empty.py does not define MODEL; end it with 'MODEL = YourClass'",
        ),
        ("broken.py", "broken.py:2: "),
        ("latin.py", "latin.py: "),
    ],
)
def test_a_wrong_source_is_one_line_that_names_it(folder, source, says):
    write("empty.py", "class Gru: pass\n")
    write("broken.py", "x = 1\nclass Gru\n")
    (folder / "latin.py").write_bytes(b"x = '\xe4'\n")
    assert refusal(find, BASELINE, "g", source).startswith(says)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 1\nx.y\nMODEL = 1\n", "baselines.g: bad.py:2: AttributeError: 'int' object has no"),
        ("import nowhere_at_all as n\nMODEL = 1\n", "baselines.g: bad.py:1: ModuleNotFound"),
        ("import sys\nsys.exit(0)\nMODEL = 1\n", "baselines.g: bad.py:2: SystemExit: 0"),
        (
            "MODEL = len([])\n",
            "baselines.g: MODEL of bad.py is not a class; write 'MODEL = YourClass'",
        ),
    ],
)
def test_a_file_that_fails_is_one_line_that_names_the_line(folder, text, says):
    write("bad.py", text)
    found = find(BASELINE, "g", "bad.py")
    assert refusal(load, found).startswith(says)
    assert refusal(load, found).startswith(says), "a second time too"


def test_the_traceback_of_a_file_that_fails_is_in_the_log(folder, caplog):
    write("bad.py", "def half(x):\n    return x / 0\nMODEL = half(1)\n")
    with caplog.at_level("INFO", "spcl"):
        assert ":2: ZeroDivisionError" in refusal(load, find(BASELINE, "g", "bad.py"))
    assert "MODEL = half(1)" in caplog.text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", {}),
        ("NEEDS = {'probes': {'threshold': 'auto'}}\n", {"probes": {"threshold": "auto"}}),
        ("NEEDS: dict = {'pace': {}, 'shift_rate': {}}\n", {"pace": {}, "shift_rate": {}}),
    ],
)
def test_needs_are_read_without_an_import(folder, text, wanted):
    write("mine.py", f"{text}raise RuntimeError\nCURRICULUM = 1\n")
    assert needs(find(CURRICULUM, "mine", "mine.py")) == wanted


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{'probs': {}}", "NEEDS has the unknown key 'probs'; did you mean 'probes'? available: "),
        ("['probes']", "NEEDS is not a literal of the form"),
        ("{'probes': None}", "NEEDS is not a literal of the form"),
        ("{'probes': 'threshold'}", "NEEDS is not a literal of the form"),
        ("dict(probes={})", "NEEDS is not a literal of the form"),
    ],
)
def test_wrong_needs_are_one_line_that_names_the_line(folder, text, says):
    write("mine.py", f"CURRICULUM = 1\nNEEDS = {text}\n")
    said = refusal(needs, find(CURRICULUM, "mine", "mine.py"))
    assert said.startswith(f"curricula.mine: mine.py:2: {says}")


def test_needs_are_the_optional_fields_of_a_training_set():
    fields = TrainingSet.__dataclass_fields__.values()
    assert tuple(field.name for field in fields if field.default is None) == extensions.NEEDS


def test_an_installed_package_is_found_by_its_entry_points(folder, installed):
    write("lab/__init__.py", "")
    write("lab/gru.py")
    write("lab/short.py", "from spcl.curriculum.none import NoCurriculum as CURRICULUM\n")
    installed[BASELINE.group, "lab_gru"] = "lab.gru"
    installed[CURRICULUM.group, "short"] = "lab.short"
    assert names(BASELINE)[-1] == "lab_gru"
    assert find(BASELINE, "lab_gru").path == folder / "lab/gru.py"
    assert type(models.build("lab_gru", **SIZES, hidden=3)).__name__ == "Tiny"
    assert isinstance(curriculum.build("short"), NoCurriculum)


def test_an_entry_point_cannot_replace_a_module_of_this_project(folder, installed):
    installed[BASELINE.group, "mmgcn"] = "lab.gru"
    installed[CURRICULUM.group, "none"] = "lab.short"
    assert find(BASELINE, "mmgcn").ours
    assert isinstance(curriculum.build("none"), NoCurriculum)
    assert names(BASELINE).count("mmgcn") == 1


def test_an_entry_point_names_a_module(folder, installed):
    write("lab/gru.py")
    installed[BASELINE.group, "lab_gru"] = "lab.gru:Tiny"
    assert refusal(find, BASELINE, "lab_gru") == (
        "entry point spcl.baselines: lab_gru: there is no module 'lab.gru:Tiny'; name a module,"
        " without a colon"
    )


class Open(NoCurriculum):
    def __init__(self, **anything):
        super().__init__()
        self.anything = anything


class Closed(NoCurriculum):
    def __init__(self, pace, *, slow=1):
        super().__init__()


def test_a_curriculum_may_be_a_class():
    assert curriculum.build(Open, x=1, y=2).anything == {"x": 1, "y": 2}
    assert isinstance(curriculum.build(Closed, pace=1), Closed)
    with pytest.raises(
        ValueError, match=r"unexpected keyword argument 'slw'; available settings: pace, slow"
    ):
        curriculum.build(Closed, pace=1, slw=2)
    with pytest.raises(ValueError, match=r"missing a required argument: 'pace'"):
        curriculum.build(Closed)
    with pytest.raises(ValueError, match=r"dict is not a subclass of spcl.curriculum.Curriculum"):
        curriculum.build(dict)
    with pytest.raises(
        ValueError, match=r"there is no curriculum 'spclc'; available: .*none.*spcl"
    ):
        curriculum.build("spclc")


def baseline(source):
    """A baseline's class with this constructor."""
    text = (
        f"class Tiny(nn.Module):\n    def __init__(self, {source}):\n        super().__init__()\n"
    )
    module = {}
    exec("from torch import nn\n" + text, module)
    return module["Tiny"]


@pytest.mark.parametrize(
    ("source", "settings"),
    [
        ("*, widths, n_classes, n_speakers", {}),
        ("widths, n_classes, n_speakers, hidden", {"hidden": 3}),
        ("widths, **rest", {"hidden": 3}),
        ("**anything", {"depth": 3}),
    ],
)
def test_a_baseline_may_be_a_class(source, settings):
    assert type(models.build(baseline(source), **SIZES, **settings)).__name__ == "Tiny"


@pytest.mark.parametrize(
    ("source", "settings", "says"),
    [
        (
            "widths, n_classes, n_speakers, hidden=1, depth=2",
            {"hiden": 3},
            "Tiny: got an unexpected keyword argument 'hiden'; the class takes: widths, n_classes,",
        ),
        (
            "widths, n_classes, n_speakers",
            {"x": 3},
            "Tiny: got an unexpected keyword argument 'x'; the class",
        ),
        (
            "widths, n_classes, n_speakers, hidden",
            {},
            "Tiny: missing a required argument: 'hidden'",
        ),
        (
            "hidden, **rest",
            {},
            "Tiny: missing a required argument: 'hidden'; the class takes: hidden",
        ),
        ("widths, n_classes", {}, "Tiny: got an unexpected keyword argument 'n_speakers'"),
    ],
)
def test_settings_that_do_not_fit_a_class_are_explained(source, settings, says):
    def build():
        models.build(baseline(source), **SIZES, **settings)

    assert refusal(build).startswith(says)


def test_a_baseline_is_a_module_of_torch():
    with pytest.raises(UserError, match=r"dict is not a subclass of torch.nn.Module"):
        models.build(dict, **SIZES)
