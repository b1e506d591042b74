"""The measurements, on a corpus of a few utterances."""

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from benchmarks import (
    curriculum,
    dag,
    memory,
    operations,
    page,
    reference_child,
    results,
    startup,
    training,
)
from benchmarks.__main__ import PARTS, main, parse
from benchmarks.machine import this_machine
from benchmarks.shapes import SHAPES, Shape
from benchmarks.training_step import TrainingStep
from spcl.errors import UserError
from spcl.study.grid import cells
from spcl.tables import parquet
from spcl.tables.schemas import FEATURES, UTTERANCES
from spcl.training.dialogues import load_corpus
from tests.workflow.conftest import ROOT, Project

TINY = Shape(7, 30, 9, {"a": 10, "t": 12, "v": 15}, 3, 2)

MODEL = """
import torch
from backbone import MMGCN


class Model(torch.nn.Module):
    def __init__(self, args):
        super().__init__()
        self.net = MMGCN(args)

    def get_loss(self, data):
        joint = self.net(data)
        assert len(joint) == len(data["label_tensor"]) == data["length"].sum()
        loss = torch.nn.functional.cross_entropy(joint, data["label_tensor"])
        return loss, {}, len(joint), {"a": loss.detach()}
"""
NETWORK = """
import torch


class MMGCN(torch.nn.Module):
    def __init__(self, args):
        super().__init__()
        widths = args.embedding_dim[args.dataset]
        self.linear = torch.nn.Linear(widths["a"], len(args.dataset_label_dict[args.dataset]))

    def forward(self, data):
        print("the reference prints, too")
        rows = [x[:n] for x, n in zip(data["tensor"]["a"], data["length"])]
        return self.linear(torch.cat(rows))
"""


@pytest.fixture(autouse=True)
def _tiny(monkeypatch, tmp_path):
    monkeypatch.setitem(SHAPES, "tiny", TINY)
    monkeypatch.setattr(results, "FOLDER", tmp_path / "results")
    monkeypatch.setattr("benchmarks.machine.peak_gflops", lambda device: 1e4)


@pytest.fixture
def clone(tmp_path):
    """A stand-in for a clone of the reference, whose package cannot be imported either."""
    backbone = tmp_path / "clone" / "code" / "backbone"
    backbone.mkdir(parents=True)
    (backbone / "__init__.py").write_text("from .never_published import anything\n")
    (backbone / "MMGCN.py").write_text(NETWORK)
    (backbone.parent / "model.py").write_text(MODEL)
    return tmp_path / "clone"


def measured(part, tmp_path):
    """The rows that the part wrote."""
    return pq.read_table(tmp_path / "results" / f"{part}.parquet").to_pylist()


def options(**more):
    return training.Options("cpu", 1, batch_size=3, **more)


def test_lengths_are_those_of_the_corpora():
    for shape in SHAPES.values():
        lengths = shape.lengths()
        assert (len(lengths), lengths.sum()) == (shape.dialogues, shape.utterances)
        assert lengths.max() == shape.longest
        assert lengths.min() >= 1


def test_training_writes_a_row_for_each_case(tmp_path):
    for _ in training.run(["mmgcn", "biddin"], ["tiny"], ["at", "v"], options(epochs=2)):
        pass
    rows = measured("training", tmp_path)
    assert [(row["baseline"], row["modalities"]) for row in rows] == [
        ("mmgcn", "at"), ("mmgcn", "v"), ("biddin", "at"), ("biddin", "v"),
    ]  # fmt: skip
    for row in rows:
        assert row["seconds_per_epoch"] > 0
        assert row["seconds_per_epoch_none"] > 0
        assert 0 < row["peak_share"] < 1
        assert row["reference_seconds_per_epoch"] is None
        assert (row["device"], row["threads"], row["shape"]) == ("cpu", 1, "tiny")


