"""What extractors there are, installed or not, read from their source files."""

import ast
import importlib
import inspect
from dataclasses import dataclass
from pathlib import Path

from spcl.extract import EXTRAS, names
from spcl.tables.schemas import MODALITIES


@dataclass(frozen=True)
class Listed:
    """An extractor.

    Attributes
    ----------
    name, modality
        As in the config.
    widths, licence
        In words.
    description
        The docstring of its class, with its options.
    missing
        The package that it needs and that is not installed; None if it can be used.
    """

    name: str
    modality: str
    widths: str
    licence: str
    description: str
    missing: str | None

    @property
    def install(self) -> str:
        """The command that installs what is missing."""
        return f"pip install 'spcl[{EXTRAS[self.modality]}]'"


def extractors() -> list[Listed]:
    """All extractors: text, audio, then visual."""
    return [_listed(name, m) for m in sorted(MODALITIES, key="tav".index) for name in names(m)]


def _listed(name: str, modality: str) -> Listed:
    source = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    classes = (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    cls, constants = next((cls, found) for cls in classes if "modality" in (found := _told(cls)))
    missing = None
    try:
        importlib.import_module(f"spcl.extract.{name}")
    except ModuleNotFoundError as error:
        missing = error.name
    description = inspect.cleandoc(ast.get_docstring(cls) or "")
    return Listed(name, modality, constants["WIDTHS"], constants["LICENCE"], description, missing)


def _told(cls: ast.ClassDef) -> dict[str, str]:
    """The constants of a class."""
    return {
        ast.unparse(node.targets[0]): str(node.value.value)
        for node in cls.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }
