"""Video: sampling of frames, regions, face detection, and reasons for missing features."""

import numpy as np
import pytest

from spcl.data.media import MediaReference
from spcl.extract import Item, Reason, build
from spcl.extract.decoding import pictures
from spcl.extract.faces import Faces
from tests.extract.conftest import write_video

EDGE = np.where(np.arange(64) < 32, 6, -6)
LADDER = [np.full((48, 64), 10 * k + 20, np.uint8) + EDGE.astype(np.uint8) for k in range(20)]
"""Two seconds at ten pictures a second, each brighter than the one before."""


def item(path, **part):
    return Item("u", video=MediaReference(str(path), **part))


def brightness(path, count, **part):
    found = pictures(item(path, **part), count)
    return [(picture.mean() - 20) / 10 for picture in found]


@pytest.mark.parametrize("suffix", ["avi", "mp4"])
def test_frames_are_from_the_middle_of_equal_parts(tmp_path, suffix):
    path = write_video(tmp_path / f"u.{suffix}", LADDER)
    assert brightness(path, 4) == pytest.approx([2.5, 7.5, 12.5, 17.5], abs=1.1)


def test_a_time_range_gives_frames_of_that_range(tmp_path):
    path = write_video(tmp_path / "u.avi", LADDER)
    assert brightness(path, 2, start_s=1.0, end_s=1.8) == pytest.approx([12, 16], abs=1.1)


def test_a_late_fragment_of_a_long_recording_is_found_by_seeking(tmp_path):
    long = [LADDER[0] + np.uint8(2 * (k // 5)) for k in range(500)]
    path = write_video(tmp_path / "u.avi", long, fps=10)
    seen = [p.mean() for p in pictures(item(path, start_s=40.0, end_s=42.0), 2)]
    assert seen == pytest.approx([20 + 2 * 81, 20 + 2 * 83], abs=4)


def test_a_region_crops_the_frame(tmp_path):
    half = np.where(np.arange(64) < 32, 40, 200) + 9 * (np.arange(48)[:, None] % 16 // 8)
    path = str(write_video(tmp_path / "u.avi", [half.astype(np.uint8)] * 5))
    (left,) = pictures(item(path, region=(0, 0, 50, 100)), 1)
    (right,) = pictures(item(path, region=(50, 0, 50, 50)), 1)
    assert left.shape == (48, 32)
    assert right.shape == (24, 32)
    assert left[:, :-4].mean() < 60 < 180 < right[:, 4:].mean()


def test_one_picture_is_enough_for_any_number_of_samples(tmp_path):
    path = write_video(tmp_path / "u.avi", LADDER[:1])
    assert len(pictures(item(path), 3)) == 3


def test_without_a_face_the_whole_frame_is_used(tmp_path, noise):
    path = write_video(tmp_path / "u.mp4", noise)
    extracted = build("v", "face_hog")([item(path)])
    assert extracted.reasons == [None]
    assert extracted.features.shape == (1, 289)
    assert extracted.features[0, :144].any()
    assert extracted.columns["face_share"].tolist() == [0.0]


@pytest.mark.parametrize("detector", ["dlib", "cascade"])
def test_a_face_is_found_where_it_is(tmp_path, drawn_face, detector):
    wide = np.full((120, 240), 128, np.uint8)
    wide[10:110, 10:110] = drawn_face
    path = write_video(tmp_path / "u.mp4", [wide] * 6)
    left, right = item(path, region=(0, 0, 50, 100)), item(path, region=(50, 0, 50, 100))
    extracted = build("v", "face_hog", {"detector": detector})([left, right])
    assert extracted.columns["face_share"].tolist() == [1.0, 0.0]
    assert extracted.features[:, -1].tolist() == [1.0, 0.0]


def test_one_picture_does_not_deviate_and_more_do(tmp_path, noise):
    path = write_video(tmp_path / "u.mp4", noise)
    one = build("v", "face_hog", {"frames": 1})([item(path)]).features[0]
    three = build("v", "face_hog", {"frames": 3})([item(path)]).features[0]
    assert not one[144:288].any()
    assert three[144:288].any()


def test_threads_change_nothing(tmp_path, noise):
    paths = [write_video(tmp_path / f"{k}.mp4", noise[k:]) for k in range(4)]
    extract = build("v", "face_hog")
    items = [item(path) for path in paths]
    np.testing.assert_array_equal(extract(items).features, extract(items, threads=3).features)


def test_bad_video_gives_a_reason_and_no_output(tmp_path, noise, capfd):
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    good = write_video(tmp_path / "good.mp4", noise)
    (tmp_path / "cut.mp4").write_bytes(good.read_bytes()[:2000])
    items = [
        item(tmp_path / "noise.mp4"),
        item(tmp_path / "cut.mp4"),
        item(tmp_path / "absent.mp4"),
        item(good, start_s=60.0, end_s=61.0),
        Item("u"),
        item(good),
    ]
    extracted = build("v", "face_hog")(items, threads=2)
    invalid = Reason("undecodable", "cannot be decoded (Invalid data found when processing input)")
    assert extracted.reasons == [
        invalid,
        invalid,
        Reason("missing", "no such file"),
        Reason("outside", "the video ends before the utterance begins"),
        Reason("missing", "there is no video file"),
        None,
    ]
    assert capfd.readouterr() == ("", "")


def test_a_talking_head_is_found_where_the_cascade_loses_it():
    from benchmarks.faces import clip

    head = item(clip("carphone_pristine.mp4"))
    share = {
        detector: build("v", "face_hog", {"frames": 30, "detector": detector})([head]).columns
        for detector in ("dlib", "cascade")
    }
    assert share["dlib"]["face_share"][0] > 0.9
    assert share["cascade"]["face_share"][0] < 0.7


def test_the_speakers_half_is_cut_before_the_face(tmp_path, drawn_face):
    two = np.full((120, 240), 128, np.uint8)
    two[10:110, 10:110] = drawn_face
    two[30:80, 170:220] = drawn_face[::2, ::2]
    path = write_video(tmp_path / "u.mp4", [two] * 6)
    faces = Faces("dlib", 480)

    def size(**part):
        (picture,) = pictures(item(path, **part), 1)
        return faces.largest(picture).shape[0]

    left, right = size(region=(0, 0, 50, 100)), size(region=(50, 0, 50, 100))
    assert left > 1.5 * right
    assert size() == left
