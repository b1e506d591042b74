"""The benchmarks of strategies: what they cost, and whether they help a modality left behind."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import yaml
from sklearn.linear_model import LogisticRegression

from benchmarks import imbalance, page, results, strategies
from benchmarks.machine import this_machine
from benchmarks.shapes import Shape
from spcl.study.config_files import read_config
from spcl.tables.arrays import feature_matrix, label_indices, strings

TINY = Shape(7, 30, 9, {"a": 10, "t": 12, "v": 15}, 3, 2)


@pytest.fixture(autouse=True)
def _tiny(monkeypatch, tmp_path):
    monkeypatch.setattr(results, "FOLDER", tmp_path / "results")
    monkeypatch.setattr("benchmarks.machine.peak_gflops", lambda device: 1e4)


@pytest.fixture
def few(monkeypatch, tmp_path):
    """The config with fewer strategies, for both parts."""

    def choose(*names):
        config = yaml.safe_load(Path("config/strategies.yaml").read_text())
        config["grid"]["curricula"] = list(names)
        (tmp_path / "few.yaml").write_text(yaml.safe_dump(config))
        monkeypatch.setattr(strategies, "CONFIG", tmp_path / "few.yaml")

    return choose


def test_every_strategy_of_the_config_is_measured():
    config = read_config([strategies.CONFIG])
    built = strategies.build_all(config, TINY.corpus("atv", device="cpu"), TINY.classes)
    assert list(built) == config["grid"]["curricula"]


def test_a_row_for_each_strategy_says_what_it_adds(few):
    few("none", "spcl", "mmpareto", "gradient_blending", "relearning")
    found = strategies.measure("late_fusion", TINY, "cpu", batch_size=3, seconds=0)
    rows = {row["strategy"]: row for row in found}
    assert [name for name, row in rows.items() if row["second_backward"]] == ["mmpareto"]
    assert {name: row["evaluations"] for name, row in rows.items()} == {
        "none": 0,
        "spcl": 0,
        "mmpareto": 0,
        "gradient_blending": 4,  # before epochs 1, 4, 7 and 10 of 11
        "relearning": 3,  # before epoch 1, and two moves
    }
    assert rows["none"]["overhead"] == rows["none"]["own_share"] == 0
    assert all(row["seconds"] > 0 and row["turns"] == 3 for row in found)
    a_second_gradient = 4 * 2 * 2048 * sum(TINY.widths.values())
    assert rows["mmpareto"]["bytes"] - rows["none"]["bytes"] > a_second_gradient
    results.save(
        "strategies",
        [{"baseline": "late_fusion", "shape": "tiny", **row} for row in found],
        this_machine("cpu", 1),
    )
    loaded = {"strategies": results.load("strategies", results.FOLDER)}
    assert "| `mmpareto` | +" in page.strategies(loaded)
    assert page.overhead(loaded).count("\n") == 1 + 4
    assert "| `relearning`, late_fusion, tiny | " in page.evaluations(loaded)


def test_every_turn_begins_with_another_strategy():
    order = []

    def turn(name, chosen):
        order.append(f"{name}{chosen[0]}")
        return 1.0, 0.5

    spent = strategies._by_turns("abc", [np.array([0]), np.array([1])], turn, seconds=0)
    assert "".join(order) == "a0b0c0b1c1a1c0a0b0"
    assert spent["a"].tolist() == [[1.0, 0.5]] * 3


def test_the_simulated_modalities_are_easy_hard_and_of_little_information():
    utterances, features = imbalance.simulate(120)
    ids, y = strings(utterances, "utterance_id"), label_indices(utterances)
    train = strings(utterances, "split") == "train"
    x = {m: feature_matrix(table, ids)[0] for m, table in features.items()}
    pairs = list(combinations(range(imbalance.WIDTH), 2))
    x["products of a"] = np.stack([x["a"][:, i] * x["a"][:, j] for i, j in pairs], 1)

    def accuracy(name):
        probe = LogisticRegression(max_iter=1000).fit(x[name][train], y[train])
        return probe.score(x[name][~train], y[~train])

    assert accuracy("t") > 0.85
    assert accuracy("a") < 0.35  # chance is 0.25
    assert accuracy("products of a") > 0.7
    assert 0.25 < accuracy("v") < 0.5


def test_the_study_compares_every_strategy_with_none(few, tmp_path):
    few("none", "unimodal_loss", "relearning", "unimodal_teacher")
    study = imbalance.Study(
        dialogues=18,
        seeds=2,
        training={"epochs": 2, "batch_size": 4},
        baselines={"late_fusion": {"hidden": 8, "layers": 1}},
    )
    said = list(imbalance.run("cpu", 1, study=study))
    assert "simulated" in said[0]
    rows = results.load("imbalance", tmp_path / "results")
    heads = {(row["curriculum"], row["modality"]): row for row in rows}
    assert len(heads) == len(rows) == 4 * 3
    assert all(0 < row["alone"] < 100 for row in rows)
    same, other = heads["relearning", "a"], heads["unimodal_loss", "a"]
    assert same["change"] == same["gain"] == 0  # its first move is after the fourth epoch
    assert other["head"] - heads["none", "a"]["head"] == pytest.approx(other["change"])
    assert other["change"] != 0
    assert other["change_low"] <= other["change"] <= other["change_high"]
    table = page.imbalance({"imbalance": rows})
    assert results.interval(other, "change") in table
    assert "`none`" not in table
    assert page.alone({"imbalance": rows}).count("\n") == 1 + 3
