"""Two small simulated corpora, written once a session; nobody changes them."""

import os
from pathlib import Path

import pytest

from spcl.data.simulator import simulate

SEED = 3


@pytest.fixture(scope="session")
def meld_sim(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated") / "meld-sim"
    simulate("meld", folder, seed=SEED, dialogues=6)
    return folder


@pytest.fixture(scope="session")
def iemocap_sim(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated") / "iemocap-sim"
    simulate("iemocap", folder, seed=SEED, dialogues=6)
    return folder


@pytest.fixture
def lock(monkeypatch):
    """Put a folder out of reach, also for an administrator, whom no permissions stop."""

    def out_of_reach(folder):
        def guarded(call):
            def ask(path, *args, **options):
                inside = not isinstance(path, int) and folder in (Path(path), *Path(path).parents)
                if inside and (call is not os_stat or Path(path) != folder):
                    raise PermissionError(13, "Permission denied", str(path))
                return call(path, *args, **options)

            return ask

        os_stat = os.stat
        for name in ("listdir", "scandir", "stat"):
            monkeypatch.setattr(os, name, guarded(getattr(os, name)))

    return out_of_reach
