"""Messages about a custom model or curriculum that does not fulfil its contract."""

import copy

import pytest
import torch
from torch import nn

from spcl import models
from spcl.curriculum import SelfPacedCurriculum
from spcl.curriculum.none import NoCurriculum
from spcl.errors import UserError
from spcl.models import Batch
from spcl.study.extensions import BASELINE, names
from spcl.training.contract import check_curriculum, check_model, check_parameters

SIZES = {"widths": {"a": 3, "t": 4}, "n_classes": 3, "n_speakers": 2}


class Linear(nn.Module):
    """A model that fulfils the contract unless `change` changes its logits."""

    def __init__(self, change=lambda logits, batch: logits):
        super().__init__()
        self.heads = nn.ModuleDict({m: nn.Linear(d, 3) for m, d in SIZES["widths"].items()})
        self.change = change

    def forward(self, batch):
        logits = {m: head(batch.features[m]) for m, head in self.heads.items()}
        return self.change(logits, batch)


def check(model):
    check_model(model, **SIZES, key="baselines.mine")


def each(change):
    return lambda logits, batch: {m: change(z, batch) for m, z in logits.items()}


@pytest.mark.parametrize("name", names(BASELINE))
def test_the_baselines_of_the_project_pass(name, caplog):
    with caplog.at_level("INFO", "spcl"):
        check(models.build(name, **SIZES))
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda logits, batch: logits["a"],
            "forward returns a Tensor; return the logits by modality",
        ),
        (
            lambda logits, batch: {"t": logits["t"]},
            "forward returns logits of ['t']; return those of ['a', 't'], in the order of widths",
        ),
        (
            lambda logits, batch: dict(reversed(logits.items())),
            "forward returns logits of ['t', 'a']; return those of ['a', 't'], in the order of",
        ),
        (
            each(lambda z, batch: batch.pad(z)),
            "logits['a'] have shape (3, 5, 3) for N = 9 utterances in 3 dialogues and C = 3"
            " classes; return (N, C), utterances packed without padding",
        ),
        (
            each(lambda z, batch: z.argmax(-1)),
            "logits['a'] are torch.int64; return a tensor",
        ),
        (each(lambda z, batch: z.tolist()), "logits['a'] are list; return a tensor of floats"),
        (
            each(lambda z, batch: z + batch.labels[:, None]),
            "the logits change with batch.labels; compute them from the features only",
        ),
        (
            each(lambda z, batch: z + batch.utterances),
            "forward fails on a small batch of random features: ",
        ),
    ],
    ids=["tensor", "missing", "order", "padded", "classes", "list", "labels", "fails"],
)
def test_a_violation_gives_a_one_line_message_with_the_fix(change, says):
    with pytest.raises(UserError) as error:
        check(Linear(change))
    assert str(error.value).startswith(f"baselines.mine: {says}")
    assert "\n" not in str(error.value)


def test_an_error_in_forward_gives_its_file_and_line():
    class Wrong(Linear):
        def forward(self, batch):
            return batch.text

    line = Wrong.forward.__code__.co_firstlineno + 1
    with pytest.raises(UserError, match=rf"test_contract\.py:{line}: AttributeError: .*'text'"):
        check(Wrong())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (each(lambda z, batch: z), ""),
        (each(lambda z, batch: z - z.mean(0)), "change with the other dialogues of the batch"),
        (
            each(lambda z, batch: z * batch.max_length),
            "change with the other dialogues of the batch",
        ),
        (each(lambda z, batch: nn.functional.dropout(z)), "the logits differ between two calls"),
    ],
    ids=["keeps it", "mean of the batch", "longest dialogue", "dropout in evaluation"],
)
def test_a_leak_between_dialogues_is_logged(change, says, caplog):
    with caplog.at_level("INFO", "spcl"):
        check(Linear(change))
    assert says in caplog.text
    assert len(caplog.records) == bool(says)


def test_the_check_does_not_change_the_model_or_the_random_state():
    torch.manual_seed(3)
    model = Linear(each(lambda z, batch: nn.functional.dropout(z)))
    before = torch.get_rng_state(), copy.deepcopy(model.state_dict())
    check(model)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert all(torch.equal(value, before[1][key]) for key, value in model.state_dict().items())
    assert model.training
    assert not any(parameter.grad is not None for parameter in model.parameters())


LABELS, LENGTHS = torch.tensor([0, 1, 2, -1, 1]), torch.tensor([2, 3])


def first_steps(curriculum, n=2):
    check_curriculum(curriculum, key="curricula.mine")
    random = torch.Generator().manual_seed(0)
    for _ in range(n):
        logits = {m: torch.randn(5, 3, generator=random, requires_grad=True) for m in "at"}
        curriculum(logits, LABELS, LENGTHS)


