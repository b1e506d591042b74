"""Figures are drawn from one table, the same bytes each time, with gaps rather than errors."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest
from made_results import make_results

from spcl.errors import UserError
from spcl.report.analysis.results import Results
from spcl.report.drawing import style
from spcl.report.figures import (
    calibration,
    cost,
    curriculum,
    difficulty,
    features,
    main,
    modality_gain,
    plot,
    robustness,
)
from spcl.tables import parquet

FIGURES = {
    "main": main,
    "modality_gain": modality_gain,
    "calibration": calibration,
    "curriculum": curriculum,
    "difficulty": difficulty,
    "features": features,
    "cost": cost,
    "robustness": robustness,
}


TINY = {"datasets": ("iemocap-sim",), "seeds": (1,), "epochs": 3, "n_dialogues": 12}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """One baseline, atv and at, three curricula, two seeds."""
    return make_results(
        tmp_path_factory.mktemp("small"),
        datasets=("meld-sim",),
        baselines=("mm_dfn",),
        modalities=("atv", "at"),
        curricula=("none", "spcl", "anti"),
        seeds=(1, 2),
        n_dialogues=12,
        epochs=4,
    )


def draw(name, results, folder):
    out = {ext: folder / f"{name}.{ext}" for ext in ("parquet", "svg", "png")}
    plot(name, results, **out)
    return out


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_a_table_and_two_pictures_that_are_the_same_each_time(name, small, tmp_path):
    first = draw(name, Results(**small), tmp_path / "first")
    second = draw(name, Results(**small), tmp_path / "second")
    for ext in first:
        assert first[ext].read_bytes() == second[ext].read_bytes()
    table = parquet.read(first["parquet"], FIGURES[name].SCHEMA)
    assert len(table) > 0
    svg = first["svg"].read_text(encoding="utf-8")
    ElementTree.fromstring(svg)
    assert "<text" not in svg  # letters are outlines: no font is needed
    assert not re.search(r"(href|src)=\"(?!#)", svg)
    assert "<dc:date>" not in svg
    assert first["png"].read_bytes().startswith(b"\x89PNG")
    assert parquet.metadata(table)["simulated"] == ["meld-sim"]


@pytest.mark.parametrize("name", FIGURES)
def test_simulated_is_written_in_red(name, small):
    figure = FIGURES[name]
    with style.look():
        drawn = figure.draw(figure.compute(Results(**small)))
        style.headline(drawn, figure.TITLE, figure.CAPTION, ["meld-sim"])
        (warning,) = [text for text in drawn.texts if "Simulated" in text.get_text()]
        assert warning.get_color() == style.SIMULATED


@pytest.mark.parametrize("name", FIGURES)
def test_no_input_gives_a_picture_that_says_so(name, tmp_path):
    out = draw(name, Results(), tmp_path)
    assert len(parquet.read(out["parquet"], FIGURES[name].SCHEMA)) == 0
    with style.look():
        drawn = FIGURES[name].draw(FIGURES[name].compute(Results()))
        assert re.search("no|nothing", drawn.texts[0].get_text().lower())


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize(
    "absent",
    [
        ["predictions"],
        ["utterances"],
        ["curriculum", "benchmarks"],
        ["utterance_difficulty", "metrics"],
    ],
)
def test_missing_inputs_leave_gaps(name, absent, small):
    kept = {kind: paths for kind, paths in small.items() if kind not in absent}
    with style.look():
        assert FIGURES[name].draw(FIGURES[name].compute(Results(**kept)))


@pytest.fixture(scope="module")
def holed(tmp_path_factory):
    """One seed; of four cells two are absent, one diverged and one never admitted all."""
    return make_results(
        tmp_path_factory.mktemp("holed"),
        **TINY,
        baselines=("mmgcn", "biddin"),
        modalities=("atv", "av"),
        drop={"iemocap-sim/mmgcn/atv/none", "iemocap-sim/biddin/atv/spcl"},
        diverged={"iemocap-sim/mmgcn/av/spcl"},
        never_full={"iemocap-sim/biddin/av/spcl"},
    )


@pytest.fixture(scope="module")
def lone(tmp_path_factory):
    """A single cell: one seed, one modality, no curriculum."""
    return make_results(
        tmp_path_factory.mktemp("lone"),
        **TINY,
        baselines=("mmgcn",),
        modalities=("t",),
        curricula=("none",),
    )


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("made", ["holed", "lone"])
def test_holes_in_the_grid_one_seed_and_no_curriculum_are_borne(name, made, request):
    results = Results(**request.getfixturevalue(made))
    with style.look():
        drawn = FIGURES[name].draw(FIGURES[name].compute(results))
        style.headline(drawn, "Title", "Caption.", [])


def test_an_unknown_figure_is_named_with_those_that_there_are(tmp_path):
    with pytest.raises(UserError, match=r"figure 'pie': no such figure; choose one of .*cost"):
        draw("pie", Results(), tmp_path)


def test_the_main_figure_shows_the_main_tables_numbers(small):
    data = main.compute(Results(**small))
    key = ["modalities", "curriculum", "measure"]
    value = data.set_index(key)["value"]
    paired = value["atv", "spcl", "weighted_f1"] - value["atv", "none", "weighted_f1"]
    assert value["atv", "spcl", "gain"] == pytest.approx(paired)
    assert ("atv", "none", "gain") not in value.index


def test_admitted_shares_end_where_first_epochs_say(small):
    results = Results(**small)
    data = curriculum.compute(results)
    assert set(data["modalities"]) == {"atv"}
    assert set(data.loc[data["split_by"] == "class", "curriculum"]) == {"spcl"}
    first = results.curriculum.query("modalities == 'atv' and curriculum == 'spcl'")
    admitted = data[data["split_by"] == "tercile"]
    for epoch, rows in admitted.groupby("epoch"):
        share = np.average(rows["value"], weights=rows["n"])
        assert share == pytest.approx(100 * (first["first_epoch"] <= epoch).mean())
    easy, hard = (
        admitted.query(f"part == '{p}' and epoch == 1")["value"].item() for p in ("easy", "hard")
    )
    assert easy > hard


def test_difficulty_quantiles_are_those_of_the_losses(small):
    results = Results(**small)
    row = difficulty.compute(results).query("modality == 'a' and emotion == ''").iloc[0]
    loss = results.utterance_difficulty.query("modality == 'a'")["loss"].dropna()
    assert row["n"] == len(loss)
    assert row["loss_q95"] == pytest.approx(loss.quantile(0.95))


def test_series_differ_in_grey_too():
    looks = list(style.series([str(i) for i in range(8)]).values())
    for attribute in ("color", "marker", "hatch"):
        assert len({getattr(look, attribute) for look in looks}) == 8


def test_marks_of_eight_curricula_stay_in_their_place():
    offsets = style.offsets(8)
    assert max(offsets) < 0.5
    assert pd.Series(offsets).diff().min() > 0.09


@pytest.mark.parametrize("name", FIGURES)
def test_no_words_run_out_of_a_figure_of_one_panel(name, tmp_path):
    narrow = TINY | {"modalities": ("at",), "baselines": ("mmgcn",)}
    results = Results(**make_results(tmp_path, **narrow))
    figure = FIGURES[name]
    with style.look():
        drawn = figure.draw(figure.compute(results))
        style.headline(drawn, figure.TITLE, figure.CAPTION, results.simulated)
        renderer = drawn.canvas.get_renderer()
        words = [*drawn.texts, *(axes.xaxis.label for axes in drawn.axes)]
        words += [axes._left_title for axes in drawn.axes]
        for text in words:
            assert text.get_window_extent(renderer).x1 <= drawn.bbox.x1, text.get_text()
