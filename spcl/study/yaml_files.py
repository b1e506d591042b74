"""YAML: a fast loader, and the keys that a file has twice, of which YAML takes the last."""

from collections.abc import Iterator
from pathlib import Path

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The safe loader in C if PyYAML was built with it, which is ten times as fast."""


def repeated_keys(file: Path) -> Iterator[str]:
    """A fault for each key that a mapping of a YAML or JSON file has more than once.

    A file that cannot be parsed has no such fault: whoever reads it as a config refuses it. What
    can be read only once, such as a pipe, is not read.
    """
    if not file.is_file():
        return
    text = file.read_text(encoding="utf-8").replace("\t", " ")  # JSON may be indented by tabs
    try:
        root = yaml.compose(text, Loader=LOADER)
    except yaml.YAMLError:
        return
    yield from _repeated(root, (), set())


def _repeated(node: yaml.Node | None, path: tuple[str, ...], entered: set[int]) -> Iterator[str]:
    if id(node) in entered:  # by an alias, perhaps of a node around it
        return
    entered.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, entry in enumerate(node.value):
            yield from _repeated(entry, (*path, str(index)), entered)
    if not isinstance(node, yaml.MappingNode):
        return
    lines: dict[tuple[str, str], int] = {}
    for key, value in node.value:
        line, place = key.start_mark.line + 1, (*path, str(key.value))
        if (key.tag, str(key.value)) in lines:
            first = lines[key.tag, str(key.value)]
            where = f"in lines {first} and {line}" if first < line else f"in line {line}"
            yield f"{'.'.join(place)}: is there twice, {where}; remove or rename one of them"
        lines.setdefault((key.tag, str(key.value)), line)
        yield from _repeated(value, place, entered)
