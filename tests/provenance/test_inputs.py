"""The files that the settings of a job name."""

from spcl.provenance.inputs import files


def test_files_and_folders_that_settings_name_are_inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("encoder", "spcl", "my/weights"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "order.json").write_text("[]")
    assert files({"extractor": "huggingface_text", "options": {"folder": "encoder"}}) == ["encoder"]
    cell = {
        "model": {"start": "my/weights", "kind": "spcl"},
        "curriculum": {"of": "spcl", "steps": ["order.json"], "order": "order.json"},
        "training": {"scale": "order.json"},
    }
    assert files({"settings": cell}) == ["my/weights", "order.json"]


def test_a_word_that_is_also_a_folder_is_no_input(tmp_path, monkeypatch):
    """A cell that follows the pace of spcl does not depend on the folder spcl."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spcl").mkdir()
    assert files({"settings": {"curriculum": {"of": "spcl"}, "model": {}, "seeds": [1]}}) == []
    assert files({"layout": "meld", "simulate": None, "options": {"bands": 4}}) == []
