"""What the site needs beyond mkdocs.yml: pages from other folders, tables of columns, docstrings.

MkDocs calls the functions ``on_...``; mkdocstrings loads the class `Docstrings`.
"""

import importlib
import logging
import os
import pkgutil
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import griffe
import pyarrow as pa
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from spcl.report import figures, tables
from spcl.tables import schemas
from spcl.tables.parquet import Column, Schema

log = logging.getLogger("mkdocs.hooks.spcl")

ROOT = Path(__file__).parents[1]
ELSEWHERE = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "benchmarks/README.md",
    "benchmarks/history.md",
    "config/README.md",
    "results/README.md",
)
"""Pages of the site that are not in docs/, by their path in the repository and in the site."""


def on_config(config: MkDocsConfig) -> None:
    """Give headings the anchors that they have on GitHub."""
    config.mdx_configs["toc"]["slugify"] = slug


def slug(heading: str, separator: str) -> str:
    """The anchor of `heading`, which is plain text."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", separator)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of other folders."""
    for path in ELSEWHERE:
        files.append(File.generated(config, path, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Turn links that lead through the repository into links through the site; add schemas."""
    source = page.file.src_uri
    folder = os.path.dirname(source if source in ELSEWHERE else f"docs/{source}")

    def through_the_site(match: re.Match[str]) -> str:
        if match["path"] is None:
            return match[0]
        target = os.path.normpath(os.path.join(folder, match["path"]))
        if not (ROOT / target).is_file():
            log.warning("%s: %s leads to no file of the repository", source, match["path"])
        inside = target if target in ELSEWHERE else os.path.relpath(target, "docs")
        return f"]({os.path.relpath(inside, os.path.dirname(source))}{match['anchor'] or ''})"

    link = r"\]\((?P<path>[^)\s:#]+)(?P<anchor>#[^)\s]*)?\)"
    markdown = re.sub(rf"(?s:```.*?```)|`[^`\n]*`|{link}", through_the_site, markdown)
    return re.sub(r"^<!-- columns of (.+) -->$", _columns, markdown, flags=re.MULTILINE)


def _columns(match: re.Match[str]) -> str:
    """A section for each table of the stages, the result tables or the figures."""
    if match[1] == "stages":
        named = [(name, one) for name, one in vars(schemas).items() if isinstance(one, Schema)]
        # The anchor is what docstrings call the schema.
        return "\n".join(
            f"[](){{ #{schemas.__name__}.{name} }}\n{_section(schema.name, schema)}"
            for name, schema in named
        )
    package: ModuleType = {"tables": tables, "figures": figures}[match[1]]
    sections = []
    for module in pkgutil.iter_modules(package.__path__):
        imported = importlib.import_module(f"{package.__name__}.{module.name}")
        sections.append(_section(module.name, imported.SCHEMA))
    return "\n".join(sections)


def _section(title: str, schema: Schema) -> str:
    key = ", ".join(f"`{name}`" for name in schema.key) or "none"
    metadata = ", ".join(f"`{name}`" for name in schema.metadata) or "none"
    lines = [f"### {title}", "", f"Key: {key}. Metadata: {metadata}.", ""]
    lines += ["| column | type | may be null | meaning |", "|---|---|---|---|"]
    for column in schema.columns:
        nullable = "yes" if column.nullable else ""
        meaning = column.meaning.replace("|", "\\|")
        lines.append(f"| `{column.name}` | {_type(column)} | {nullable} | {meaning} |")
    return "\n".join([*lines, ""])


def _type(column: Column) -> str:
    if isinstance(column.type, pa.DataType):
        return f"`{str(column.type).replace('element: ', '').replace('item: ', '')}`"
    return re.split("[:;.]", column.type.__doc__ or "")[0].lower()


class Docstrings(griffe.Extension):
    """Turn our docstrings into what griffe and Markdown expect."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of each object before it is parsed."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)


def as_markdown(docstring: str) -> str:
    """Turn reStructuredText into Markdown, and give each of several parameters its own entry.

    griffe gives parameters that share an entry the type and the default of the first one.
    """
    docstring = re.sub(r"::$", ":", docstring, flags=re.MULTILINE)
    docstring = re.sub(
        r"(?<!`)`(spcl\.[\w.]+)`(?!`)",
        r'<autoref identifier="\1" optional><code>\1</code></autoref>',
        docstring,
    )
    return re.sub(
        r"^(\w+(?:, \w+)+)((?: : .+)?(?:\n    .+)+)",
        lambda match: "\n".join(name + match[2] for name in match[1].split(", ")),
        docstring,
        flags=re.MULTILINE,
    )
