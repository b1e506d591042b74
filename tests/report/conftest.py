"""Made-up results that several tests read."""

import pytest
from made_results import make_results


@pytest.fixture(scope="session")
def paths(tmp_path_factory):
    """One corpus, two baselines, three modality sets, none and spcl, three seeds."""
    return make_results(
        tmp_path_factory.mktemp("made"),
        datasets=("iemocap-sim",),
        baselines=("dialogue_gcn", "mmgcn"),
        modalities=("atv", "at", "av"),
        seeds=(1, 2, 3),
        n_dialogues=20,
        epochs=6,
    )
