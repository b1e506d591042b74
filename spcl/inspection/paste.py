"""The config lines for a corpus, to paste."""

import re
from collections.abc import Sequence
from typing import Any

import yaml

from spcl.data.checks import check_splits
from spcl.data.splits import divide, numbered, sessions_by_name
from spcl.errors import UserError
from spcl.inspection.find import Found
from spcl.study.datasets import FOLDED
from spcl.tables.schemas import MODALITIES

EXTRACTORS = {"a": "egemaps", "t": "minilm", "v": "face_hog"}
"""The extractors of the demo; docs/extractors.md lists others."""


def config_lines(found: Found, labels: Sequence[str] = ()) -> tuple[list[str], list[str]]:
    """The keys ``datasets`` and ``features`` of a config.

    Parameters
    ----------
    found
        The corpus.
    labels
        The order that the user gave, if any; it becomes part of the config.

    Returns
    -------
    list of str
        Lines of YAML.
    list of str
        What must be fixed before they can be used; usually empty.
    """
    letters = modalities(found)
    keys, faults = protocol(found)
    dataset: dict[str, Any] = {"path": str(found.path), **keys}
    if labels:
        dataset["labels"] = list(labels)
    if found.reading.classes is not None:
        dataset["classes"] = found.reading.classes
    if letters not in ("", "atv"):
        dataset["modalities"] = letters
    lines = ["datasets:", f"  {_flow(name(found))}:"]
    lines += [f"    {key}: {_flow(value)}" for key, value in dataset.items()]
    if not found.labels_known:
        numbers = ", ".join(found.reading.labels)
        lines += [f"    # labels: [...]  the emotions of classes {numbers}, in this order"]
        faults.append("Name the classes: labels: [...] in the config, --labels here.")
    if not letters:
        faults.append("There are no features, transcripts, audio or video: add one of them.")
    brought = [letter for letter in letters if letter in found.features]
    if brought:
        lines += ["    features:"]
        lines += [
            f"      {letter}: {{extractor: corpus}}{_layers(found, letter)}" for letter in brought
        ]
    extracted = [letter for letter in letters if letter not in brought]
    if extracted:
        lines += ["features:"]
        lines += [f"  {letter}: {{extractor: {EXTRACTORS[letter]}}}" for letter in extracted]
    return lines, faults


def _layers(found: Found, letter: str) -> str:
    """A comment on a modality with several layers; else empty."""
    n = found.reading.layers.get(letter, 1)
    return f"  # mean of {n} layers; one of them: options: {{layer: {n}}}" if n > 1 else ""


def name(found: Found) -> str:
    """A name for the corpus: that of its folder or file, with characters valid in a config."""
    words = re.sub(r"[^a-z0-9_-]+", "-", found.path.absolute().stem.lower()).strip("-_")
    if found.reading.known_as and not found.simulated:
        return found.reading.known_as
    return words or "mine"


def protocol(found: Found) -> tuple[dict[str, Any], list[str]]:
    """The config keys of the first split protocol that the corpus supports.

    If there is none, they are those of ``official``, together with what the corpus lacks.
    """
    utterances = found.reading.utterances
    own = {utterance.dialogue_id: utterance.split for utterance in utterances}
    by_session = found.reading.sessions or sessions_by_name(own)

    def fault(protocol: str, seed: int = 0) -> str | None:
        try:
            splits = divide(
                protocol,
                own,
                known_as=found.reading.known_as,
                by_session=by_session,
                seed=seed,
                dataset=name(found),
            )
            check_splits(
                utterances, splits, protocol=protocol, by_session=by_session, dataset=name(found)
            )
        except UserError as error:
            return str(error)
        return None

    lacking = fault("official")
    if lacking is None:
        return {"protocol": "official"}, []
    if fault("spcl") is None:
        return {"protocol": "spcl"}, []
    sessions = [number for number in numbered(by_session) if fault(FOLDED, number) is None]
    if sessions:
        return {"protocol": FOLDED, "sessions": sessions}, []
    return {"protocol": "official"}, [lacking]


def modalities(found: Found) -> str:
    """The letters of the modalities with features or raw data."""
    utterances = found.reading.utterances
    raw = {
        "a": any(u.audio_path for u in utterances),
        "t": any(u.text for u in utterances),
        "v": any(u.video_path for u in utterances),
    }
    return "".join(letter for letter in MODALITIES if letter in found.features or raw[letter])


def _flow(value: Any) -> str:
    """A value as YAML on one line, with escape sequences if it is not printable."""
    options: dict[str, Any] = {"default_flow_style": True, "width": float("inf")}
    words = yaml.safe_dump(value, allow_unicode=True, **options).removesuffix("\n")
    words = words.removesuffix("\n...")
    if words.isprintable():
        return words
    return yaml.safe_dump(value, default_style='"', **options).removesuffix("\n")
