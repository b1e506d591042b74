"""Custom tables are read in every form that the page describes; errors name the remedy."""

import os

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from spcl.data.formats import tables
from spcl.data.records import Choices
from spcl.errors import UserError

COLUMNS = {
    "dialogue_id": ["d0", "d0", "d1", "d2"],
    "utterance_id": ["u0", "u1", "u2", "u3"],
    "position": [0, 1, 0, 0],
    "speaker": ["Ann", "Bob", "Ann", "Cid"],
    "text": ["Hello", "Hi, you", "Bye", ""],
    "emotion": ["glad", "calm", "", "glad"],
    "split": ["train", "train", "dev", "test"],
}
FEATURES = np.arange(12, dtype=np.float32).reshape(4, 3)


def write_csv(folder, columns):
    lines = [",".join(columns)]
    lines += [",".join(f'"{cell}"' for cell in row) for row in zip(*columns.values(), strict=True)]
    (folder / "utterances.csv").write_text("\n".join(lines) + "\n", "utf-8")


def write_parquet(folder, columns):
    pq.write_table(pa.table(columns), folder / "utterances.parquet")


def without(*names):
    return {name: cells for name, cells in COLUMNS.items() if name not in names}


def read(folder, labels=None):
    return tables.read(folder, None, Choices(labels))


def column(reading, name):
    return [getattr(utterance, name) for utterance in reading.utterances]


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_a_table_is_read_unchanged(tmp_path, write):
    write(tmp_path, COLUMNS)
    assert tables.fits(tmp_path, None)
    reading = read(tmp_path)
    for name in ("dialogue_id", "utterance_id", "speaker", "text", "split"):
        assert column(reading, name) == COLUMNS[name]
    assert column(reading, "emotion") == ["glad", "calm", None, "glad"]
    assert reading.labels == ("calm", "glad")
    assert reading.problems == []
    assert reading.known_as is None


def test_dialogue_and_emotion_are_enough(tmp_path):
    write_csv(tmp_path, {name: COLUMNS[name] for name in ("dialogue_id", "emotion")})
    reading = read(tmp_path)
    assert column(reading, "utterance_id") == ["d0_0", "d0_1", "d1_0", "d2_0"]
    assert len(set(column(reading, "speaker"))) == 1
    assert column(reading, "split") == [None] * 4
    assert column(reading, "text") == [""] * 4


def test_utterances_come_by_position_inside_their_dialogue(tmp_path):
    columns = COLUMNS | {"dialogue_id": ["d1", "d0", "d0", "d1"], "position": [7, 3, 1, 2]}
    write_parquet(tmp_path, columns)
    np.save(tmp_path / "a.npy", FEATURES)
    reading = read(tmp_path)
    assert column(reading, "utterance_id") == ["u3", "u0", "u2", "u1"]
    assert reading.features["a"].tolist() == FEATURES[[3, 0, 2, 1]].tolist()


def test_utterance_ids_that_restart_in_every_dialogue_get_its_name(tmp_path):
    write_csv(tmp_path, COLUMNS | {"utterance_id": [0, 1, 0, 0]})
    assert column(read(tmp_path), "utterance_id") == ["d0_0", "d0_1", "d1_0", "d2_0"]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_tables_may_be_cut_by_semicolons_or_tabs(tmp_path, separator):
    (tmp_path / "utterances.csv").write_text(
        "dialogue_id;emotion;text\nd0;glad;Yes, indeed\nd1;calm;No\n".replace(";", separator),
        "utf-8",
    )
    (tmp_path / "a.csv").write_text(
        "name;f0;f1\n'x';1.5;2\n'y';3;4\n".replace(";", separator), "utf-8"
    )
    reading = read(tmp_path)
    assert column(reading, "text") == ["Yes, indeed", "No"]
    assert reading.features["a"].tolist() == [[1.5, 2], [3, 4]]


def test_splits_go_by_their_usual_names(tmp_path):
    write_csv(tmp_path, COLUMNS | {"split": ["Train", "training", "validation", "testing"]})
    assert column(read(tmp_path), "split") == ["train", "train", "dev", "test"]
    write_csv(tmp_path, COLUMNS | {"split": ["a", "b", "train", "test"]})
    with pytest.raises(UserError, match=r"column 'split' has a, b; write train, dev, test"):
        read(tmp_path)


