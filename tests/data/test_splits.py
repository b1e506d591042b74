"""Split protocols move dialogues between train and dev, never into or out of test."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spcl.data.splits import PROTOCOLS, divide
from spcl.errors import UserError

divisions = st.lists(st.sampled_from(["train", "dev", "test"]), min_size=1, max_size=60).map(
    lambda splits: {f"d{number:02d}": split for number, split in enumerate(splits)}
)


def _divide(protocol, division, layout="iemocap", seed=0):
    return divide(protocol, division, layout=layout, seed=seed, dataset="mine")


@given(divisions, st.sampled_from(PROTOCOLS), st.sampled_from(["iemocap", "meld"]))
def test_no_protocol_touches_the_test_split(division, protocol, layout):
    divided = _divide(protocol, division, layout)
    assert list(divided) == list(division)
    for name, split in division.items():
        assert (divided[name] == "test") == (split == "test")


FIFTY = {f"d{n:02d}": "test" if n >= 40 else "dev" if n >= 30 else "train" for n in range(50)}


def test_official_is_the_corpus_own_division():
    assert _divide("official", FIFTY) == FIFTY


def test_cogmen_takes_the_first_tenth_as_dev():
    divided = _divide("cogmen", FIFTY)
    assert [name for name in divided if divided[name] == "dev"] == ["d00", "d01", "d02", "d03"]


def test_spcl_takes_the_first_tenth_of_meld_and_draws_it_from_iemocap():
    assert _divide("spcl", FIFTY, "meld") == _divide("cogmen", FIFTY)
    drawn = [_divide("spcl", FIFTY, seed=seed) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert list(drawn[0].values()).count("dev") == 4


def test_spcl_draws_by_name_whatever_the_order_of_the_corpus():
    backwards = dict(reversed(FIFTY.items()))
    assert _divide("spcl", backwards) == _divide("spcl", FIFTY)


def test_best_test_epoch_has_no_dev():
    assert set(_divide("best-test-epoch", FIFTY).values()) == {"train", "test"}


def test_an_unknown_protocol_is_named_with_the_known_ones():
    with pytest.raises(UserError, match=r"datasets\.mine\.protocol: .*'oficial'.* official, spcl"):
        _divide("oficial", FIFTY)
