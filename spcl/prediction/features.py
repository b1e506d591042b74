"""The features of an input, from the extractors that a model was trained with."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from spcl.errors import UserError
from spcl.extract import build
from spcl.extract.extraction import extract
from spcl.extract.shards import extractor_options
from spcl.models.saved import ModelFacts
from spcl.prediction.inputs import Input
from spcl.tables.parquet import metadata
from spcl.tables.schemas import MODALITIES

_SOURCES = {"a": "audio_path", "t": "text", "v": "video_path"}
_MACHINE = ("folder", "batch_size", "allow_pickle")
"""Options that do not decide the features: the version contains a digest of the folder's files."""

OTHERS = "--other-extractors"


def collect_features(
    given: Input,
    facts: ModelFacts,
    *,
    shards: Path,
    folders: Mapping[str, str] | None = None,
    others: bool = False,
    threads: int = 1,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pa.Table]:
    """The features of each modality of a model; schema `spcl.tables.schemas.FEATURES`.

    Features that come with the input are used if the extractor, its version and its options are
    those of the training. Otherwise they are extracted from the text or the media. A modality
    without either has no entry.

    Parameters
    ----------
    given
        The input.
    facts
        Of the model.
    shards
        A working folder. If it is interrupted, finished parts stay there for the next call.
    folders
        By modality, where the pretrained model of its extractor is on this machine.
    others
        Accept features of another version of the extractor, or of an unknown one.
    threads
        Of the extractors.
    say
        Called with a line for each modality that is missing or differs.

    Raises
    ------
    UserError
        No modality is available; the features are those of another extractor; their width is
        another one.
    """
    found = {}
    for m in facts.modalities:
        wanted = facts.extractors.get(m, {})
        of_input = given.features.get(m)
        has_source = any(given.utterances[_SOURCES[m]].to_pylist())
        difference = None if of_input is None else _difference(wanted, metadata(of_input))
        if of_input is not None and (difference is None or others):
            if difference:
                say(f"{MODALITIES[m]}: {difference}")
            found[m] = of_input
        elif wanted.get("extractor") not in (None, "corpus") and has_source:
            found[m] = _extract(given, m, wanted, shards / m, folders or {}, others, threads, say)
        elif of_input is not None:
            raise UserError(
                f"features of {MODALITIES[m]}: {difference}; extract them as for the training, or"
                f" accept them with {OTHERS}"
            )
        else:
            say(f"{MODALITIES[m]}: missing, predicted without it")
            continue
        width = found[m].schema.field("features").type.list_size
        if width != facts.widths[m]:
            raise UserError(
                f"features of {MODALITIES[m]}: {width} numbers an utterance, but the model takes"
                f" {facts.widths[m]}; use the extractor of the training"
                f" ({wanted.get('extractor') or 'unknown'})"
            )
    if not found:
        needs = ", ".join(MODALITIES[m] for m in facts.modalities)
        raise UserError(f"the input has none of what the model takes: {needs}; add one of them")
    return found


def missing_table(utterance_ids: list[str], width: int) -> pa.Table:
    """Features of a modality that is observed nowhere."""
    n = len(utterance_ids)
    values = pa.array(np.zeros(n * width, np.float32))
    return pa.table(
        {
            "utterance_id": utterance_ids,
            "observed": np.zeros(n, bool),
            "features": pa.FixedSizeListArray.from_arrays(values, width),
        }
    )


def _extract(
    given: Input,
    m: str,
    wanted: Mapping[str, Any],
    shards: Path,
    folders: Mapping[str, str],
    others: bool,
    threads: int,
    say: Callable[[str], None],
) -> pa.Table:
    """Run the extractor of the training."""
    options = dict(wanted.get("options") or {})
    if m in folders:
        options["folder"] = folders[m]
    if options.get("allow_pickle"):  # a risk that a model's file must not take for its user
        options["allow_pickle"] = False
    try:
        extractor = build(m, wanted["extractor"], options)
    except UserError as error:  # it names the keys of a config
        words = str(error).replace(f"features.{m}.options.folder", f"--folder {m}=PATH")
        raise UserError(words) from error
    now = {
        "extractor": extractor.name,
        "version": extractor.version,
        "options": extractor_options(extractor),
    }
    if difference := _difference(wanted, now):
        if not others:
            raise UserError(
                f"features of {MODALITIES[m]}: {difference}; install what the training used, or"
                f" continue with {OTHERS}"
            )
        say(f"{MODALITIES[m]}: {difference}")
    extraction = extract(
        given.utterances,
        given.folder,
        extractor,
        shards=shards,
        problem_limit=1.0,
        threads=threads,
    )
    for problem in extraction.problems.to_pylist():
        say(f"{MODALITIES[m]}: {problem['utterance_id']}: {problem['reason']}")
    return extraction.features


def _difference(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> str | None:
    """How features differ from those of the training, in words; None if they do not."""
    for name in ("extractor", "version", "options"):
        then, now = (_decisive(one.get(name)) for one in (wanted, found))
        if then is not None and now != then:
            return f"{name} is {now or 'unknown'}, was {then} in the training"
    return None


def _decisive(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: one for key, one in value.items() if key not in _MACHINE}
    return value