class TestLabels:
    def test_integers_are_never_guessed(self, tmp_path):
        write_parquet(tmp_path, COLUMNS | {"emotion": [0, 1, None, 2]})
        with pytest.raises(
            UserError, match=r"integers, up to 2, .* unknown; .* labels: \[\.\.\.\]"
        ):
            read(tmp_path)
        reading = read(tmp_path, ("sad", "glad", "calm"))
        assert column(reading, "emotion") == ["sad", "glad", None, "calm"]
        assert reading.labels == ("sad", "glad", "calm")

    def test_minus_one_is_unlabelled_and_a_place_beyond_the_labels_is_noted(self, tmp_path):
        write_csv(tmp_path, COLUMNS | {"emotion": [0, -1, 1, 9]})
        reading = read(tmp_path, ("sad", "glad"))
        assert column(reading, "emotion") == ["sad", None, "glad", None]
        assert [problem.reason for problem in reading.problems] == [
            "1 utterances are '9', which is not a label; kept as unlabelled"
        ]

    def test_integers_with_gaps_stored_as_floats_are_integers(self, tmp_path):
        write_parquet(tmp_path, COLUMNS | {"emotion": pa.array([0.0, 1.0, float("nan"), 1.0])})
        assert column(read(tmp_path, ("sad", "glad")), "emotion") == ["sad", "glad", None, "glad"]

    @pytest.mark.parametrize(
        ("labels", "cells", "expected"),
        [
            (("sad", "glad"), ("0.0", "1.0", "", "-1.0"), ["sad", "glad", None, None]),
            (("0", "1"), ("0.0", "1.0", "", "1.0"), ["0", "1", None, "1"]),
            (("1", "2"), ("1.0", "2.0", "", "1"), ["1", "2", None, "1"]),
            (("0", "1", "glad"), ("0.0", "1.0", "", "glad"), ["0", "1", None, "glad"]),
            (("0", "1"), ("0.0", "1.0", "", "unsure"), ["0", "1", None, None]),
        ],
    )
    def test_whole_numbers_with_a_fraction_are_the_labels_of_the_config(
        self, tmp_path, labels, cells, expected
    ):
        write_csv(tmp_path, COLUMNS | {"emotion": list(cells)})
        assert column(read(tmp_path, labels), "emotion") == expected

    def test_the_labels_that_a_refusal_shows_are_accepted(self, tmp_path):
        write_csv(tmp_path, COLUMNS | {"emotion": ["0.0", "1.0", "", "unsure"]})
        with pytest.raises(UserError, match="none of its emotions") as error:
            read(tmp_path, ("sad", "glad"))
        shown = yaml.safe_load(str(error.value).rpartition("labels: ")[2])
        assert shown == ["0", "1", "unsure"]
        assert column(read(tmp_path, tuple(shown)), "emotion") == ["0", "1", None, "unsure"]

    def test_names_follow_the_labels_that_are_asked_for(self, tmp_path):
        write_csv(tmp_path, COLUMNS)
        assert read(tmp_path, ("glad", "calm")).labels == ("glad", "calm")
        reading = read(tmp_path, ("glad", "sad"))
        assert column(reading, "emotion") == ["glad", None, None, "glad"]
        assert "1 utterances are 'calm'" in reading.problems[0].reason
        with pytest.raises(UserError, match=r"\(calm, glad\) is among labels: \[x, y\]; write"):
            read(tmp_path, ("x", "y"))

    def test_names_of_a_known_corpus_have_its_order_in_any_case(self, tmp_path):
        emotions = ["Joy", "Anger", "Fear", "Sadness", "Surprise", "Disgust", "Neutral"]
        columns = {"dialogue_id": list("abcdefg"), "emotion": emotions}
        write_csv(tmp_path, columns)
        reading = read(tmp_path)
        assert reading.labels[:2] == ("neutral", "surprise")
        assert column(reading, "emotion")[0] == "joy"
        again = read(tmp_path, reading.labels)
        assert again.utterances == reading.utterances

    def test_iemocap_s_codes_without_a_majority_are_unlabelled(self, tmp_path):
        emotions = ["hap", "sad", "neu", "ang", "exc", "fru", "xxx", "sur"]
        write_csv(tmp_path, {"dialogue_id": list("abcdefgh"), "emotion": emotions})
        reading = read(tmp_path)
        assert reading.labels == ("hap", "sad", "neu", "ang", "exc", "fru")
        assert column(reading, "emotion")[6:] == [None, None]
        assert reading.problems == []

    def test_a_dictionary_column_is_read_by_its_values(self, tmp_path):
        emotions = pa.array(COLUMNS["emotion"]).dictionary_encode()
        write_parquet(tmp_path, COLUMNS | {"emotion": emotions})
        assert column(read(tmp_path), "emotion") == ["glad", "calm", None, "glad"]


