"""The datasets of a config: modalities, extractors, folds, and their cells."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spcl.study.datasets import FOLDED, extraction, modalities, owners, trained, with_folds
from spcl.study.grid import Cell, cell_settings, cells, left_out

SETS = ("atv", "at", "tv", "av", "a", "t", "v")
LOGMEL, MINILM, OWN = {"extractor": "logmel"}, {"extractor": "minilm"}, {"extractor": "corpus"}

CONFIG = {
    "datasets": {
        "meld": {"path": "data/meld", "protocol": "official"},
        "calls": {"path": "data/calls", "protocol": "official", "modalities": "t"},
        "clips": {"path": "data/clips", "protocol": "official", "features": {"v": OWN, "a": OWN}},
        "acted": {"path": "data/acted", "protocol": FOLDED, "sessions": [3, 1]},
    },
    "features": {"t": MINILM, "a": LOGMEL},
    "grid": {
        "baselines": ["mmgcn", "biddin"],
        "modalities": ["atv", "at", "t"],
        "curricula": ["none", "spcl"],
        "seeds": [1],
    },
    "training": {"epochs": 2},
    "baselines": {"mmgcn": {}, "biddin": {}},
    "curricula": {"none": {}, "spcl": {"settings": {"threshold": 0.4, "growth": 1.25}}},
}


@pytest.fixture
def config():
    """CONFIG with its folds."""
    found = copy.deepcopy(CONFIG)
    found["datasets"] = with_folds(found["datasets"])
    return found


def test_modalities_default_to_those_with_an_extractor(config):
    found = {name: modalities(config, name) for name in CONFIG["datasets"]}
    assert found == {"meld": "at", "calls": "t", "clips": "atv", "acted": "at"}


def test_the_extractor_of_a_dataset_overrides_the_general_one(config):
    assert extraction(config, "clips", "a") == OWN
    assert extraction(config, "clips", "t") == MINILM
    assert extraction(config, "meld", "a") == LOGMEL
    assert extraction(config, "meld", "v") is None


def test_cells_with_a_missing_modality_are_left_out(config):
    found = {(cell.dataset, cell.modalities) for cell in cells(config)}
    assert found == {
        *(("meld", "at"), ("meld", "t")),
        ("calls", "t"),
        *(("clips", "atv"), ("clips", "at"), ("clips", "t")),
        *((f"acted-session{n}", letters) for n in (1, 3) for letters in ("at", "t")),
    }
    # A dataset is named once, not once a fold.
    assert left_out(config) == {"meld": ["atv"], "calls": ["atv", "at"], "acted": ["atv"]}


@given(
    st.dictionaries(st.sampled_from("uvwxyz"), st.sampled_from(SETS), min_size=1),
    st.lists(st.sampled_from(SETS), min_size=1, unique=True),
)
def test_every_point_of_the_grid_is_a_cell_or_left_out(letters, asked):
    datasets = {name: {"protocol": "official", "modalities": one} for name, one in letters.items()}
    config = CONFIG | {"datasets": datasets, "grid": CONFIG["grid"] | {"modalities": asked}}
    found, lacking = cells(config), left_out(config)
    assert all(set(cell.modalities) <= set(letters[cell.dataset]) for cell in found)
    points = {(cell.dataset, cell.modalities) for cell in found}
    assert points.isdisjoint((name, one) for name, sets in lacking.items() for one in sets)
    assert len(points) + sum(map(len, lacking.values())) == len(datasets) * len(asked)
    assert len(found) == 4 * len(points)  # two baselines, two curricula


def test_folds_are_trained_instead_of_their_dataset(config):
    assert trained(config["datasets"]) == [
        *("meld", "calls", "clips", "acted-session3", "acted-session1")
    ]
    assert owners(config["datasets"]) == list(CONFIG["datasets"])
    fold = config["datasets"]["acted-session3"]
    assert fold["protocol_seed"] == 3
    assert fold["fold_of"] == "acted"
    assert fold["path"] == "data/acted"


@pytest.mark.parametrize("sessions", [[1], [1, 2, 3, 4, 5]])
def test_the_import_for_the_features_does_not_depend_on_the_sessions(config, sessions):
    other = copy.deepcopy(CONFIG["datasets"])
    other["acted"]["sessions"] = sessions
    changed = {"sessions": config["datasets"]["acted"]["sessions"]}
    assert with_folds(other)["acted"] | changed == config["datasets"]["acted"]


def test_settings_of_a_dataset_apply_to_its_folds(config):
    config["curricula"]["spcl"]["cells"] = [
        {"dataset": "acted", "growth": 2.0},
        {"dataset": "acted-session1", "threshold": 0.1},
    ]
    found = {
        name: cell_settings(config, Cell(name, "mmgcn", "at", "spcl"))["curriculum"]
        for name in ("meld", "acted-session1", "acted-session3")
    }
    assert found == {
        "meld": {"threshold": 0.4, "growth": 1.25},
        "acted-session1": {"threshold": 0.1, "growth": 2.0},
        "acted-session3": {"threshold": 0.4, "growth": 2.0},
    }
