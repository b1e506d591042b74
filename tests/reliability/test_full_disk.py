"""A disk that is full, or read-only, is named in one line, and nothing half-written stays."""

from dataclasses import dataclass

import numpy as np
import pytest

from spcl.errors import UserError
from spcl.extract import Extractor
from spcl.extract.extraction import extract
from spcl.jobs.job import job
from spcl.provenance.environment import Provenance
from spcl.report.analysis.results import Results
from spcl.report.figures import plot
from spcl.report.tables import tabulate
from spcl.study.grid import Cell
from spcl.tables import parquet
from spcl.tables.schemas import METRICS
from spcl.training import checkpoints as checkpoints_module
from spcl.training.cell import train_cell
from spcl.training.cell_tables import KINDS, CellTables
from spcl.training.checkpoints import Checkpoints
from spcl.training.settings import CellSettings
from tests.conftest import make_corpus

CORPUS = make_corpus([9] * 20, widths={"a": 4})
STAGES = ("cell", "gathered", "table", "figure")
CELL = Cell("made", "late_fusion", "a", "none")
SETTINGS = {"seeds": [1], "training": {"epochs": 3}, "model": {}, "curriculum": {}}
STAMP = Provenance(commit="0", versions={}, device="here", config_digest="0", training_digest="0")


@dataclass
class Noise(Extractor):
    """Vectors that no compression makes small."""

    modality = "t"
    width = 200
    version = "1"

    def __post_init__(self):
        self.n_calls = 0

    def load(self, item):
        return item

    def compute(self, loaded, device="cpu", threads=1):
        self.n_calls += 1
        return np.random.default_rng(self.n_calls).normal(size=(len(loaded), 200))


def trained(checkpoints=None):
    settings = CellSettings.from_config(SETTINGS)
    return train_cell(CELL, *CORPUS, settings, provenance=STAMP, checkpoints=checkpoints)


def refused(capsys, tmp_path, work):
    """The one line on the terminal of a job that cannot write."""
    with pytest.raises(SystemExit) as status, job(tmp_path / "job.log"):
        work()
    assert status.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.fixture
def results(tmp_path):
    """The tables of a cell, on a disk with room."""
    paths = {kind: tmp_path / "cell" / f"{kind}.parquet" for kind in KINDS}
    trained().write(paths)
    return Results(**{kind: [path] for kind, path in paths.items()})


def stages(results):
    """By stage: what writes its files into a folder."""
    tables = CellTables.read({kind: results._paths[kind][0] for kind in KINDS})

    def cell(folder):
        tables.write({kind: folder / f"{kind}.parquet" for kind in KINDS})

    def gathered(folder):
        table = parquet.read_all(results._paths["metrics"], METRICS)
        parquet.write(table, folder / "metrics.parquet", METRICS)

    def table(folder):
        files = {kind: folder / f"main.{kind}" for kind in ("parquet", "md", "tex", "html")}
        tabulate("main", results).write(**files)

    def figure(folder):
        files = {kind: folder / f"main.{kind}" for kind in ("parquet", "svg", "png")}
        plot("main", results, **files)

    return {"cell": cell, "gathered": gathered, "table": table, "figure": figure}


@pytest.mark.parametrize(
    ("stage", "leaving"),
    [(stage, 0) for stage in STAGES] + [(stage, 16_384) for stage in STAGES if stage != "gathered"],
)
def test_a_full_disk_is_one_line(disk, results, stage, leaving, tmp_path, capsys):
    """With no room at all, or after a file or two."""
    work = stages(results)[stage]
    disk.fill(leaving)
    line = refused(capsys, tmp_path, lambda: work(disk.folder))
    assert line.startswith(f"error: {disk.folder}/")
    assert "cannot be written (No space left on device); free disk space and run again" in line
    assert not [name for name in disk.files() if name.startswith(".")]
    disk.make_room()
    work(disk.folder)
    assert all((disk.folder / name).stat().st_size for name in disk.files())


def test_what_was_extracted_before_the_disk_was_full_is_kept(disk, tmp_path, capsys):
    extractor, shards = Noise(), disk.folder / "t.shards"
    disk.fill(100_000)

    def work():
        return extract(CORPUS[0], tmp_path, extractor, shards=shards)

    line = refused(capsys, tmp_path, work)
    assert line.startswith(f"error: {shards}/")
    assert "(No space left on device); free disk space" in line
    assert len(disk.files()) == 1
    disk.make_room()
    extractor.n_calls = 0
    work()
    assert extractor.n_calls == 2  # of three
    assert disk.files() == set()


def test_a_state_that_does_not_fit_stops_no_training(disk, caplog, monkeypatch):
    monkeypatch.setattr(checkpoints_module, "_WORTH", 0)
    disk.fill(0)
    tables = trained(Checkpoints(disk.folder / "working", disk.folder / "kept"))
    assert tables.predictions.equals(trained().predictions)
    assert caplog.text.count("cannot be saved") == 1  # and not again at every epoch
    assert disk.files() == set()


@pytest.mark.parametrize("stage", STAGES)
def test_a_read_only_folder_is_one_line(read_only, results, stage, tmp_path, capsys):
    folder = tmp_path / "results"
    folder.mkdir()
    read_only(folder)
    line = refused(capsys, tmp_path, lambda: stages(results)[stage](folder / "new"))
    assert line.startswith(f"error: {folder}/new/")
    assert "(Read-only file system); make its folder writable, or work in another" in line


def test_a_table_that_cannot_be_written_leaves_the_one_before(disk, results):
    path = disk.folder / "metrics.parquet"
    table = parquet.read(results._paths["metrics"][0], METRICS)
    parquet.write(table, path, METRICS)
    before = path.read_bytes()
    disk.fill(0)
    with pytest.raises(UserError, match="No space left on device"):
        parquet.write(table, path, METRICS)
    assert path.read_bytes() == before