def test_the_reference_is_measured_where_it_runs(clone, tmp_path):
    """The stand-in has only MMGCN; BiDDIN is measured without the reference, and a line says so."""
    said = list(training.run(["biddin", "mmgcn"], ["tiny"], ["a"], options(against=clone)))
    without, beside = measured("training", tmp_path)
    assert without["reference_seconds_per_epoch"] is None
    assert any("without the reference" in line and "REFERENCE_PYTHON" in line for line in said)
    ratio = beside["reference_seconds_per_epoch"] / beside["seconds_per_epoch"]
    assert said[-1].endswith(f"{ratio:.1f}")


def test_a_folder_that_is_not_a_clone_is_refused_with_the_command_for_one(tmp_path):
    with pytest.raises(UserError, match="git clone"):
        list(training.run(["mmgcn"], ["tiny"], ["a"], options(against=tmp_path)))


def test_the_childs_batch_is_ours_padded():
    dialogues = TINY.corpus("at", device="cpu")
    corpus = {
        "lengths": dialogues.lengths,
        "labels": dialogues.labels.numpy(),
        "speakers": dialogues.speakers.numpy(),
        **{m: x.numpy() for m, x in dialogues.features.items()},
    }
    chosen = np.array([5, 0, 3])
    theirs = reference_child.make_batch(corpus, chosen, "at", "cpu")
    ours = training.batch_of(dialogues, chosen)
    assert torch.equal(theirs["label_tensor"], ours.labels)
    assert torch.equal(theirs["length"], ours.lengths)
    assert torch.equal(theirs["speaker_tensor"], ours.pad(ours.speakers))
    for m in "at":
        assert torch.equal(theirs["tensor"][m], ours.pad(ours.features[m]))


def test_with_every_2_every_second_batch_is_measured():
    dialogues = TINY.corpus("a", device="cpu")
    whole = training.epoch_batches(dialogues, options())
    assert sorted(np.concatenate(whole)) == list(range(7))
    part = training.epoch_batches(dialogues, replace(options(), every=2))
    assert [one.tolist() for one in part] == [whole[0].tolist(), whole[2].tolist()]


def test_sides_take_turns():
    order = []

    def side(name):
        return lambda chosen: order.append(name) or 1.0

    batches = [np.array([0]), np.array([1])]
    spent = training.alternate({"a": side("a"), "b": side("b")}, batches, epochs=2)
    assert "".join(order) == "baababba"
    assert spent["a"].tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_operations_are_those_of_the_products():
    """A step on the same dialogues twice has twice the operations."""
    side = TrainingStep("late_fusion", TINY, "at", "spcl", "cpu")
    dialogues = TINY.corpus("at", device="cpu")
    once = side.operations(training.batch_of(dialogues, np.array([1, 2])))
    twice = side.operations(training.batch_of(dialogues, np.array([1, 2, 1, 2])))
    n = int(dialogues.lengths[[1, 2]].sum())
    weights = sum(p.numel() for p in side.model.parameters() if p.dim() == 2)
    assert twice == 2 * once
    assert 4 * n * weights < once < 8 * n * weights  # forwards 2, backwards up to 4 a weight


def test_the_obvious_loss_is_the_curriculums():
    torch.manual_seed(0)
    lengths, labels = torch.tensor([3, 5]), torch.randint(3, (8,))
    sure = torch.nn.functional.one_hot(labels, 3) * torch.arange(8)[:, None]
    logits = {m: torch.randn(8, 3) + sure for m in "at"}
    ours = curriculum.curriculum.build("spcl", threshold=0.4, growth=1.25)
    step = ours(logits, labels, lengths)
    assert 0 < step.selected.sum() < 8
    torch.testing.assert_close(curriculum.obvious_loss(logits, labels, lengths), step.loss)


