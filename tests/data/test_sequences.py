"""Sequences are pooled over their true length, whatever their padding."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spcl.data.feature_files import sequences
from spcl.data.feature_files.sequences import BY_LENGTH, BY_ZEROS, pool_padded, pooled
from spcl.errors import UserError

PATH = Path("corpus.pkl")


def slowly_pooled(steps, lengths, pooling):
    """One sequence after the other: vectors, and which are empty or have only NaN."""
    vectors, empty, not_finite, left_out = [], [], [], 0
    for row, sequence in enumerate(steps):
        if lengths is None:
            filled = [place for place, step in enumerate(sequence) if any(step != 0)]
            inside = sequence[filled[0] : filled[-1] + 1] if filled else sequence[:0]
        else:
            inside = sequence[: lengths[row]]
        kept = [step.astype(np.float64) for step in inside if np.isfinite(step).all()]
        left_out += len(inside) - len(kept)
        empty.append(len(inside) == 0)
        not_finite.append(len(inside) > 0 and not kept)
        nothing = [np.full(steps.shape[2], np.nan)]
        moments = [np.mean(kept or nothing, axis=0)]
        if pooling == "mean_std":
            moments.append(np.std(kept or nothing, axis=0))
        vectors.append(np.concatenate(moments))
    return np.array(vectors), empty, not_finite, left_out


@given(
    data=st.data(),
    pooling=st.sampled_from(["mean", "mean_std"]),
    dtype=st.sampled_from(["f4", "f8", ">f4", "f2", "i4"]),
)
def test_pooling_equals_that_of_one_sequence_after_the_other(data, pooling, dtype):
    shape = data.draw(st.tuples(st.integers(1, 6), st.integers(0, 5), st.integers(1, 3)))
    numbers = st.integers(-3, 3)
    if np.dtype(dtype).kind == "f":
        numbers |= st.sampled_from([np.nan, np.inf, -np.inf, 0.5])
    steps = data.draw(hnp.arrays(dtype, shape, elements=numbers, fill=st.just(0)))
    lengths = None
    if data.draw(st.booleans()):
        lengths = np.array(
            data.draw(st.lists(st.integers(0, 7), min_size=shape[0], max_size=shape[0]))
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sequences, "_CHUNK", data.draw(st.integers(1, 40)))
        found = pool_padded(steps, lengths, pooling)
    expected, empty, not_finite, left_out = slowly_pooled(steps, lengths, pooling)
    np.testing.assert_allclose(found.values, expected, rtol=1e-6, atol=1e-6)
    assert found.empty.tolist() == empty
    assert found.not_finite.tolist() == not_finite
    assert found.n_left_out == left_out
    assert found.values.dtype == np.float32


def test_zeros_inside_a_sequence_are_steps_and_those_at_its_ends_are_padding():
    steps = np.array([0, 2, 0, 4, 0, 0], np.float32).reshape(1, 6, 1)
    found = pool_padded(steps, None, "mean")
    assert found.values.tolist() == [[2]]
    assert found.rule == BY_ZEROS
    found = pool_padded(steps, np.array([5]), "mean")
    assert found.values[0, 0] == pytest.approx(6 / 5)
    assert found.rule == BY_LENGTH


def test_numbers_behind_the_length_are_counted_and_left_out():
    steps = np.ones((3, 4, 2), np.float32)
    found = pool_padded(steps, np.array([1, 4, 9]), "mean")
    assert found.n_behind == 1
    assert (found.values == 1).all()


@pytest.mark.parametrize("pooling", ["mean", "mean_std"])
@pytest.mark.parametrize("value", [1e300, 1.7e308])
def test_what_is_too_large_for_float32_is_infinite_or_nan(value, pooling):
    steps = np.ones((2, 3, 2))
    steps[0] = [[value, 1], [value, 1], [-value, 1]]
    for written in (steps, list(steps), steps.tolist()):
        found = pooled(written, None, pooling, PATH, "audio")
        assert not np.isfinite(found.values[0]).all()
        assert np.isfinite(found.values[1]).all()


@pytest.mark.parametrize("as_list", [list, lambda x: x.tolist()])
def test_sequences_of_one_length_are_padded_and_others_are_not(as_list):
    steps = np.zeros((2, 3, 2), np.float32)
    steps[:, :2] = [[[1, 2], [3, 4]], [[5, 6], [0, 0]]]
    found = pooled(as_list(steps), None, "mean", PATH, "audio")
    assert found.values.tolist() == [[2, 3], [5, 6]]
    assert found.rule == BY_ZEROS
    ragged = [as_list(steps[0]), as_list(steps[1, :2])]
    found = pooled(ragged, None, "mean", PATH, "audio")
    np.testing.assert_allclose(found.values, [[4 / 3, 2], [2.5, 3]])
    assert found.rule == BY_LENGTH


def test_vectors_are_not_pooled():
    vectors = np.array([[1, np.nan], [0, 0]])
    for value in (vectors, list(vectors), vectors.tolist()):
        found = pooled(value, None, "mean_std", PATH, "text")
        np.testing.assert_array_equal(found.values, vectors)
        assert found.rule == ""
        assert not found.empty.any()


def test_an_item_of_another_form_costs_its_row():
    value = [np.ones((2, 2)), None, "words", [[1.0, 2.0], [3.0]], np.ones((2, 2), "U1")]
    found = pooled(value, None, "mean", PATH, "audio")
    assert np.isnan(found.values).all(1).tolist() == [False, True, True, True, True]
    assert sorted(found.malformed) == [1, 2, 3, 4]
    assert not found.empty.any()


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, "no numbers"),
        ([], "no numbers"),
        ("words", "no numbers"),
        ([None, "x"], "no numbers"),
        (np.zeros(3), "shape (3,)"),
        (np.zeros((1, 2, 3, 4)), "shape (1, 2, 3, 4)"),
        (np.zeros((2, 3, 0)), "shape (2, 3, 0)"),
        (np.zeros((2, 3), "U1"), "<U1"),
        ([np.zeros((2, 3)), np.zeros((2, 4))], "steps of 3, steps of 4"),
        ([np.zeros((2, 3)), np.zeros(3)], "vectors of 3, steps of 3"),
    ],
)
def test_what_has_no_common_form_is_refused(value, found):
    with pytest.raises(UserError) as error:
        pooled(value, None, "mean", PATH, "train.audio")
    assert str(error.value).startswith("corpus.pkl: train.audio")
    assert found in str(error.value)


def test_a_few_bytes_cannot_stand_for_sequences_of_any_size(monkeypatch):
    monkeypatch.setattr("spcl.data.files.parsing.MAX_BYTES", 2**20)
    step = [0.5] * 100
    for value in ([[step] * 100] * 100, [step] * 10_000, [np.ones((100, 100))] * 100):
        with pytest.raises(UserError, match="takes over"):
            pooled(value, None, "mean", PATH, "audio")


def test_pooling_takes_no_memory_of_the_size_of_the_array():
    steps = np.ones((4000, 50, 100), np.float32)  # 80 MB
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        pool_padded(steps[::-1], None, "mean_std")
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < 40 * sequences._CHUNK
