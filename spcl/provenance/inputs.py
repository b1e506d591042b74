"""The inputs of a job: tables, a raw corpus, and files that its settings name.

The Snakefile imports this module, so it imports pyarrow only to open a table.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spcl.errors import UserError
from spcl.provenance import corpora
from spcl.provenance.digest_cache import DigestCache
from spcl.provenance.record import (
    CORPUS,
    Input,
    Recipe,
    Record,
    RunningJob,
    main_table,
    may_be_deleted,
    read_folder_record,
)

_NAMING_FILES = ("options", "model", "curriculum")
"""Settings of extractors, baselines and curricula: a text in them may be a path."""

_NAMING_FOLDERS = "options"
"""The one of these in which a single word may be a folder: curricula have names of folders, too."""


def tables(inputs: Any) -> list[str]:
    """The main tables of the inputs of a Snakemake job, each once, without the corpus."""
    corpus = inputs.get(CORPUS)
    return list(dict.fromkeys(main_table(str(path)) for path in inputs if path != corpus))


def _given(inputs: Any) -> dict[str, dict[str, str | list[str]]]:
    """By main table, the value of `Input.given`."""
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


def running_job(rule: str, script: Any) -> RunningJob:
    """The job of the script of `rule` with its record, computed before the job starts.

    Parameters
    ----------
    rule
        The rule.
    script
        The object ``snakemake`` of its script.

    Raises
    ------
    UserError
        A table among its inputs has changed since it was written.
    """
    recipe = Recipe.of(rule, script.wildcards.items(), script.params.items())
    inputs = {path: _table(path, given) for path, given in _given(script.input).items()}
    if corpus := script.input.get(CORPUS):
        cache = DigestCache(corpora.cache_path(corpus))
        content = corpora.corpus_digest(corpus, script.params.get("reads"), cache)
        inputs[CORPUS] = Input(content or "", read_folder_record(corpus))
        cache.save()
    uncached = DigestCache(Path(os.devnull))
    inputs |= {path: Input(corpora.tree_digest(path, uncached)) for path in files(recipe.settings)}
    outputs = dict(script.output.items()) or dict(zip([""], script.output, strict=True))
    return RunningJob(Record(recipe, inputs), {name: Path(path) for name, path in outputs.items()})


def _table(path: str, given: Mapping[str, str | list[str]]) -> Input:
    from spcl.provenance.footer import read_footer

    footer = read_footer(path)
    if footer is None:
        raise UserError(
            f"{path}: not a readable Parquet file of this workflow, or changed since it was"
            f" written; delete it and run again: snakemake --cores 1 {path} (with the --configfile"
            " of your run, if it had one)"
        )
    return Input(footer.content, footer.record if may_be_deleted(path) else None, given)
