"""`python -m spcl plan`: how many seeds a gain needs."""

import pytest

from spcl.__main__ import main
from spcl.report.analysis.results import Results
from spcl.report.tables import tabulate
from tests.comparison.test_compare import lay_out

KINDS = ("metrics", "predictions")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return lay_out(tmp_path_factory.mktemp("pilot"), simulated=True)


def test_the_command_shows_the_table(run, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["plan", str(run), "--effect", "2.5"]) == 0
    shown = capsys.readouterr().out
    assert "true gain of 2.5 points" in shown
    assert "SIMULATED DATA (iemocap)" in shown
    found = Results(**{kind: sorted(run.rglob(f"{kind}.parquet")) for kind in KINDS})
    data = tabulate("power", found, effect=2.5).data
    last = data.iloc[-1]
    numbers = [f"{100 * last[f'power_{n}_interval']:.0f}" for n in (3, 5, 10, 20, 40)]
    (line,) = (line for line in _part(shown, "uncorrected") if line.strip().startswith("all/all"))
    assert line.split()[1:] == ["3", f"{last['smallest_effect_interval']:.1f}", *numbers]


def _part(shown, title):
    """The lines from a title on to the next empty line."""
    return shown[shown.index(title) :].split("\n\n")[0].splitlines()


def test_the_default_is_the_folder_results_and_one_point(run, capsys, monkeypatch):
    monkeypatch.chdir(run.parent)
    assert main(["plan"]) == 0
    assert "true gain of 1 point of weighted F1" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("effect", ["0", "-1", "nan", "101", "one"])
def test_an_effect_is_a_number_of_points(effect, run, capsys):
    with pytest.raises(SystemExit) as end:
        main(["plan", str(run), f"--effect={effect}"])
    assert end.value.code == 2
    assert f"'{effect}' is not a number of points" in capsys.readouterr().err


def test_a_folder_without_results_is_named(tmp_path, capsys):
    assert main(["plan", str(tmp_path)]) == 1
    assert "no results in it" in capsys.readouterr().err
    (tmp_path / "scores.csv").touch()
    assert main(["plan", str(tmp_path / "scores.csv")]) == 1
    assert "is a file; name the results folder" in capsys.readouterr().err
