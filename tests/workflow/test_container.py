"""The recipe of the container installs what the lock pins and copies what a run needs."""

import re
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from tests.workflow.conftest import PARTS, ROOT

RECIPE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
LINES = [line.split() for line in RECIPE.splitlines() if line and not line.startswith("#")]


def of(instruction):
    return [words for first, *words in LINES if first == instruction]


def test_its_python_is_one_that_the_project_supports():
    ((image,),) = of("FROM")
    version = re.fullmatch(r"python:(3\.\d+)-slim", image)[1]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert SpecifierSet(project["requires-python"]).contains(f"{version}.0")


def test_pip_installs_the_lock_and_the_package_and_nothing_else():
    installs = [set(words) - {"--no-cache-dir"} for words in of("RUN") if words[0] == "pip"]
    assert installs == [
        {"pip", "install", "-r", "requirements.lock"},
        {"pip", "install", "--no-deps", "--no-build-isolation", "--editable", "."},
    ]


def test_it_copies_what_a_run_needs():
    copied = {source.rstrip("/") for *sources, _ in of("COPY") for source in sources}
    assert copied >= set(PARTS)
    for name in copied:
        assert (ROOT / name).exists(), name


def test_it_starts_snakemake():
    assert of("ENTRYPOINT") == [['["snakemake"]']]


@pytest.mark.parametrize("pattern", ["av/container/*.so", "cv2/*.so", "opensmile/**/*64/*.so"])
def test_the_media_packages_need_no_system_package(pattern):
    """Beside their own libraries they need those of C and C++ and zlib, which the image has."""
    folder = Path(sysconfig.get_path("platlib"))
    files = list(folder.glob(pattern))
    assert files
    for file in files:
        listed = subprocess.run(["ldd", file], capture_output=True, text=True, check=True).stdout
        foreign = [line.split()[0] for line in listed.splitlines() if str(folder) not in line]
        others = [
            name
            for name in foreign
            if not re.match(
                r"(linux-vdso|libc|libdl|libgcc_s|libm|libmvec|libpthread|librt|libstdc\+\+|libz)\.so"
                r"|/lib\S*/ld-linux",
                name,
            )
        ]
        assert others == [], file.name
