"""`spcl extract` and `spcl extractors`: features without a corpus."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pytest

from spcl.__main__ import main
from spcl.extract import build, names
from spcl.extract.files import MEDIA, items
from spcl.tables import parquet
from spcl.tables.parquet import metadata
from spcl.tables.schemas import EXTRACTED
from tests.extract.conftest import voice, write_wav


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command in the folder: its exit status and what it says."""
    monkeypatch.chdir(tmp_path)

    def called(*words):
        status = main(list(words))
        output, errors = capsys.readouterr()
        return status, output + errors

    return called


def rows(path):
    return parquet.read(path, EXTRACTED).to_pylist()


def test_files_and_folders_give_a_row_a_file(run, tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    write_wav(tmp_path / "in" / "deep" / "b.WAV", voice(0.4, hertz=200))
    write_wav(tmp_path / "in" / "a.wav", voice(0.4))
    (tmp_path / "in" / "readme.md").write_text("no sound")
    (tmp_path / "in" / "bad.mp3").write_text("no sound")
    write_wav(tmp_path / "c.sound", voice(0.6))
    command = "extract", "logmel", "in", "c.sound#t=0.1,0.5", "--output", "o.parquet"
    status, said = run(*command, "--option", "bands=10")
    assert (status, said) == (0, "o.parquet: 3 of 4 items have features, 1 undecodable\n")
    found = rows(tmp_path / "o.parquet")
    assert [(row["name"], row["observed"], row["kind"]) for row in found] == [
        ("in/a.wav", True, None),
        ("in/bad.mp3", False, "undecodable"),
        ("in/deep/b.WAV", True, None),
        ("c.sound#t=0.1,0.5", True, None),
    ]
    logmel = build("a", "logmel", {"bands": 10})
    direct = logmel(items([tmp_path / "in" / "a.wav"], "a")).features[0]
    np.testing.assert_array_equal(np.float32(found[0]["features"]), direct)
    facts = metadata(parquet.read(tmp_path / "o.parquet", EXTRACTED))
    assert (facts["extractor"], facts["options"], facts["width"]) == ("logmel", {"bands": 10}, 30)
    assert sorted(os.listdir(tmp_path)) == ["c.sound", "in", "o.parquet"]


def test_a_text_file_gives_a_row_a_line(run, tmp_path):
    (tmp_path / "lines.txt").write_text("I am so glad.\n\nGo away!\n")
    assert run("extract", "minilm", "lines.txt", "--output", "o.parquet")[0] == 0
    found = rows(tmp_path / "o.parquet")
    assert [(row["name"], row["observed"]) for row in found] == [
        ("lines.txt:1", True),
        ("lines.txt:2", False),
        ("lines.txt:3", True),
    ]


def test_a_text_file_can_list_media(run, tmp_path):
    (tmp_path / "in").mkdir()
    write_wav(tmp_path / "in" / "a.wav", voice(0.8))
    (tmp_path / "in" / "list.txt").write_text("a.wav\na.wav#t=0,0.4\nabsent.wav\n")
    assert run("extract", "logmel", "in/list.txt", "--output", "o.parquet")[0] == 0
    observed = [(row["name"], row["observed"]) for row in rows(tmp_path / "o.parquet")]
    assert observed == [("a.wav", True), ("a.wav#t=0,0.4", True), ("absent.wav", False)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["logmal", "a.wav"], "there is no extractor 'logmal'; python -m spcl extractors lists"),
        (["logmel", "a.wav", "--option", "bands=many"], "--option bands: 'many' is not allowed"),
        (["logmel", "a.wav", "--option", "bands"], "--option bands: 'None' is not allowed"),
        (["logmel", "a.wav", "--option", "bands=[1"], "not a value in YAML"),
        (["logmel", "a.wav", "--threads", "0"], "--threads 0: write 1 or more"),
        (["logmel", "a.wav", "a.wav"], "a.wav: is given 2 times; give it once"),
        (["logmel", "empty"], "empty: there are no media (.aac"),
        (["minilm", "a.wav"], "a.wav: not a text file"),
        (["minilm", "absent.txt"], "absent.txt: no such file"),
    ],
)
def test_a_mistake_gives_one_line(run, tmp_path, words, message):
    (tmp_path / "empty").mkdir()
    write_wav(tmp_path / "a.wav", voice(0.1))
    status, said = run("extract", *words, "--output", "o.parquet")
    assert status == 1
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "o.parquet").exists()


def test_another_suffix_of_the_output_is_refused(run, tmp_path):
    write_wav(tmp_path / "a.wav", voice(0.1))
    status, said = run("extract", "logmel", "a.wav", "--output", "o.csv")
    assert (status, said) == (
        1,
        "error: --output o.csv: write a name that ends in .parquet\n",
    )


def test_a_killed_command_resumes(tmp_path):
    for k in range(400):
        write_wav(tmp_path / f"{k:03}.wav", voice(0.5, hertz=100 + k % 50))
    output = tmp_path / "o.parquet"
    command = [sys.executable, "-m", "spcl", "extract", "egemaps", str(tmp_path)]
    command += ["--output", str(output), "--threads", "1"]
    killed = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    shards = tmp_path / "o.parquet.shards"
    while not list(shards.glob("[!.]*.parquet")):
        assert killed.poll() is None
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    first = {path.name: path.stat().st_mtime_ns for path in shards.glob("[!.]*.parquet")}
    assert 1 <= len(first) < 7
    assert not output.exists()
    kept = next(iter(first))
    marked = parquet_with_marked_row(shards / kept)
    subprocess.run(command, check=True, capture_output=True)
    assert marked in [tuple(row["features"]) for row in rows(output)]  # it was not made again
    assert len(rows(output)) == 400


def parquet_with_marked_row(path):
    """Replace the first vector of a shard by zeros and a one; return the vector."""
    from spcl.extract.shards import SHARD

    table = parquet.read(path, SHARD)
    vectors = table["features"].to_pylist()
    vectors[0] = [0.0] * 87 + [1.0]
    column = pa.array(vectors, table["features"].type)
    place = table.column_names.index("features")
    parquet.write(table.set_column(place, "features", column), path, SHARD)
    return tuple(vectors[0])


def test_every_extractor_is_listed_with_licence_and_width(run):
    status, said = run("extractors")
    assert status == 0
    assert "egemaps" in said
    assert "research only" in said
    for modality in "atv":
        for name in names(modality):
            (line,) = (line for line in said.splitlines() if line.split()[0] == name)
            assert line.endswith("yes")


def test_a_missing_package_is_listed_with_the_command_that_installs_it(run, monkeypatch):
    monkeypatch.delitem(sys.modules, "spcl.extract.egemaps", raising=False)
    monkeypatch.setitem(sys.modules, "opensmile", None)
    (line,) = (line for line in run("extractors")[1].splitlines() if line.startswith("egemaps"))
    assert line.endswith("no: pip install 'spcl[audio]'")


def test_an_extractor_is_described_with_its_options(run):
    status, said = run("extractors", "face_hog")
    assert status == 0
    assert "detection_side" in said
    status, said = run("extractors", "face")
    assert status == 1
    assert "there is no extractor 'face'; available: " in said


def test_the_suffixes_are_in_lower_case_and_known_once():
    assert len(set(MEDIA)) == len(MEDIA)
    assert all(suffix == suffix.lower() for suffix in MEDIA)
