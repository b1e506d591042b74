"""Two small simulated corpora, written once a session; nobody changes them."""

import pytest

from spcl.data.simulator import simulate

SEED = 3


@pytest.fixture(scope="session")
def meld_sim(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated") / "meld-sim"
    simulate("meld", folder, seed=SEED, dialogues=6)
    return folder


@pytest.fixture(scope="session")
def iemocap_sim(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated") / "iemocap-sim"
    simulate("iemocap", folder, seed=SEED, dialogues=6)
    return folder
