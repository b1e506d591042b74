"""Time stamps of the future are refused, with a command that mends them."""

import os
import subprocess
import time

import pytest

from spcl.clock import refuse_future
from spcl.errors import UserError


@pytest.mark.parametrize("path", ["data/mine/talks.csv", "data/my talks.csv"])
def test_the_remedy_mends_a_corpus_in_a_folder_or_in_one_file(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.touch()
    corpus = file if file.parent.name == "data" else file.parent
    datasets = {"mine": {"path": str(corpus.relative_to(tmp_path))}}
    refuse_future(datasets)
    later = time.time() + 3600
    os.utime(file, (later, later))
    with pytest.raises(UserError) as error:
        refuse_future(datasets)
    said = str(error.value)
    assert said.startswith(f"{path}: its time stamp lies in the future")
    subprocess.run(said.partition("correct all such: ")[2], shell=True, check=True)
    refuse_future(datasets)
