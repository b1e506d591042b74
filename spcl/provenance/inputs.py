"""What the inputs of a job are: tables, a raw corpus, files that its settings name.

Imported by the Snakefile: pyarrow is imported only where a table has to be opened.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from spcl.errors import UserError
from spcl.provenance import corpora
from spcl.provenance.contents import Contents
from spcl.provenance.record import (
    CORPUS,
    Input,
    Making,
    Recipe,
    Record,
    keeps_record_of,
    main_table,
    read_folder_record,
)

_NAMING_FILES = ("options", "model", "curriculum")
"""Settings of extractors, baselines and curricula: a text in them may be a path."""

_NAMING_FOLDERS = "options"
"""Of these, those in which a single word may be a folder: curricula have names of folders, too."""


class Named(Protocol):
    """Names and values of a part of a job, as Snakemake hands them to scripts."""

    def items(self) -> Any: ...
    def get(self, name: str, default: Any = None) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...


class ScriptJob(Protocol):
    """The object ``snakemake`` of a script."""

    wildcards: Named
    params: Named
    input: Named
    output: Named


def tables(inputs: Named) -> list[str]:
    """The tables that stand for a job's inputs, each once; the corpus is none of them."""
    corpus = inputs.get(CORPUS)
    return list(dict.fromkeys(main_table(str(path)) for path in inputs if path != corpus))


def _given(inputs: Named) -> dict[str, dict[str, str | list[str]]]:
    """By such a table, what is given of the files beside it, see `Input.given`."""
    found: dict[str, dict[str, str | list[str]]] = {path: {} for path in tables(inputs)}
    for name, paths in dict(inputs.items()).items() or [("", list(inputs))]:
        if isinstance(paths, str):
            if name != CORPUS:
                found[main_table(paths)][name] = os.path.basename(paths)
            continue
        for path in map(str, paths):
            several = found[main_table(path)].setdefault(name, [])
            assert isinstance(several, list)
            several.append(os.path.basename(path))
    return found


def files(settings: Mapping[str, Any]) -> list[str]:
    """The files and folders that a job's settings name, such as the weights of an encoder."""
    named = ((key, text) for key in _NAMING_FILES for text in _texts(settings.get(key)))
    inner = settings.get("settings")
    found = set(files(inner)) if inner else set()
    return sorted(found | {text for key, text in named if _is_path(text, key)})


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, str) and value:
        yield value


def _is_path(text: str, key: str) -> bool:
    if os.path.isfile(text):
        return True
    return os.path.isdir(text) and (key == _NAMING_FOLDERS or "/" in text)


def making_of(rule: str, job: ScriptJob) -> Making:
    """The record of what the script of `rule` makes, before it begins.

    Raises
    ------
    UserError
        A table among its inputs is not as it was written.
    """
    recipe = Recipe.of(rule, job.wildcards.items(), job.params.items())
    inputs = {path: _table(path, given) for path, given in _given(job.input).items()}
    if corpus := job.input.get(CORPUS):
        contents = Contents(corpora.kept_contents(corpus))
        content = corpora.content(corpus, job.params.get("reads"), contents)
        inputs[CORPUS] = Input(content or "", read_folder_record(corpus))
        contents.save()
    own = Contents(Path(os.devnull))
    inputs |= {path: Input(corpora.tree(path, own)) for path in files(recipe.settings)}
    outputs = dict(job.output.items()) or dict(zip([""], job.output, strict=True))
    return Making(Record(recipe, inputs), {name: Path(path) for name, path in outputs.items()})


def _table(path: str, given: Mapping[str, str | list[str]]) -> Input:
    from spcl.provenance.origin import origin

    found = origin(path)
    if found is None:
        raise UserError(
            f"{path}: not a readable Parquet file of this workflow, or changed since it was"
            f" written; delete it and run again: snakemake --cores 1 {path} (with the --configfile"
            " of your run, if it had one)"
        )
    return Input(found.content, found.record if keeps_record_of(path) else None, given)
