"""Incomplete results give every table and figure, with gaps that are explained."""

import importlib
import pkgutil
import re

import numpy as np
import pytest
from made_results import make_results

from spcl.report import figures, tables
from spcl.report.analysis.results import Results
from spcl.report.drawing import style
from spcl.report.tables import tabulate
from spcl.tables import parquet
from spcl.training.cell_tables import KINDS

# test_tuning_table.py is about the table and figure `tuning`, which need results of another kind.
TABLES, FIGURES = (
    [module.name for module in pkgutil.iter_modules(package.__path__) if module.name != "tuning"]
    for package in (tables, figures)
)
SHAPE = {
    "datasets": ("iemocap-sim", "meld-sim"),
    "baselines": ("mmgcn", "biddin"),
    "modalities": ("atv", "at", "av"),
    "n_dialogues": 16,
    "mean_length": 5,
    "epochs": 4,
}


@pytest.fixture(scope="module")
def holed(tmp_path_factory):
    """A cell of none is missing, a cell has half of its seeds, meld-sim has no av and no probes."""
    folder = tmp_path_factory.mktemp("holed")
    absent = {f"meld-sim/{b}/av/{c}" for b in SHAPE["baselines"] for c in ("none", "spcl")}
    paths = make_results(
        folder, **SHAPE, seeds=(1, 2, 3, 4), drop=absent | {"iemocap-sim/mmgcn/atv/none"}
    )
    for kind, schema in KINDS.items():
        (path,) = (p for p in paths[kind] if p.stem == "iemocap-sim-biddin-atv-spcl")
        runs = parquet.read(path, schema)
        parquet.write(runs.filter(np.isin(runs["seed"], [1, 2])), path, schema)
    for kind in ("utterance_difficulty", "conversation_difficulty"):
        paths[kind] = [path for path in paths[kind] if "iemocap" in path.stem]
    return Results(**paths)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_comes_out(holed, name):
    table = tabulate(name, holed)
    assert len(table.data)
    assert not re.search(r"\bnan\b", table.markdown() + table.latex())


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_comes_out(holed, name):
    figure = importlib.import_module(f"spcl.report.figures.{name}")
    with style.look():
        drawn = figure.draw(figure.compute(holed))
        style.headline(drawn, figure.TITLE, figure.CAPTION, holed.simulated)
        assert len(drawn.axes) > 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("main", "Missing cells: iemocap-sim/mmgcn/atv/none"),
        ("main", "Fewer than 4 seeds: iemocap-sim/biddin/atv/spcl (2)"),
        ("main", "No gain (dash) where the cell of the curriculum none is missing"),
        ("per_class", "Missing cells: iemocap-sim/mmgcn/atv/none"),
        ("modality_gain", "A dash means that the cell with fewer modalities is missing"),
        ("ablation", "Missing cells: iemocap-sim/mmgcn/atv/none"),
        ("balance", "No reference and no gap (dash) for audio (meld-sim)"),
        ("calibration", "Fewer than 4 seeds: iemocap-sim/biddin/atv/spcl (2)"),
        ("curriculum", "Fewer than 4 seeds: iemocap-sim/biddin/atv/spcl (2)"),
        ("difficulty", "No probe scores were given for: meld-sim"),
        ("cost", "No overhead (dash) where the cell of none, or a common seed, is missing"),
    ],
)
def test_gaps_are_explained(holed, name, words):
    assert any(words in note for note in tabulate(name, holed).notes)


def test_gains_are_over_the_seeds_that_are_left(holed):
    data = tabulate("main", holed).data.set_index(["dataset", "baseline", "modalities"])
    row = data.loc[("iemocap-sim", "biddin", "atv")].set_index("curriculum").loc["spcl"]
    assert (row["n_seeds"], row["n_paired_seeds"]) == (2, 2)


@pytest.mark.parametrize("name", sorted(set(TABLES) - {"features", "findings", "provenance"}))
def test_a_cell_that_diverged_or_never_admitted_all_is_marked_wherever_it_shows(name, tmp_path):
    cell = "iemocap-sim/mmgcn/atv/spcl"
    shape = SHAPE | {"datasets": ("iemocap-sim",), "modalities": ("atv", "at"), "epochs": 3}
    made = make_results(tmp_path, **shape, seeds=(1, 2), diverged={cell}, never_full={cell})
    table = tabulate(name, Results(**made))
    marks = [entry.marks for panel in table.panels for row in panel.rows for entry in row]
    assert any("†‡" in mark for mark in marks)
    for sign in "†‡":
        assert sum(note.startswith(sign) for note in table.notes) == 1


@pytest.mark.parametrize("name", TABLES)
def test_one_seed_is_never_tested(name, tmp_path):
    shape = SHAPE | {"datasets": ("iemocap-sim",), "modalities": ("atv", "at"), "epochs": 3}
    table = tabulate(name, Results(**make_results(tmp_path, **shape, seeds=(1,))))
    if "p" in table.data:
        assert table.data["p"].isna().all()
        assert any("no test" in note for note in table.notes)
    assert not any("*" in entry.marks for p in table.panels for row in p.rows for entry in row)
