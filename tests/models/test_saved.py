"""A saved model gives the same logits, and other files are refused in one line."""

import json
import struct
from contextlib import suppress

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save

from spcl import models
from spcl.errors import UserError
from spcl.models.saved import ModelFacts, read_facts, to_bytes
from spcl.models.standardisation import Standardisation
from tests.models.test_baselines import NAMES, SMALL, WIDTHS, dialogues, small, together

FACTS = ModelFacts(
    dataset="made",
    modalities="atv",
    baseline="late_fusion",
    curriculum="none",
    source=None,
    seed=1,
    best_epoch=3,
    widths=WIDTHS,
    n_speakers=9,
    settings={},
    labels=["happy", "sad", "angry", "neutral"],
    classes=None,
    extractors={},
    protocol="official",
    simulated=True,
    licence=None,
    scores={"test": {"weighted_f1": 0.5, "ece": None}},
    versions={"torch": "2"},
    commit="0",
    device="here",
    training_digest=None,
)


def facts(**changes):
    return ModelFacts(**{**vars(FACTS), **changes})


def content(name="late_fusion", **changes):
    """The bytes of a small model."""
    module = small(name, **changes.pop("sizes", {}))
    return to_bytes(module, facts(baseline=name, settings=SMALL[name], **changes), {})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model-seed1.safetensors"


@pytest.mark.parametrize("name", NAMES)
def test_a_loaded_model_gives_the_same_bits(name, path):
    module = small(name).eval()
    path.write_bytes(to_bytes(module, facts(baseline=name, settings=SMALL[name]), {}))
    saved = models.load(path)
    batch = together(dialogues([3, 1, 5]))
    with torch.no_grad():
        expected, found = module(batch), saved.module(batch)
    assert list(found) == list(expected)
    assert all(torch.equal(found[m], expected[m]) for m in expected)
    assert not saved.module.training


def test_facts_and_scale_survive(path):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(20, 10)) * 1e3).astype(np.float32)
    x[:, 3] = 0.1
    scale = Standardisation.fit(x)
    path.write_bytes(
        to_bytes(small("late_fusion"), facts(settings=SMALL["late_fusion"]), {"a": scale})
    )
    saved = models.load(path)
    assert saved.facts == read_facts(path) == facts(settings=SMALL["late_fusion"])
    everywhere = np.ones(20, bool)
    assert np.array_equal(saved.standardisation["a"](x, everywhere), scale(x, everywhere))
    assert torch.equal(
        saved.scaled({"a": x, "t": x, "v": x})["a"], torch.from_numpy(scale(x, everywhere))
    )


def test_equal_models_have_equal_files():
    assert content() == content()


def test_weights_that_share_memory_are_both_saved():
    module = torch.nn.Linear(2, 2)
    module.register_parameter("tied", module.weight)
    saved = load(to_bytes(module, FACTS, {}))
    assert torch.equal(saved["weights.tied"], saved["weights.weight"])


def test_a_state_that_is_no_tensor_is_named():
    class Counting(torch.nn.Linear):
        def get_extra_state(self):
            return {"step": 1}

    with pytest.raises(UserError, match=r"late_fusion.*_extra_state"):
        to_bytes(Counting(2, 2), FACTS, {})


@pytest.mark.parametrize("name", NAMES)
def test_more_speakers_than_in_the_training(name, path):
    path.write_bytes(content(name, sizes={"n_speakers": 2}, n_speakers=2))
    batch = together(dialogues([9, 4], n_speakers=5))
    if name == "dialogue_gcn":
        with pytest.raises(UserError, match="not for 5 speakers instead of 2"):
            models.load(path, n_speakers=5)
    else:
        logits = models.load(path, n_speakers=5).module(batch)
        assert all(z.isfinite().all() for z in logits.values())


CUSTOM = """
import pathlib
from spcl.models.late_fusion import LateFusion
pathlib.Path(__file__).with_name("executed").touch()
class Own(LateFusion):
    pass
MODEL = Own
"""


def test_a_custom_baseline_is_executed_only_if_it_is_named(path):
    source = path.with_name("own.py")
    source.write_text(CUSTOM)
    module = small("late_fusion")
    path.write_bytes(
        to_bytes(
            module,
            facts(baseline="own", source=str(source), settings=SMALL["late_fusion"]),
            {},
        )
    )
    with pytest.raises(UserError, match="custom baseline 'own'"):
        models.load(path)
    assert not path.with_name("executed").exists()
    assert type(models.load(path, source=str(source)).module).__name__ == "Own"
    assert path.with_name("executed").exists()


def with_facts(text):
    return save({"x": torch.zeros(1)}, {"spcl": text})


def other_facts(**changes):
    """A model's file in which some facts are replaced, without regard for their types."""
    raw = content()
    values = json.loads(facts(settings=SMALL["late_fusion"]).to_json()) | changes
    return save(load(raw), {"spcl": json.dumps(values)})


FOREIGN = {
    "empty": b"",
    "text": b"hello, this is no model" * 9,
    "pickle": b"\x80\x04\x95" + bytes(64),
    "long header": struct.pack("<Q", 2**62) + b"{}" * 50,
    "other safetensors": save({"x": torch.zeros(2)}),
    "facts are no JSON": with_facts("{"),
    "facts are no object": with_facts("[1]"),
    "nested": with_facts("[" * 100_000),
    "no facts": with_facts("{}"),
    "labels are no list": other_facts(labels="happy"),
    "one label": other_facts(labels=["happy"]),
    "widths are negative": other_facts(widths={"a": -1, "t": 2, "v": 3}),
    "widths are other modalities": other_facts(widths={"a": 1}),
    "widths are no numbers": other_facts(widths={"a": "1", "t": 2, "v": 3}),
    "other width": other_facts(widths={"a": 11, "t": 14, "v": 7}),
    "other classes": other_facts(labels=["happy", "sad"]),
    "huge": other_facts(settings={"hidden": 10**9}),
    "unknown setting": other_facts(settings={"flavour": 1}),
    "size as a setting": other_facts(settings={"widths": {}}),
    "setting of another type": other_facts(settings={"hidden": "8"}),
    "extractors are no objects": other_facts(extractors={"a": "logmel"}),
    "options are no object": other_facts(extractors={"a": {"options": [1]}}),
    "unknown baseline": other_facts(baseline="os"),
    "not a baseline": other_facts(baseline="batch"),
    "other baseline": other_facts(baseline="mmgcn"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_another_file_is_refused_in_one_line_that_names_it(kind, path):
    path.write_bytes(FOREIGN[kind])
    with pytest.raises(UserError, match=r"model-seed1\.safetensors: ") as told:
        models.load(path)
    assert len(str(told.value)) < 1000


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_an_absent_device_is_named(path):
    path.write_bytes(content())
    with pytest.raises(UserError, match="on cuda"):
        models.load(path, device="cuda")


def test_an_absent_file_and_a_folder_are_refused(tmp_path):
    for name in ("absent.safetensors", "."):
        with pytest.raises(UserError, match="no such file"):
            models.load(tmp_path / name)


WHOLE = content()


@given(st.integers(0, len(WHOLE) - 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_a_truncated_file_is_refused(path, end):
    path.write_bytes(WHOLE[:end])
    with pytest.raises(UserError):
        models.load(path)


@given(st.integers(0, 4000), st.integers(0, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_a_changed_byte_of_the_header_gives_a_model_or_one_line(path, at, value):
    changed = bytearray(WHOLE)
    changed[at] = value
    path.write_bytes(changed)
    with suppress(UserError):
        models.load(path)
