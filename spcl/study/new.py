"""Write a new study: a config, a Snakefile that uses the installed workflow, and a README."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from spcl import __version__
from spcl.errors import UserError
from spcl.study.datasets import MODALITY_SETS
from spcl.study.shipped import SHIPPED

_SNAKEFILE = """\
from spcl.study.shipped import SHIPPED


configfile: "config/config.yaml"


module spcl:
    snakefile:
        str(SHIPPED / "Snakefile")
    config:
        config


use rule * from spcl
"""

_README = f"""\
# A study with SPCL

`config/config.yaml` says what to run: datasets, baselines, modalities, curricula, seeds.
`Snakefile` uses the workflow of the installed package `spcl` (written with version {__version__});
add your own rules there.

    snakemake -n              # show what would run
    snakemake --cores 2       # run the whole grid
    python -m spcl status     # show the progress, and why jobs failed
    python -m spcl verify     # check the results
    snakemake --report results/report.zip

Tables are in `results/tables/`, figures in `results/figures/`. Delete `results/` to start again.
`profiles/slurm/profile.yaml` is a start for a SLURM cluster:
`snakemake --workflow-profile profiles/slurm`.
"""


def write_study(folder: Path, corpora: Iterable[Mapping[str, Any]]) -> None:
    """Write a study that runs all baselines on `corpora`, with and without SPCL.

    Parameters
    ----------
    folder
        Is created.
    corpora
        Of each corpus the keys ``datasets`` and ``features`` of a config, as
        `spcl.inspection.paste.config_lines` finds them. Without any the study is the smallest
        run on a simulated corpus.

    Raises
    ------
    UserError
        `folder` exists.
    """
    if folder.exists():
        raise UserError(f"{folder}: exists already; name a new folder")
    corpora = list(corpora)
    config = _config(corpora) if corpora else _shipped("config/smoke.yaml")
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "config.yaml").write_text(config, encoding="utf-8")
    (folder / "Snakefile").write_text(_SNAKEFILE, encoding="utf-8")
    (folder / "README.md").write_text(_README, encoding="utf-8")
    shutil.copytree(SHIPPED / "profiles", folder / "profiles")


def _config(corpora: list[Mapping[str, Any]]) -> str:
    """The corpora, and the training settings of ``config/paper.yaml``."""
    paper = yaml.safe_load(_shipped("config/paper.yaml"))
    datasets = {name: keys for corpus in corpora for name, keys in corpus["datasets"].items()}
    features = {
        letter: keys for corpus in corpora for letter, keys in corpus.get("features", {}).items()
    }
    there = [set(keys.get("modalities", "atv")) for keys in datasets.values()]
    sets = [
        letters
        for letters in MODALITY_SETS
        if any(set(letters) <= some and len(letters) >= min(2, len(some)) for some in there)
    ]
    config = {
        "name": "study",
        "datasets": datasets,
        **({"features": features} if features else {}),
        "grid": {**paper["grid"], "modalities": sets},
        "training": paper["training"],
        "baselines": paper["baselines"],
        "curricula": {"none": {}, "spcl": {"settings": {"threshold": "auto"}}},
    }
    explained = "# Every key is explained in config/README.md of spcl.\n"
    return explained + yaml.safe_dump(
        config, sort_keys=False, default_flow_style=None, allow_unicode=True, width=100
    )


def _shipped(name: str) -> str:
    return (SHIPPED / name).read_text(encoding="utf-8")