class TestFeatures:
    @pytest.fixture
    def folder(self, tmp_path):
        write_csv(tmp_path, COLUMNS)
        (tmp_path / "features").mkdir()
        return tmp_path

    def test_each_kind_of_file_gives_the_same_numbers(self, folder):
        ids = COLUMNS["utterance_id"]
        np.save(folder / "a.npy", FEATURES.astype(np.float64))
        np.savez(folder / "features/t.npz", utterance_id=ids[::-1], features=FEATURES[::-1])
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(FEATURES.ravel()), 3)
        pq.write_table(
            pa.table({"utterance_id": ids, "features": vectors}), folder / "features/v.parquet"
        )
        reading = read(folder)
        assert sorted(reading.features) == ["a", "t", "v"]
        for matrix in reading.features.values():
            assert matrix.dtype == np.float32
            assert matrix.tolist() == FEATURES.tolist()

    def test_columns_of_numbers_are_a_matrix_and_others_are_noted(self, folder):
        lines = ["utterance_id,file,pitch,loudness"]
        lines += [f"u{n},{n}.wav,{n}.5,{'' if n == 2 else 100000 * n}" for n in (3, 2, 1, 0)]
        (folder / "a.csv").write_text("\n".join(lines) + "\n", "utf-8")
        reading = read(folder)
        assert reading.features["a"][[0, 1, 3]].tolist() == [[0.5, 0], [1.5, 1e5], [3.5, 3e5]]
        assert np.isnan(reading.features["a"][2, 1])
        assert reading.problems[0].reason == "columns file are not features; left out"

    def test_neither_labels_nor_row_numbers_become_features(self, folder):
        lines = [",utterance_id,Emotion,position,pitch"]
        lines += [f"{n},u{n},{n % 2},{n},{n}.5" for n in range(4)]
        (folder / "a.csv").write_text("\n".join(lines) + "\n", "utf-8")
        reading = read(folder)
        assert reading.features["a"].tolist() == [[0.5], [1.5], [2.5], [3.5]]
        assert "without a name, Emotion, position are not features" in reading.problems[0].reason

    def test_rows_that_are_absent_null_or_marked_are_nan(self, folder):
        table = pa.table(
            {
                "utterance_id": ["u0", "u1", "u3"],
                "observed": [True, False, True],
                "features": pa.array([[1, 2], [3, 4], None], pa.list_(pa.float64())),
            }
        )
        pq.write_table(table, folder / "t.parquet")
        matrix = read(folder).features["t"]
        assert matrix[0].tolist() == [1, 2]
        assert np.isnan(matrix[1:]).all()

    def test_a_row_of_another_width_costs_itself(self, folder):
        vectors = pa.array([[1.0, 2.0], [3.0], [4.0, 5.0], [6.0, 7.0]])
        pq.write_table(
            pa.table({"utterance_id": COLUMNS["utterance_id"], "x": vectors}), folder / "t.parquet"
        )
        reading = read(folder)
        assert reading.features["t"].shape == (4, 2)
        assert np.isnan(reading.features["t"][1]).all()
        assert "1 rows are not 2 numbers wide" in reading.problems[0].reason

    def test_rows_for_other_utterances_and_second_rows_are_noted(self, folder):
        ids = ["u0", "u0", "u9", "u2"]
        np.savez(folder / "a.npz", utterance_id=ids, features=FEATURES[[0, 0, 1, 2]])
        reading = read(folder)
        assert reading.features["a"][0].tolist() == FEATURES[0].tolist()
        assert [problem.reason.split(",")[0] for problem in reading.problems] == [
            "1 rows name no utterance",
            "1 rows name an utterance again; the first of each is kept",
        ]

    @pytest.mark.parametrize("n_names", [0, 1, 3, 5, 8])
    def test_as_many_names_as_rows_are_needed(self, folder, n_names):
        ids = [f"u{n}" for n in range(n_names)]
        np.savez(folder / "a.npz", utterance_id=np.array(ids, "U9"), features=FEATURES)
        message = rf"a\.npz: {n_names} names in utterance_id for 4 rows .*; save it again with one"
        with pytest.raises(UserError, match=message):
            read(folder)

    def test_a_name_of_two_different_rows_is_refused(self, folder):
        ids = ["u0", "u1", "u0", "u2"]
        np.savez(folder / "a.npz", utterance_id=ids, features=FEATURES)
        (folder / "t.csv").write_text("utterance_id,f\nu0,1\nu3,2\nu3,3\n")
        with pytest.raises(UserError, match=r"a\.npz: two different rows, 1 and 3, .*'u0'; keep"):
            read(folder)
        (folder / "a.npz").unlink()
        with pytest.raises(UserError, match=r"t\.csv: two different rows, 2 and 3, .*'u3'; keep"):
            read(folder)

    @pytest.mark.parametrize("column", ["name", "clip", "dialogue_id"])
    def test_names_in_another_column_are_checked(self, folder, column):
        own = COLUMNS.get(column, COLUMNS["utterance_id"])
        for names, refused in ((own, False), (own[::-1], True)):
            (folder / "a.csv").write_text(
                f"{column},f\n" + "".join(f"{name},{n}.5\n" for n, name in enumerate(names))
            )
            pq.write_table(
                pa.table({column: names, "features": FEATURES.tolist()}), folder / "t.parquet"
            )
            np.savez(folder / "v.npz", features=FEATURES, **{column: names})
            if not refused:
                assert read(folder).features["a"].ravel().tolist() == [0.5, 1.5, 2.5, 3.5]
                assert read(folder).features["v"].tolist() == FEATURES.tolist()
                continue
            for file in ("a.csv", "t.parquet", "v.npz"):
                message = (
                    rf"{file}: its '{column}' is not in the order .*; name the rows by utterance_id"
                )
                with pytest.raises(UserError, match=message):
                    read(folder)
                (folder / file).unlink()

    @pytest.mark.parametrize(
        "type_", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())]
    )
    def test_names_of_any_text_type_are_read(self, folder, type_):
        backwards = pa.array(COLUMNS["utterance_id"][::-1]).cast(type_)
        vectors = FEATURES[::-1].tolist()
        pq.write_table(pa.table({"utterance_id": backwards, "f": vectors}), folder / "t.parquet")
        assert read(folder).features["t"].tolist() == FEATURES.tolist()
        pq.write_table(pa.table({"clip": backwards, "f": vectors}), folder / "t.parquet")
        with pytest.raises(UserError, match=r"t\.parquet: its 'clip' is not in the order"):
            read(folder)

    def test_an_array_with_a_misspelled_name_is_refused(self, folder):
        np.savez(folder / "a.npz", utterance_ids=COLUMNS["utterance_id"], features=FEATURES)
        with pytest.raises(UserError, match=r"no array 'utterance_id'; rename 'utterance_ids' to"):
            read(folder)

    def test_arrays_that_are_no_features_are_noted(self, folder):
        np.savez(folder / "a.npz", observed=np.zeros(4), features=FEATURES)
        assert [(p.modality, p.reason) for p in read(folder).problems] == [
            ("a", "arrays observed are not features; left out")
        ]

    @pytest.mark.parametrize(
        "name", ["ids.npy", "a_ids.txt", "utterance_id.npy", "audio_names.json", "Names.csv"]
    )
    def test_a_list_of_names_beside_an_array_is_refused(self, folder, name):
        np.save(folder / "a.npy", FEATURES)
        (folder / name).write_text("u3\nu2\nu1\nu0\n")
        message = rf"a\.npy: .* no names, but {name} may list them; save both in one file, a\.npz"
        with pytest.raises(UserError, match=message):
            read(folder)
        (folder / "a.npy").unlink()
        np.savez(folder / "a.npz", utterance_id=COLUMNS["utterance_id"], features=FEATURES)
        assert read(folder).features["a"].tolist() == FEATURES.tolist()

    @pytest.mark.parametrize("rows", ["u0,1\nu1,2,3\n", "u0,1\nu1\n", 'u0,1\n"u1,2\nu2",3\n'])
    def test_a_row_of_another_length_in_a_csv_is_refused_by_its_line(self, folder, rows):
        (folder / "a.csv").write_text(f"utterance_id,f\n{rows}")
        with pytest.raises(UserError, match=r"a\.csv: line 3"):
            read(folder)

    @given(data=st.data())
    def test_no_order_and_no_number_of_rows_gives_anyone_the_features_of_another(
        self, tmp_path_factory, data
    ):
        folder = tmp_path_factory.mktemp("any")
        write_csv(folder, COLUMNS)
        rows = data.draw(st.lists(st.integers(0, 5), max_size=7))
        ids = [f"u{row}" for row in rows]
        values = np.array(rows, np.float32)[:, None] + [0, 0.5]
        lost = data.draw(st.integers(0, len(rows)))
        kept = data.draw(st.sampled_from(["names", "rows", "both"]))
        ids = ids if kept == "names" else ids[lost:]
        values = values if kept == "rows" else values[lost:]
        kind = data.draw(st.sampled_from(["npz", "parquet", "csv"] if kept == "both" else ["npz"]))
        table = {"utterance_id": np.array(ids, "U2"), "f": values[:, 0], "g": values[:, 1]}
        if kind == "npz":
            np.savez(folder / "a.npz", utterance_id=table["utterance_id"], features=values)
        elif kind == "parquet":
            pq.write_table(pa.table(table), folder / "a.parquet")
        else:
            pa.csv.write_csv(pa.table(table), folder / "a.csv")
        try:
            matrix = read(folder).features["a"]
        except UserError:
            return
        for name, found in zip(COLUMNS["utterance_id"], matrix, strict=True):
            own = int(name[1:])
            expected = [own, own + 0.5] if name in ids else [np.nan, np.nan]
            np.testing.assert_array_equal(found, expected)

    def test_names_that_fit_none_show_one_of_each(self, folder):
        ids = [f"x{n}" for n in range(4)]
        np.savez(folder / "a.npz", utterance_id=ids, features=FEATURES)
        with pytest.raises(
            UserError, match=r"a\.npz: no name is an utterance .*\(first x0 here, u0 there\)"
        ):
            read(folder)

    def test_arrays_without_names_need_a_row_for_each_utterance(self, folder):
        np.save(folder / "a.npy", FEATURES[:3])
        with pytest.raises(UserError, match=r"a\.npy: 3 rows for 4 utterances"):
            read(folder)

    @pytest.mark.parametrize(
        ("array", "message"),
        [
            (np.array([{}, {}, {}, {}]), r"not a readable \.npy file"),
            (np.array(["a"] * 4), "not numbers"),
            (FEATURES[:, 0], r"shape \(4,\); store \(N, D\)"),
            (FEATURES[:, :, None], r"shape \(4, 3, 1\)"),
        ],
    )
    def test_other_arrays_than_matrices_of_numbers_are_refused(self, folder, array, message):
        np.save(folder / "a.npy", array, allow_pickle=True)
        with pytest.raises(UserError, match=message):
            read(folder)

    def test_a_pickle_inside_an_array_is_never_run(self, folder):
        class Trap:
            def __reduce__(self):
                return (pytest.fail, ("the pickle was run",))

        np.save(folder / "a.npy", np.array([Trap()] * 4), allow_pickle=True)
        np.savez(folder / "v.npz", allow_pickle=True, features=np.array([Trap()] * 4))
        for name in ("a.npy", "v.npz"):
            with pytest.raises(UserError, match="without Python objects"):
                read(folder)
            (folder / name).unlink()

    @pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.parquet", "utterances.parquet"])
    def test_a_damaged_file_is_named(self, folder, name):
        (folder / "utterances.csv").unlink()
        write_parquet(folder, COLUMNS)
        (folder / name).write_bytes(b"PAR1 or something else")
        with pytest.raises(UserError, match=rf"{name}: not a readable"):
            read(folder)

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a.csv", b"utterance_id,f\xac\nu0,1\n"),
            ("a.csv", b"utterance_id,f\nu0\xff,1\nu1,1\n"),
            ("a.npy", b"\x93NUMPY\x01\0\x10\0{'descr': ('<f8\n" + bytes(99)),
        ],
    )
    def test_damage_inside_a_file_is_reported_in_one_line(self, folder, name, content):
        (folder / name).write_bytes(content)
        with pytest.raises(UserError, match=rf"{name}: not a readable .* write it again"):
            read(folder)

    def test_two_files_of_a_modality_are_refused_and_other_names_noted(self, folder):
        np.save(folder / "audio.npy", FEATURES)
        assert [(p.file, p.kind, p.reason) for p in read(folder).problems] == [
            ("audio.npy", "left_out", "not read: feature files are called a, t, v")
        ]
        np.save(folder / "a.npy", FEATURES)
        np.save(folder / "features/a.npy", FEATURES)
        with pytest.raises(UserError, match=r"a\.npy has the audio features too; remove one"):
            read(folder)


