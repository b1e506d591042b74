"""Reads config files as Snakemake does."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

from spcl.errors import UserError
from spcl.study.config import check
from spcl.study.datasets import with_folds
from spcl.study.shipped import SCHEMA


def read_config(files: Sequence[Path]) -> dict[str, Any]:
    """Merge config files (later ones override), validate the result, add the folds of datasets.

    Raises
    ------
    UserError
        A file does not exist or is not YAML, or the config has a fault.
    """
    config: dict[str, Any] = {}
    for file in files:
        if not file.is_file():
            raise UserError(f"{file}: no such file; name one with --configfile")
        try:
            update_config(config, load_configfile(file))
        except WorkflowError as error:
            raise UserError(f"{file}: {error}; fix the file") from error
    check(config, SCHEMA, ", ".join(map(str, files)), files)
    config["datasets"] = with_folds(config["datasets"])
    return config
