"""Fixtures of the tests of `spcl.data`."""

import os
from pathlib import Path

import pytest


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