class TestPaths:
    @pytest.fixture
    def folder(self, tmp_path):
        folder = tmp_path / "corpus"
        (folder / "clips").mkdir(parents=True)
        (folder / "clips/one.wav").write_bytes(b"RIFF0000WAVE")
        (folder / "clips/two.flac").write_bytes(b"fLaC")
        (tmp_path / "outside.wav").write_bytes(b"RIFF0000WAVE")
        (folder / "clips/link.wav").symlink_to(tmp_path / "outside.wav")
        return folder

    def paths(self, folder, cells):
        write_parquet(folder, COLUMNS | {"audio_path": cells})
        reading = read(folder)
        return column(reading, "audio_path"), [
            (p.utterance_id, p.modality, p.kind, p.reason) for p in reading.problems
        ]

    def test_files_below_the_folder_are_kept_however_they_are_written(self, folder):
        cells = ["clips/one.wav#t=1,2", r"clips\one.wav", "clips/two.flac", None]
        kept = ["clips/one.wav#t=1,2", "clips/one.wav", "clips/two.flac", None]
        assert self.paths(folder, cells) == (kept, [])

    def test_nothing_outside_the_folder_is_ever_opened(self, folder):
        cells = ["../outside.wav", str(folder.parent / "outside.wav"), "clips/link.wav", ""]
        kept, problems = self.paths(folder, cells)
        assert kept == [None] * 4
        outside = ("unreadable", "outside the folder of the corpus")
        assert problems == [(f"u{n}", "a", *outside) for n in range(3)]

    def test_a_lost_file_costs_its_own_row(self, folder):
        kept, problems = self.paths(folder, ["clips/one.wav", "clips/no.wav", "clips", "a\0b.wav"])
        assert kept == ["clips/one.wav", None, None, None]
        assert [problem[2:] for problem in problems] == [
            ("missing", "no such file"),
            ("unreadable", "a folder instead of a file"),
            ("unreadable", "not a path"),
        ]


