"""Split protocols move dialogues between train and dev; only one of them makes a test split."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spcl.data.splits import PROTOCOLS, divide, sessions, sessions_by_name
from spcl.errors import UserError

divisions = st.lists(st.sampled_from(["train", "dev", "test"]), min_size=1, max_size=60).map(
    lambda splits: {f"d{number:02d}": split for number, split in enumerate(splits)}
)
OTHERS = [name for name in PROTOCOLS if name != "leave-one-session-out"]


def _divide(protocol, division, known_as="iemocap", seed=0, by_session=None):
    return divide(
        protocol,
        division,
        known_as=known_as,
        by_session=by_session or {},
        seed=seed,
        dataset="mine",
    )


@given(divisions, st.sampled_from(OTHERS), st.sampled_from(["iemocap", "meld", None]))
def test_no_other_protocol_touches_the_test_split(division, protocol, known_as):
    divided = _divide(protocol, division, known_as)
    assert list(divided) == list(division)
    for name, split in division.items():
        assert (divided[name] == "test") == (split == "test")


FIFTY = {f"d{n:02d}": "test" if n >= 40 else "dev" if n >= 30 else "train" for n in range(50)}
BY_SESSION = {name: str(1 + n // 10) for n, name in enumerate(FIFTY)}


def test_official_is_the_corpus_own_division():
    assert _divide("official", FIFTY) == FIFTY


def test_cogmen_takes_the_first_tenth_as_dev():
    divided = _divide("cogmen", FIFTY)
    assert [name for name in divided if divided[name] == "dev"] == ["d00", "d01", "d02", "d03"]


def test_spcl_takes_the_first_tenth_of_meld_and_draws_it_from_any_other():
    assert _divide("spcl", FIFTY, "meld") == _divide("cogmen", FIFTY)
    drawn = [_divide("spcl", FIFTY, seed=seed) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert list(drawn[0].values()).count("dev") == 4
    assert _divide("spcl", FIFTY, None) == drawn[0]


def test_spcl_draws_by_name_whatever_the_order_of_the_corpus():
    backwards = dict(reversed(FIFTY.items()))
    assert _divide("spcl", backwards) == _divide("spcl", FIFTY)


def test_best_test_epoch_has_no_dev():
    assert set(_divide("best-test-epoch", FIFTY).values()) == {"train", "test"}


@pytest.mark.parametrize("left_out", [1, 2, 3, 4, 5])
def test_the_session_left_out_is_test_and_dev_is_a_tenth_of_the_others(left_out):
    divided = _divide("leave-one-session-out", FIFTY, seed=left_out, by_session=BY_SESSION)
    assert list(divided) == list(FIFTY)
    by_split = {split: {n for n in divided if divided[n] == split} for split in divided.values()}
    assert by_split["test"] == {n for n in FIFTY if BY_SESSION[n] == str(left_out)}
    assert len(by_split["dev"]) == 4
    shuffled = dict(reversed(FIFTY.items()))
    again = _divide("leave-one-session-out", shuffled, seed=left_out, by_session=BY_SESSION)
    assert again == divided


def test_without_a_number_the_first_session_is_left_out():
    first = _divide("leave-one-session-out", FIFTY, seed=1, by_session=BY_SESSION)
    assert _divide("leave-one-session-out", FIFTY, seed=None, by_session=BY_SESSION) == first


def test_leaving_a_session_out_needs_no_division_of_the_corpus():
    unsplit = dict.fromkeys(FIFTY)
    divided = _divide("leave-one-session-out", unsplit, seed=5, by_session=BY_SESSION)
    assert set(divided.values()) == {"train", "dev", "test"}
    with pytest.raises(UserError, match=r"50 of 50 dialogues have none \(first d00\); .* 'split'"):
        _divide("spcl", unsplit)


def test_sessions_are_known_by_the_names_of_iemocap_s_dialogues():
    assert sessions_by_name(["Ses01F_impro01", "Ses05M_script03_2"]) == {
        "Ses01F_impro01": "1",
        "Ses05M_script03_2": "5",
    }
    assert sessions_by_name(["Ses01F_impro01", "train_dia0"]) == {}


def test_custom_sessions_are_numbered_by_name():
    by_session = {"d00": "beach", "d01": "attic", "d02": "attic"}
    assert sessions(by_session) == ("attic", "beach")
    assert sessions({"a": "10", "b": "9"}) == ("9", "10")
    divided = _divide("leave-one-session-out", dict.fromkeys(by_session), None, 2, by_session)
    assert divided["d00"] == "test"


def test_a_corpus_without_sessions_or_without_that_one_is_refused():
    with pytest.raises(UserError, match=r"protocol: .* d00 has none; add a column 'session'"):
        _divide("leave-one-session-out", FIFTY, "meld", 1)
    with pytest.raises(UserError, match=r"mine\.sessions: .* session 0 .* \[1, 2, 3, 4, 5\]"):
        _divide("leave-one-session-out", FIFTY, seed=0, by_session=BY_SESSION)


def test_an_unknown_protocol_is_named_with_the_known_ones():
    with pytest.raises(UserError, match=r"datasets\.mine\.protocol: .*'oficial'.* official, spcl"):
        _divide("oficial", FIFTY)
