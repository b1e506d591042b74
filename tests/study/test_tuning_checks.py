"""The check of the key `tuning`, and the space that it gives a cell."""

import copy

import pytest

from spcl.errors import UserError
from spcl.study.config import check
from spcl.study.grid import Cell
from spcl.study.tuning import search_space
from tests.workflow.conftest import GRID, ROOT

SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"
TUNING = {
    "trials": 4,
    "seeds": [101, 102],
    "baselines": {
        "late_fusion": {"learning_rate": [0.001, 0.01]},
        "mmgcn": {"dropout": {"low": 0.1, "high": 0.5}, "learning_rate": [0.001]},
    },
    "curricula": {"spcl": {"threshold": [0.2, 0.4]}},
}


def checked(**changes):
    config = copy.deepcopy(GRID) | {"tuning": copy.deepcopy(TUNING) | changes}
    check(config, SCHEMA, "config.yaml")
    return config


def of_mmgcn(**space):
    return {"baselines": TUNING["baselines"] | {"mmgcn": space}}


def test_defaults_are_filled_in():
    tuning = checked()["tuning"]
    assert (tuning["sample_seed"], tuning["halving"]) == (0, False)
    assert tuning["baselines"]["mmgcn"]["dropout"]["scale"] == "linear"
    assert checked(curricula={})["tuning"]["curricula"] == {}


def test_a_setting_of_a_baseline_is_of_the_training_or_of_the_model():
    config = checked()
    space = search_space(config, Cell("meld-one", "mmgcn", "at", "spcl"))
    assert space == {
        "training": {"learning_rate": [0.001]},
        "model": {"dropout": {"low": 0.1, "high": 0.5, "scale": "linear"}},
        "curriculum": {"threshold": [0.2, 0.4]},
    }
    of_none = search_space(config, Cell("meld-one", "late_fusion", "at", "none"))
    assert of_none == {"training": {"learning_rate": [0.001, 0.01]}}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"seeds": [1, 101]}, "tuning.seeds: 1 is also in grid.seeds; tune with other seeds"),
        ({"trials": 1}, "tuning.trials: 1 is too small; write 2 or more"),
        (
            {"baselines": {"mmgcn": {"dropout": [0.1]}}},
            "tuning.baselines: 'late_fusion' of the grid is missing, so that none would not be",
        ),
        (of_mmgcn(), "tuning.baselines: 'mmgcn' of the grid is missing"),
        (of_mmgcn(drop=[0.1]), "tuning.baselines.mmgcn.drop: unknown key 'drop'; did you mean"),
        (of_mmgcn(dropout=[]), "tuning.baselines.mmgcn.dropout: [] should be non-empty"),
        (
            of_mmgcn(dropout=0.1),
            "tuning.baselines.mmgcn.dropout: '0.1' is not a list or a mapping of keys",
        ),
        (of_mmgcn(dropout={"low": 0.1}), "tuning.baselines.mmgcn.dropout: key 'high' is missing"),
        (of_mmgcn(dropout={"low": 0.5, "high": 0.1}), "low (0.5) is not below high (0.1)"),
        (
            of_mmgcn(dropout={"low": 0, "high": 0.1, "scale": "log"}),
            "scale log needs low above 0, not 0",
        ),
        (
            of_mmgcn(learning_rate=["1e-4"]),
            "learning_rate: '1e-4' is text, not a number; YAML needs a dot in it",
        ),
        (
            {"curricula": {"splc": {"threshold": [0.1]}}},
            "tuning.curricula: 'splc' is not defined under curricula; did you mean 'spcl'?",
        ),
        (
            {"curricula": {"spcl": {"threshold": [0.1, "auto"]}}},
            "tuning.curricula.spcl.threshold: auto needs other inputs (probes) than numbers",
        ),
        ({"tries": 3}, "tuning: unknown key 'tries'"),
    ],
)
def test_a_fault_is_one_line_with_its_key_and_remedy(changes, says):
    with pytest.raises(UserError) as error:
        checked(**changes)
    assert "\n" not in str(error.value)
    assert says in str(error.value)


def test_null_is_a_value_like_others():
    assert checked(curricula={"spcl": {"growth": [None, 1.2]}})


def test_the_pace_of_a_control_is_not_tuned():
    config = copy.deepcopy(GRID) | {"tuning": copy.deepcopy(TUNING)}
    config["curricula"]["anti"] = {}
    config["tuning"]["curricula"]["anti"] = {"of": ["spcl", "none"]}
    with pytest.raises(UserError, match=r"tuning\.curricula\.anti\.of: cannot be tuned"):
        check(config, SCHEMA, "config.yaml")


def test_a_dataset_without_a_dev_split_cannot_be_tuned():
    config = copy.deepcopy(GRID) | {"tuning": copy.deepcopy(TUNING)}
    config["datasets"]["meld-one"]["protocol"] = "best-test-epoch"
    with pytest.raises(UserError, match=r"protocol: best-test-epoch has no dev split to tune on"):
        check(config, SCHEMA, "config.yaml")
