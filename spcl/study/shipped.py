"""The workflow that comes with the library: beside it in a checkout, inside it when installed."""

import os

from spcl.study.python_files import LIBRARY

_INSTALLED = LIBRARY / "workflow"

SHIPPED = _INSTALLED if _INSTALLED.is_dir() else LIBRARY.parent
"""The folder with ``Snakefile``, ``workflow``, ``scripts``, ``config``, ``envs``, ``profiles``."""

SCHEMA = SHIPPED / "workflow" / "schemas" / "config.schema.yaml"
"""The JSON Schema of a config, as YAML."""


def import_in_jobs() -> None:
    """Let jobs of a checkout import its library, even if another version is installed.

    The library of an installed workflow is left to the environment of the job.
    """
    if LIBRARY.parent == SHIPPED:
        paths = [str(LIBRARY.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