def test_a_missing_column_is_named_with_those_found_and_the_nearest(tmp_path):
    write_csv(tmp_path, without("dialogue_id") | {"Dialogue_ID": COLUMNS["dialogue_id"]})
    with pytest.raises(
        UserError,
        match=r"no column 'dialogue_id', but utterance_id, .*; rename 'Dialogue_ID' to it",
    ):
        read(tmp_path)
    write_csv(tmp_path, without("emotion"))
    with pytest.raises(UserError, match=r"no column 'emotion', but .*your-own-data\.md"):
        read(tmp_path)


def test_a_misspelled_column_is_recorded_and_others_are_ignored(tmp_path):
    extra = {"postion": COLUMNS["position"], "mood": ["x"] * 4}
    write_parquet(tmp_path, without("position") | extra)
    assert [(p.kind, p.reason) for p in read(tmp_path).problems] == [
        ("note", "no column 'position'; perhaps rename 'postion' to it")
    ]


def test_rows_without_a_dialogue_are_left_out_and_noted(tmp_path):
    write_csv(tmp_path, COLUMNS | {"dialogue_id": ["d0", "", "d1", "d2"]})
    np.save(tmp_path / "t.npy", FEATURES)
    reading = read(tmp_path)
    assert column(reading, "utterance_id") == ["u0", "u2", "u3"]
    assert reading.features["t"].tolist() == FEATURES[[0, 2, 3]].tolist()
    assert reading.problems[0].reason == "1 rows have no dialogue_id; left out"