@pytest.mark.parametrize("good", [NoCurriculum(), SelfPacedCurriculum(0.4, 1.25)])
def test_curricula_of_the_project_pass(good):
    first_steps(good)


def spoilt(member, change):
    class Spoilt(NoCurriculum):
        def forward(self, *inputs):
            step = super().forward(*inputs)
            setattr(step, member, change(getattr(step, member)))
            return step

    return Spoilt()


@pytest.mark.parametrize(
    ("member", "change", "says"),
    [
        ("loss", lambda x: x.detach(), "step.loss has no gradient; compute it from the logits"),
        ("loss", lambda x: x.expand(5), "step.loss has shape (5,); return ()"),
        ("selected", lambda x: x.float(), "step.selected is torch.float32; return booleans"),
        ("selected", lambda x: x[:2], "step.selected has shape (2,); return (5,)"),
        ("confidence", lambda x: x.T[:1], "step.confidence has shape (1, 2); return (2, 2)"),
        ("probability", lambda x: x.T, "step.probability has shape (5, 2); return (2, 5)"),
    ],
)
def test_a_wrong_step_gives_a_one_line_message_with_the_fix(member, change, says):
    with pytest.raises(UserError) as error:
        first_steps(spoilt(member, change))
    assert str(error.value) == f"curricula.mine: {says}"


def test_forward_must_return_a_curriculum_step():
    class Bare(NoCurriculum):
        def forward(self, *inputs):
            return super().forward(*inputs).loss

    with pytest.raises(UserError, match=r"curricula.mine: forward returns a Tensor; return a Curr"):
        first_steps(Bare())


def test_only_the_first_step_is_checked():
    class Late(NoCurriculum):
        steps = 0

        def forward(self, *inputs):
            self.steps += 1
            return super().forward(*inputs) if self.steps == 1 else None

    first_steps(Late())


@pytest.mark.parametrize("name", names(BASELINE))
def test_the_parameters_of_the_projects_baselines_pass(name):
    check_parameters(
        models.build(name, **SIZES), SIZES["widths"], strategy="curricula.x", key="baselines.mine"
    )


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        (
            lambda heads: list(heads["a"].parameters()),
            "modality_parameters returns list; return a list of parameters for each of ['a', 't'],"
            " in this order",
        ),
        (lambda heads: {"t": [], "a": []}, "modality_parameters returns ['t', 'a']; return a list"),
        (
            lambda heads: {"a": [torch.zeros(3)], "t": []},
            "modality_parameters returns a Tensor that is not a parameter of the model; return",
        ),
        (
            lambda heads: {"a": [heads["a"].bias], "t": [(heads["a"].bias, slice(1, 2))]},
            "modality_parameters returns 'heads.a.bias' more than once; leave out what is shared",
        ),
    ],
)
def test_wrong_modality_parameters_are_one_line(parts, says):
    model = Linear()
    model.modality_parameters = lambda: parts(model.heads)
    with pytest.raises(UserError) as error:
        check_parameters(model, SIZES["widths"], strategy="curricula.x", key="baselines.mine")
    assert str(error.value).startswith(f"baselines.mine: {says}")
    assert "\n" not in str(error.value)


def test_rows_of_a_parameter_may_belong_to_two_modalities():
    model = Linear()
    bias = model.heads["a"].bias
    model.modality_parameters = lambda: {"a": [(bias, slice(0, 1))], "t": [(bias, slice(1, 3))]}
    check_parameters(model, SIZES["widths"], strategy="curricula.x", key="baselines.mine")


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (lambda batch: None, "curricula.mine: prepare returns a NoneType; return a Batch"),
        (
            lambda batch: Batch({}, batch.lengths[:1], batch.speakers[:2], batch.labels[:2]),
            "curricula.mine: prepare returns 2 of 5 utterances; hide utterances with batch.hide,",
        ),
    ],
)
def test_a_strategy_that_loses_the_batch_is_one_line(prepare, says):
    labels = torch.zeros(5, dtype=torch.int64)
    batch = Batch({"a": torch.ones(5, 2)}, torch.tensor([2, 3]), labels, labels)
    mine = type("Mine", (NoCurriculum,), {"prepare": lambda self, batch: prepare(batch)})()
    check_curriculum(mine, key="curricula.mine")
    with pytest.raises(UserError) as error:
        mine.prepare(batch)
    assert str(error.value).startswith(says)
    right = NoCurriculum()
    check_curriculum(right, key="curricula.mine")
    assert right.prepare(batch) is batch
    assert "prepare" not in vars(right)
