"""Benchmark files of the rules, gathered."""

import json

import pytest

from spcl.jobs.benchmarks import gather
from spcl.tables.schemas import BENCHMARKS


def record(folder, path, **values):
    file = folder / f"{path}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"s": 2.5, "cpu_time": 1.5, "max_rss": 100.0} | values) + "\n")


def test_a_row_a_job_with_its_wildcards(tmp_path):
    record(tmp_path, "train_cell/meld/mmgcn/atv/spcl")
    record(tmp_path, "extract_features/meld/a", max_rss="NA", cpu_time="NA")
    cell = {"dataset": "meld", "baseline": "mmgcn", "modalities": "atv", "curriculum": "spcl"}
    jobs = [["train_cell", cell], ["extract_features", {"dataset": "meld", "modality": "a"}]]
    table = gather(tmp_path, jobs)
    assert BENCHMARKS.fault(table) is None
    first, second = table.to_pylist()
    assert first == {"rule": "train_cell", "modality": None, **cell} | {
        "seconds": 2.5,
        "cpu_seconds": 1.5,
        "max_rss_mb": 100.0,
    }
    assert second["modality"] == "a"
    assert second["max_rss_mb"] is None


def test_a_job_without_a_file_is_left_out(tmp_path):
    table = gather(tmp_path, [["import_corpus", {"dataset": "meld"}]])
    assert table.num_rows == 0
    assert BENCHMARKS.fault(table) is None


@pytest.mark.parametrize("text", ["", '{"s": 2.', '{"s": "NA", "cpu_time": 1, "max_rss": 1}'])
def test_a_job_without_a_time_in_its_file_is_left_out(tmp_path, text):
    """Truncated on a full disk, or left by a killed job."""
    record(tmp_path, "import_corpus/meld")
    (tmp_path / "import_corpus" / "meld.jsonl").write_text(text)
    assert gather(tmp_path, [["import_corpus", {"dataset": "meld"}]]).num_rows == 0


def test_no_job_took_less_than_no_time(tmp_path):
    """Snakemake measures by the clock of the day, which may be set back meanwhile."""
    record(tmp_path, "import_corpus/meld", s=-3500.0)
    assert gather(tmp_path, [["import_corpus", {"dataset": "meld"}]]).num_rows == 0
