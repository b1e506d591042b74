"""The datasets of a config: their modalities, extractors and folds.

The Snakefile imports this module, so it uses the standard library alone.
"""

from collections.abc import Mapping
from typing import Any

FOLDED = "leave-one-session-out"
"""The protocol that turns a dataset into one fold for each session."""

MODALITY_SETS = ("atv", "at", "tv", "av", "a", "t", "v")
"""The modality sets, as in the paper."""

_LETTERS = "atv"


def modalities(config: Mapping[str, Any], dataset: str) -> str:
    """The letters of a dataset's modalities, in the order ``atv``.

    They are its key ``modalities``; without that key, the modalities that have an extractor.
    """
    entry = config["datasets"][dataset]
    if "modalities" in entry:
        return str(entry["modalities"])
    known = {*config["features"], *entry.get("features", {})}
    return "".join(letter for letter in _LETTERS if letter in known)


def extraction(config: Mapping[str, Any], dataset: str, letter: str) -> dict[str, Any] | None:
    """The extractor of a modality: the entry of the dataset, or else the general one."""
    own = config["datasets"][dataset].get("features", {})
    found = own.get(letter) or config["features"].get(letter)
    return None if found is None else dict(found)


def with_folds(datasets: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Add the folds of each dataset whose protocol leaves out one session after another.

    The name of a fold is ``<dataset>-session<number>``. A fold is a dataset that shares the files
    and features of the dataset ``fold_of``.
    """
    every: dict[str, dict[str, Any]] = {}
    for name, dataset in datasets.items():
        if dataset.get("protocol") != FOLDED:
            every[name] = dict(dataset)
            continue
        # The whole dataset is imported too, for its features. It leaves out none of `sessions`, so
        # that the features are not extracted again when `sessions` changes.
        every[name] = dict(dataset) | {"protocol_seed": None}
        for session in dataset["sessions"]:
            every[f"{name}-session{session}"] = dict(dataset) | {
                "protocol_seed": session,
                "fold_of": name,
            }
    return every


def trained(datasets: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The datasets that cells are trained on: the folds instead of a folded dataset."""
    folded = {dataset.get("fold_of") for dataset in datasets.values()}
    return [name for name in datasets if name not in folded]


def owners(datasets: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The datasets that features are extracted for: all but the folds."""
    return [name for name, dataset in datasets.items() if "fold_of" not in dataset]
