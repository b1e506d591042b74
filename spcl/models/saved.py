"""A trained model as one file: the weights, the scale of the features, and facts.

The format is safetensors: a JSON header and raw numbers. Loading such a file executes nothing. The
facts are JSON text in the metadata of the header.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Self, get_origin, get_type_hints

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from spcl import models
from spcl.errors import UserError
from spcl.models.standardisation import Standardisation
from spcl.study.extensions import BASELINE, find, names
from spcl.study.extensions import load as load_class

_KEY = "spcl"
"""Of the facts in the metadata. One key, because safetensors does not sort several."""

_WEIGHTS, _SCALE = "weights.", "standardisation."
_PARTS = ("mean", "divisor", "constant")


@dataclass(frozen=True)
class ModelFacts:
    """What it takes to use a model, and how it was trained. All values are plain JSON.

    Attributes
    ----------
    dataset, modalities, baseline, curriculum
        The address of its cell.
    source
        The config's ``source`` of a custom baseline.
    seed, best_epoch
        Of the training.
    widths, n_speakers, settings
        The arguments of `spcl.models.build`, besides the number of `labels`.
    labels
        The classes in the order of the logits.
    classes
        The number of classes of sentiment scores; None for other labels.
    extractors
        By modality: ``extractor``, ``version`` and ``options`` of the features. The version
        contains a digest of the weights, if they are in a local folder.
    protocol, simulated, licence
        The splits of the corpus, whether it is simulated, and its licence if the config names it.
    scores
        By split (dev, test): the scores of the metrics, None where undefined.
    versions, commit, device, training_digest
        As in the metrics, see `spcl.provenance.environment.Provenance`.
    """

    dataset: str
    modalities: str
    baseline: str
    curriculum: str
    source: str | None
    seed: int
    best_epoch: int
    widths: dict[str, int]
    n_speakers: int
    settings: dict[str, Any]
    labels: list[str]
    classes: int | None
    extractors: dict[str, dict[str, Any]]
    protocol: str
    simulated: bool
    licence: str | None
    scores: dict[str, dict[str, float | None]]
    versions: dict[str, str]
    commit: str
    device: str
    training_digest: str | None

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse what `to_json` wrote.

        Raises
        ------
        ValueError
            It is something else.
        """
        try:
            values = json.loads(text)
        except RecursionError as error:
            raise ValueError("is nested too deeply") from error
        if not isinstance(values, dict):
            raise ValueError("is no JSON object")
        hints = get_type_hints(cls)
        for name, hint in hints.items():
            kind = hint if isinstance(hint, UnionType) else get_origin(hint) or hint
            if not isinstance(values.get(name), kind):
                raise ValueError(f"'{name}' is missing or of another type")
        known: dict[str, Any] = {name: values.get(name) for name in hints}
        facts = cls(**known)
        if set(facts.widths) != set(facts.modalities) or not facts.widths:
            raise ValueError("'widths' are not those of 'modalities'")
        if any(
            type(size) is not int or size < 1 for size in (*facts.widths.values(), facts.n_speakers)
        ):
            raise ValueError("'widths' and 'n_speakers' are not sizes")
        if len(set(map(str, facts.labels))) < max(2, len(facts.labels)):
            raise ValueError("'labels' are not two or more different names")
        for described in facts.extractors.values():
            if not isinstance(described, dict) or not isinstance(
                described.get("options") or {}, dict
            ):
                raise ValueError("'extractors' do not describe extractors")
        return facts

    def to_json(self) -> str:
        """The facts as text, the same for equal facts."""
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True)
class SavedModel:
    """A trained model.

    Attributes
    ----------
    module
        Takes a `Batch` and returns the logits of each modality; in evaluation mode.
    facts
        How it was trained, and what it takes to use it.
    standardisation
        By modality; empty if the features were not scaled.
    """

    module: nn.Module
    facts: ModelFacts
    standardisation: Mapping[str, Standardisation]

    def scaled(self, features: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
        """The (N, D) float32 features of each modality as the module expects them."""
        device = next(self.module.parameters()).device
        found = {}
        for m in self.facts.modalities:
            values = np.asarray(features[m], np.float32)
            if m in self.standardisation:
                values = self.standardisation[m](values, np.ones(len(values), bool))
            found[m] = torch.from_numpy(values).to(device)
        return found


def to_bytes(
    module: nn.Module, facts: ModelFacts, standardisation: Mapping[str, Standardisation]
) -> bytes:
    """The content of the file of a model; the same for equal models.

    Raises
    ------
    UserError
        The state of a custom baseline has other values than tensors.
    """
    state = module.state_dict()
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise UserError(
                f"save_models: the state of baseline '{facts.baseline}' has '{name}', which is no"
                " tensor; remove its get_extra_state, or set save_models: false"
            )
    # Copies, because weights may share memory.
    tensors = {
        f"{_WEIGHTS}{name}": x.detach().cpu().clone().contiguous() for name, x in state.items()
    }
    for m, scale in standardisation.items():
        for part in _PARTS:
            tensors[f"{_SCALE}{m}.{part}"] = torch.from_numpy(getattr(scale, part))
    return save(tensors, {_KEY: facts.to_json()})


def read_facts(path: str | Path) -> ModelFacts:
    """The facts of the model at `path`, without its weights.

    Raises
    ------
    UserError
        The file does not exist, is damaged, or contains no model of this project.
    """
    with _open(path) as file:
        return _facts(path, file)


def load(
    path: str | Path,
    *,
    source: str | None = None,
    n_speakers: int | None = None,
    device: str = "cpu",
) -> SavedModel:
    """Load a model that was trained with ``save_models: true``.

    Parameters
    ----------
    path
        A file ``model-seed<n>.safetensors``.
    source
        The Python file or the module of a custom baseline. It is executed, so it is never taken
        from the model's file.
    n_speakers
        The maximum number of speakers of a dialogue, if it is larger than in the training. The
        weights of DialogueGCN belong to one number; those of the other baselines do not.
    device
        The device of the model.

    Raises
    ------
    UserError
        The file does not exist, is damaged, or contains no model of this project; the baseline is
        custom, and `source` is not given; the weights do not belong to the baseline, or to another
        number of speakers.
    """
    with _open(path) as file:
        facts = _facts(path, file)
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if source is None and (facts.source is not None or facts.baseline not in names(BASELINE)):
        raise UserError(
            f"{path}: was trained with the custom baseline '{facts.baseline}' of"
            f" {facts.source or 'an absent package'}, whose code is not in the file; name its"
            " Python file or module as source"
        )
    model_class = load_class(find(BASELINE, facts.baseline, source))
    n_speakers = max(n_speakers or 0, facts.n_speakers)
    weights = {
        name.removeprefix(_WEIGHTS): x for name, x in tensors.items() if name.startswith(_WEIGHTS)
    }
    try:
        # Without memory at first: the file decides the sizes.
        with torch.device("meta"):
            sizes = _shapes(_build(model_class, facts, n_speakers).state_dict())
        if odd := set(sizes.items()) ^ set(_shapes(weights).items()):
            raise ValueError(f"its facts and its weights differ in '{min(odd)[0]}'")
        module = _build(model_class, facts, n_speakers)
        module.load_state_dict(weights)
        standardisation = {
            m: _scale(tensors, m, facts.widths[m])
            for m in facts.modalities
            if f"{_SCALE}{m}.mean" in tensors
        }
        module = module.to(device)
    except (UserError, RuntimeError, AssertionError, TypeError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())
        if n_speakers > facts.n_speakers:
            reason = (
                f"perhaps not for {n_speakers} speakers instead of {facts.n_speakers}: {reason}"
            )
        raise UserError(
            f"{path}: cannot be loaded as baseline '{facts.baseline}' on {device} ({reason}); if it"
            " is not a matter of speakers or of the device, train it again"
        ) from error
    return SavedModel(module.eval(), facts, standardisation)


def _open(path: str | Path) -> Any:
    """Open a safetensors file, whose header is checked."""
    path = Path(path)
    if not path.is_file():
        raise UserError(
            f"{path}: no such file; a training with save_models: true writes"
            " model-seed1.safetensors into the folder of its cell"
        )
    try:
        return safe_open(path, framework="pt")
    except (SafetensorError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{path}: not a readable safetensors file ({reason}); copy it again, or train its cell"
            " again"
        ) from error


def _facts(path: str | Path, file: Any) -> ModelFacts:
    text = (file.metadata() or {}).get(_KEY)
    if text is None:
        raise UserError(
            f"{path}: a safetensors file, but no model of this project; name a file"
            " model-seed1.safetensors of a cell"
        )
    try:
        return ModelFacts.from_json(text)
    except ValueError as error:
        raise UserError(f"{path}: its description {error}; train its cell again") from error


def _build(model_class: type[nn.Module], facts: ModelFacts, n_speakers: int) -> nn.Module:
    return models.build(
        model_class,
        widths={m: facts.widths[m] for m in facts.modalities},
        n_classes=len(facts.labels),
        n_speakers=n_speakers,
        **facts.settings,
    )


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(x.shape) for name, x in tensors.items()}


def _scale(tensors: Mapping[str, Tensor], m: str, width: int) -> Standardisation:
    parts = {part: tensors[f"{_SCALE}{m}.{part}"].numpy() for part in _PARTS}
    if any(values.shape != (width,) for values in parts.values()):
        raise ValueError(f"its scale of modality '{m}' has another width than {width}")
    return Standardisation(**parts)