def test_sessions_are_read_if_there_is_such_a_column(tmp_path):
    write_csv(tmp_path, COLUMNS | {"session": [1, 1, 2, 3]})
    assert read(tmp_path).sessions == {"d0": "1", "d1": "2", "d2": "3"}


def test_both_tables_at_once_are_refused(tmp_path):
    write_csv(tmp_path, COLUMNS)
    write_parquet(tmp_path, COLUMNS)
    with pytest.raises(UserError, match="one of utterances"):
        read(tmp_path)


def test_numbers_and_bytes_serve_as_names(tmp_path):
    columns = COLUMNS | {"dialogue_id": [1, 1, 2, 3], "speaker": [b"Ann", b"Bob", b"Ann", b"Cid"]}
    write_parquet(tmp_path, columns)
    reading = read(tmp_path)
    assert column(reading, "dialogue_id") == ["1", "1", "2", "3"]
    assert column(reading, "speaker") == COLUMNS["speaker"]


@pytest.mark.parametrize("name", ["utterances.csv", "utterances.parquet"])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (os.mkfifo, "a pipe or a device instead of a file"),
        (lambda path: path.symlink_to("nowhere"), "a link to nowhere, where there is no file"),
    ],
)
def test_a_table_that_is_no_file_is_named(tmp_path, name, make, message):
    make(tmp_path / name)
    assert tables.fits(tmp_path, None)
    with pytest.raises(UserError, match=rf"{name}: {message}"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["a.csv", "t.npy", "v.parquet", "features/v.npz"])
