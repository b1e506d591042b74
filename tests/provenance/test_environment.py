"""The provenance columns of a cell's metrics."""

import subprocess

import pytest
import torch

from spcl.errors import UserError
from spcl.provenance.environment import collect_provenance, commit, versions


@pytest.fixture
def repository(tmp_path):
    """A repository with one committed file."""

    def git(*arguments):
        who = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    file = tmp_path / "module.py"
    file.write_text("x = 1\n")
    git("init")
    git("add", "module.py")
    git("commit", "-m", "first")
    return file


def test_the_commit_carries_a_plus_when_something_is_uncommitted(repository):
    clean = commit(repository)
    assert len(clean) == 12
    repository.write_text("x = 2\n")
    assert commit(repository) == f"{clean}+"


def test_a_package_installed_inside_another_repository_has_no_commit(repository):
    installed = repository.parent / "site-packages" / "spcl.py"
    installed.parent.mkdir()
    installed.write_text("")
    assert commit(installed) == "unknown"


def test_outside_a_repository_the_commit_is_unknown(tmp_path):
    assert commit(tmp_path / "spcl.py") == "unknown"


def test_the_config_digest_ignores_the_order_of_keys_and_the_seeds():
    def config_digest(settings):
        return collect_provenance(settings, device="cpu", code="c", inputs={}).config_digest

    assert config_digest({"a": 1, "b": 2}) == config_digest({"b": 2, "a": 1, "seeds": [1]})
    assert config_digest({"a": 1, "b": 2}) != config_digest({"a": 1, "b": 3})


def test_the_provenance_contains_the_device_and_the_versions():
    made = collect_provenance({"seeds": [1]}, device="cpu", code="c", inputs={})
    assert made.device
    assert {"python", "torch", "numpy"} <= set(made.versions)
    assert "not-a-package" not in versions()


def test_the_training_digest_depends_on_all_but_the_list_of_seeds():
    def digest(settings=None, *, code="c", features="x"):
        settings = {"seeds": [1], "training": {"epochs": 2}} | (settings or {})
        inputs = {"features.parquet": features}
        return collect_provenance(settings, device="cpu", code=code, inputs=inputs).training_digest

    assert digest({"seeds": [1, 2]}) == digest()
    others = [digest({"training": {"epochs": 3}}), digest(code="d"), digest(features="y")]
    assert len({digest(), *others}) == 4


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_one_line():
    with pytest.raises(
        UserError, match=r"^device: cuda: torch finds no GPU here \(.*\); set device"
    ):
        collect_provenance({}, device="cuda", code="c", inputs={})
