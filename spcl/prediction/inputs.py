"""What is to be predicted: a corpus in any format, or one conversation with its transcript."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from spcl.data.checks import checked, usable
from spcl.data.corpus import utterance_table
from spcl.data.feature_files.arrays import READERS, read_content
from spcl.data.feature_files.beside_table import read_features
from spcl.data.files.disk import entries
from spcl.data.files.parsing import read_facts, read_parquet
from spcl.data.formats import FORMATS, load, recognise
from spcl.data.media import SOUND, VIDEO
from spcl.data.records import Choices, Features, Reading, Utterance
from spcl.data.simulated import is_simulated
from spcl.data.transcripts import SUFFIXES, read_conversation
from spcl.errors import UserError
from spcl.extract.corpus import POOLINGS
from spcl.models.saved import ModelFacts
from spcl.tables.parquet import describe
from spcl.tables.schemas import MODALITIES

_BARE = "feature files"
"""In place of a format: a folder with feature files and without a table of utterances."""


@dataclass(frozen=True)
class Input:
    """The conversations to predict.

    Attributes
    ----------
    utterances
        Schema `spcl.tables.schemas.UTTERANCES`, all unlabelled.
    folder
        The folder to which the paths of the media are relative.
    features
        By modality, the features that come with the utterances; schema
        `spcl.tables.schemas.FEATURES`. The metadata have ``extractor``, ``version`` and
        ``options``, None where unknown.
    """

    utterances: pa.Table
    folder: Path
    features: dict[str, pa.Table]


def read_input(path: Path, facts: ModelFacts, transcript: Path | None = None) -> Input:
    """Read the conversations at `path`.

    Parameters
    ----------
    path
        A corpus in any of `spcl.data.formats`; a folder of feature files; a recording; or a
        transcript. A recording and its
        transcript have the same name, if `transcript` is not given.
    facts
        Of the model that predicts. It decides about layers and pooling of vectors in the files.
    transcript
        The transcript of the recording.

    Raises
    ------
    UserError
        There is no such file, or it cannot be read.
    """
    suffix = path.suffix.lower()
    if path.is_file() and (transcript or suffix in (*SUFFIXES, *SOUND, *VIDEO)):
        medium = path if suffix not in SUFFIXES else _beside(path, (*VIDEO, *SOUND))
        found = transcript or (path if suffix in SUFFIXES else _beside(path, SUFFIXES))
        if found is None:
            raise UserError(
                f"{path}: there is no transcript beside it; name one:"
                " --transcript FILE (.csv, .srt or .vtt), see docs/using-a-model.md"
            )
        utterances = read_conversation(found, medium)
        reading = Reading(utterances, tuple(facts.labels))
        return _input(path, reading, facts, {}, path.parent)
    return _read_corpus(path, facts)


def _read_corpus(path: Path, facts: ModelFacts) -> Input:
    if not path.exists():
        raise UserError(
            f"{path}: no such folder or file; name a corpus, a recording or a transcript"
        )
    content = load(path)
    bare = _feature_files(path) and not any(path.glob("utterances.*"))
    layout = _BARE if bare else recognise(path, content)
    by_choice: dict[Choices, Reading] = {}
    features = {}
    for m in facts.modalities:
        options = facts.extractors.get(m, {}).get("options") or {}
        layer, pooling = options.get("layer"), options.get("pooling")
        choices = Choices(
            labels=tuple(facts.labels),
            classes=facts.classes,
            layer=layer if type(layer) is int else None,
            pooling=pooling if pooling in POOLINGS else "mean",  # others are of other extractors
            unlabelled=True,
        )
        if choices not in by_choice:
            by_choice[choices] = _read(path, layout, content, choices)
        reading = by_choice[choices]
        of_corpus, _ = usable(reading, path)
        if m in of_corpus:
            features[m] = _feature_table(reading, of_corpus[m], m, path, layout)
    return _input(path, reading, facts, features, path if path.is_dir() else path.parent)


def _read(path: Path, layout: str, content: object, choices: Choices) -> Reading:
    """Read a corpus without its labels, which may be of other classes than those of the model."""
    if layout == _BARE:
        reading = _one_dialogue(path)
    else:
        try:
            reading = FORMATS[layout].read(path, content, choices)
        except UserError:
            reading = FORMATS[layout].read(path, content, replace(choices, labels=None))
    utterances = [replace(one, emotion=None) for one in reading.utterances]
    labels = choices.labels or ()
    reading = replace(reading, utterances=utterances, labels=labels, names={}, known_as=None)
    return checked(reading, path, asked=labels)


def _feature_files(path: Path) -> list[Path]:
    """The feature files in a folder, such as ``a.parquet``."""
    found = entries(path) if path.is_dir() else []
    return [one for one in found if one.stem in MODALITIES and one.suffix in READERS]


def _one_dialogue(path: Path) -> Reading:
    """Feature files without a table of utterances: their rows are one dialogue of one speaker.

    Rows with a column ``dialogue_id`` belong to these dialogues.
    """
    first = read_content(_feature_files(path)[0])
    ids = first.ids or first.names.get("name")
    table = {
        "utterance_id": list(ids or (f"{path.name}_{n}" for n in range(len(first.values)))),
        "dialogue_id": first.names.get("dialogue_id") or [path.name] * len(first.values),
    }
    features, problems, files = read_features(path, table, range(len(first.values)))
    utterances = [
        Utterance(dialogue, name, "", "", None, None)
        for dialogue, name in zip(table["dialogue_id"], table["utterance_id"], strict=True)
    ]
    return Reading(utterances, (), problems, features, files={None: path.name, **files})


def _input(
    path: Path, reading: Reading, facts: ModelFacts, features: dict[str, pa.Table], folder: Path
) -> Input:
    splits: dict[str, str] = {}
    for one in reading.utterances:
        splits[one.dialogue_id] = one.split or splits.get(one.dialogue_id) or "test"
    utterances = describe(
        utterance_table(reading.utterances, splits, facts.labels, {}),
        dataset=path.stem,
        labels=facts.labels,
        protocol="none",
        protocol_seed=None,
        simulated=reading.simulated or is_simulated(path),
    )
    return Input(utterances, folder, features)


def _feature_table(
    reading: Reading, features: Features, m: str, path: Path, layout: str
) -> pa.Table:
    """Features of a corpus as a table, with what is known about their extractor."""
    described: dict[str, Any] = {"extractor": "corpus", "version": layout, "options": {}}
    file = path / reading.files.get(m, "")
    if layout in ("tables", _BARE):
        described = dict.fromkeys(described)
        if file.suffix == ".parquet":
            stored = read_facts(read_parquet(file, ()), file)
            described = {name: stored.get(name) for name in described}
    width = features.values.shape[1]
    table = pa.table(
        {
            "utterance_id": [one.utterance_id for one in reading.utterances],
            "observed": features.observed,
            "features": pa.FixedSizeListArray.from_arrays(pa.array(features.values.ravel()), width),
        }
    )
    return describe(table, **described)


def _beside(path: Path, suffixes: tuple[str, ...]) -> Path | None:
    """The file with the same name and one of `suffixes`, in any case."""
    found = {one.suffix.lower(): one for one in path.parent.glob("*") if one.stem == path.stem}
    return next((found[suffix] for suffix in suffixes if suffix in found), None)