def test_features_that_are_no_file_are_named(tmp_path, name):
    write_csv(tmp_path, COLUMNS)
    (tmp_path / "features").mkdir()
    os.mkfifo(tmp_path / name)
    with pytest.raises(UserError, match=rf"{name}: a pipe or a device instead of a file"):
        read(tmp_path)


def test_unreadable_features_are_not_reported_as_absent(tmp_path, lock):
    write_csv(tmp_path, COLUMNS)
    (tmp_path / "features").mkdir()
    lock(tmp_path / "features")
    with pytest.raises(UserError, match="features: cannot be searched"):
        read(tmp_path)


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_a_table_without_rows_is_refused(tmp_path, write):
    write(tmp_path, {name: [] for name in COLUMNS})
    with pytest.raises(UserError, match=r"utterances\.\w+: has columns but no row"):
        read(tmp_path)


def test_integers_of_any_length_are_shown_short(tmp_path):
    write_csv(tmp_path, COLUMNS | {"emotion": ["9" * 5000, "-1", "3", "4"]})
    with pytest.raises(UserError, match=r"up to 9+\.\.\., and their meaning"):
        read(tmp_path)


def test_the_reading_names_its_files_for_later_problems(tmp_path):
    write_csv(tmp_path, COLUMNS)
    (tmp_path / "features").mkdir()
    np.save(tmp_path / "features/a.npy", FEATURES)
    assert read(tmp_path).files == {None: "utterances.csv", "a": "features/a.npy"}
