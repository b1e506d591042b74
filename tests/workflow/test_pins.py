"""One set of versions: the lock, the environments of the rules, what pyproject asks for."""

import ast
import itertools
import re
import sys
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.workflow.conftest import ROOT


def pins(lines):
    """Versions by name, of lines such as ``numpy==2.4.6``."""
    pairs = (line.strip().split("==") for line in lines if "==" in line)
    return {canonicalize_name(name): version for name, version in pairs}


LOCK = pins((ROOT / "requirements.lock").read_text().splitlines())
ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))


def packages(path):
    (listed,) = (one["pip"] for one in yaml.safe_load(path.read_text())["dependencies"][2:])
    return pins(listed)


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environments_pin_what_the_lock_pins(path):
    found = packages(path)
    assert found
    assert found == {name: LOCK[name] for name in found}


def test_the_lock_holds_what_pyproject_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    for requirement in map(Requirement, itertools.chain(*groups)):
        assert requirement.specifier.contains(LOCK[canonicalize_name(requirement.name)])


def test_the_lock_is_for_any_machine():
    text = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"\+|://|nvidia|torchvision", text)


IMPORTED_AS = {"cv2": "opencv-python-headless", "dlib": "dlib-bin", "sklearn": "scikit-learn"}
ALWAYS_THERE = {"snakemake", "jsonschema", "pyyaml", "yaml"}  # with Snakemake itself


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_an_environment_holds_what_its_scripts_import(path):
    rules = "".join(file.read_text() for file in (ROOT / "workflow/rules").glob("*.smk"))
    blocks = [block for block in re.split(r"^rule ", rules, flags=re.M) if path.name in block]
    assert blocks
    for block in blocks:
        script = ROOT / "scripts" / f"{block.partition(':')[0]}.py"
        missing = third_party(script, set()) - set(packages(path)) - ALWAYS_THERE
        assert missing == set(), f"{script.name} needs {missing}"


def third_party(file, seen):
    """Packages that `file` imports when it is imported, through the project's modules too."""
    found = set()
    seen.add(file)
    for node in ast.parse(file.read_text()).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            top = name.partition(".")[0]
            if top == "spcl":
                stem = ROOT.joinpath(*name.split("."))
                for path in (stem.with_suffix(".py"), stem / "__init__.py"):
                    if path.exists() and path not in seen:
                        found |= third_party(path, seen)
            elif top not in sys.stdlib_module_names:
                found.add(canonicalize_name(IMPORTED_AS.get(top, top)))
    return found


def test_the_citation_names_the_version_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == project["version"]
