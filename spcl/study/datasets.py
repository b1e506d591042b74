"""What a config says of its corpora: their modalities, their extractors, their folds.

Imported by the Snakefile, so it uses the standard library alone.
"""

from collections.abc import Mapping
from typing import Any

FOLDED = "leave-one-session-out"
"""The protocol that makes a dataset several: one a session."""

MODALITY_SETS = ("atv", "at", "tv", "av", "a", "t", "v")
"""As the paper spells them."""

_LETTERS = "atv"


def modalities(config: Mapping[str, Any], dataset: str) -> str:
    """The letters of the modalities that a dataset has, in the order ``atv``.

    Its own key ``modalities`` says it; without that it is whatever has an extractor.
    """
    entry = config["datasets"][dataset]
    if "modalities" in entry:
        return str(entry["modalities"])
    known = {*config["features"], *entry.get("features", {})}
    return "".join(letter for letter in _LETTERS if letter in known)


def extraction(config: Mapping[str, Any], dataset: str, letter: str) -> dict[str, Any] | None:
    """How a modality of a dataset is extracted: its own entry, or else the general one."""
    own = config["datasets"][dataset].get("features", {})
    found = own.get(letter) or config["features"].get(letter)
    return None if found is None else dict(found)


def with_folds(datasets: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Add the folds of each dataset whose protocol leaves out one session after another.

    A fold is called ``<dataset>-session<number>`` and is a dataset of its own but for its files and
    features, which are those of ``fold_of``.
    """
    every: dict[str, dict[str, Any]] = {}
    for name, dataset in datasets.items():
        if dataset["protocol"] != FOLDED:
            every[name] = dict(dataset)
            continue
        # Imported once as a whole too, for its features. No matter which session that leaves out,
        # as long as it is none of `sessions`, whose change is not to extract the features again.
        every[name] = dict(dataset) | {"protocol_seed": None}
        for session in dataset["sessions"]:
            every[f"{name}-session{session}"] = dict(dataset) | {
                "protocol_seed": session,
                "fold_of": name,
            }
    return every


def trained(datasets: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The datasets that cells are trained on: folds stand in place of what they are folds of."""
    folded = {dataset.get("fold_of") for dataset in datasets.values()}
    return [name for name in datasets if name not in folded]


def owners(datasets: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The datasets that features are extracted for: all but the folds."""
    return [name for name, dataset in datasets.items() if "fold_of" not in dataset]
