"""A dialogue as long as is allowed trains within 4 GiB; a longer one is refused by name."""

import subprocess
import sys

import pytest

from spcl.errors import UserError
from spcl.training.dialogues import LONGEST, load_corpus
from tests.conftest import make_corpus

STEP = """
import resource, sys
import torch
from spcl import models
from spcl.models import Batch

baseline, n = sys.argv[1], int(sys.argv[2])
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 4 * 2**30,) * 2)
torch.set_num_threads(1)
widths = {"a": 4, "t": 6, "v": 5}
model = models.build(baseline, widths=widths, n_classes=3, n_speakers=2)
batch = Batch(
    features={m: torch.randn(n, width) for m, width in widths.items()},
    lengths=torch.tensor([n]),
    speakers=torch.randint(2, (n,)),
    labels=torch.randint(3, (n,)),
    observed={m: torch.ones(n, dtype=torch.bool) for m in widths},
    max_length=n,
)
sum(logits.sum() for logits in model(batch).values()).backward()
"""


@pytest.mark.parametrize("baseline", ["late_fusion", "mm_dfn"])
def test_the_longest_dialogue_fits(baseline):
    """Of attention and of graphs, those that take most."""
    done = subprocess.run(
        [sys.executable, "-c", STEP, baseline, str(LONGEST)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_a_dialogue_of_ten_thousand_utterances_is_refused_by_name():
    utterances, features = make_corpus([5, 3, 10_000, 4, 5], widths={"a": 1})
    with pytest.raises(UserError) as error:
        load_corpus(utterances, features, "a", scale="standard", device="cpu")
    said = str(error.value)
    assert said.startswith("datasets.made: dialogue 'd2' has 10000 utterances")
    assert f"split it into dialogues of at most {LONGEST} utterances" in said