def test_memory_is_the_peak_of_a_step():
    small, large = (memory.measure("mmgcn", "tiny", n, "cpu") for n in (4, 64))
    assert large["utterances"] > 8 * small["utterances"]
    assert 4 < large["bytes"] / small["bytes"] < 64
    at_least = 4 * large["utterances"] * 2 * 2048 * 3  # stored by the encoders of three modalities
    assert large["bytes"] > at_least


def test_slopes_are_exponents():
    rows = [
        {"batch_size": x, "utterances": x**0.5, "squared_lengths": 7 * x, "bytes": 3 * x}
        for x in (8, 32, 128, 512)
    ]
    assert list(memory.slopes(rows).values()) == pytest.approx([1, 2, 1])


def test_the_tables_of_the_startup_part_are_a_corpus(tmp_path):
    startup.write_tables(TINY, tmp_path)
    utterances = parquet.read(tmp_path / "utterances.parquet", UTTERANCES)
    features = {m: parquet.read(tmp_path / f"{m}.parquet", FEATURES) for m in "atv"}
    corpus = load_corpus(utterances, features, "atv", scale="standard", device="cpu")
    assert corpus.widths == TINY.widths
    assert all(len(corpus.splits[split]) for split in ("train", "dev", "test"))
    assert sum(len(split.labels) for split in corpus.splits.values()) == TINY.utterances


@pytest.mark.parametrize("wanted", [112, 1_500, 10_000])
def test_the_grid_has_as_many_cells_as_asked_for(wanted):
    found = len(cells(dag.grid(Project(ROOT), wanted)))
    assert wanted <= found < 1.6 * wanted


def test_naming_a_case_selects_the_training_part():
    assert parse([]).parts == list(PARTS)
    assert parse(["--shapes", "meld"]).parts == ["training"]
    assert parse(["--shapes", "meld", "--parts", "memory"]).parts == ["memory"]
    assert parse(["--baselines", "biddin,mmgcn"]).baselines == ["biddin", "mmgcn"]


def test_an_unknown_name_is_refused_with_the_known_ones(capsys):
    with pytest.raises(SystemExit):
        parse(["--baselines", "mmgnc"])
    assert "mmgcn" in capsys.readouterr().err


def test_a_failing_reference_ends_in_one_line(tmp_path):
    with pytest.raises(SystemExit, match=r"^error: AGAINST=\S+: not a clone"):
        main(["--against", str(tmp_path), "--threads", "1", "--device", "cpu"])


def test_the_page_gets_what_was_measured_and_keeps_the_rest(tmp_path):
    list(training.run(["mmgcn"], ["tiny"], ["a"], options()))
    path = tmp_path / "page.md"
    path.write_text(
        "Before\n<!-- epochs -->\nold\n<!-- /epochs -->\n<!-- dag -->\nkept\n<!-- /dag -->\nafter\n"
    )
    page.main(["--page", str(path), "--results", str(tmp_path / "results")])
    text = path.read_text()
    assert "old" not in text
    assert "| mmgcn, tiny, a | " in text
    assert "<!-- dag -->\nkept\n<!-- /dag -->" in text
    page.main(["--page", str(path), "--results", str(tmp_path / "results")])
    assert path.read_text() == text


def test_the_page_has_comments_for_every_table():
    text = "".join((ROOT / path).read_text() for path in page.PAGES)
    for name in page.BLOCKS:
        assert text.count(f"<!-- {name} -->\n") == text.count(f"<!-- /{name} -->\n") == 1


def test_results_contain_the_machine(tmp_path):
    results.save("part", [{"value": 1}], this_machine("cpu", 1))
    (row,) = measured("part", tmp_path)
    assert row["peak_gflops"] == 1e4
    assert {"processor", "cores", "threads", "torch", "python"} <= set(row)


def test_the_operations_of_a_step_add_up():
    rows = operations.measure("mmgcn", TINY, "cpu", steps=1)
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    assert {"mm", "addmm"} & {row["operation"] for row in rows}
    assert operations.in_words(rows).startswith("products ")
