"""The workflow that comes with the library: beside it in a checkout, inside it when installed."""

from spcl.study.python_files import LIBRARY

_INSTALLED = LIBRARY / "workflow"

SHIPPED = _INSTALLED if _INSTALLED.is_dir() else LIBRARY.parent
"""The folder with ``Snakefile``, ``workflow``, ``scripts``, ``config``, ``envs``, ``profiles``."""

SCHEMA = SHIPPED / "workflow" / "schemas" / "config.schema.yaml"
"""The JSON Schema of a config, as YAML."""
