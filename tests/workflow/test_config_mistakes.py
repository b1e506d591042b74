"""Mistakes of a config: all of them at once, a line each, before any job."""

import copy
import math
import re
from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from snakemake.io import PeriodicityDetector

from spcl.errors import UserError
from spcl.study.config import check
from spcl.study.config_files import read_config
from spcl.study.schema import schema_faults
from spcl.study.shipped import SCHEMA
from tests.workflow.conftest import GRID

CONFIG = """\
name: little
problem_limit: 0.02
length_limit: 3
datasets:
  mine:
    path: data/mine
    protocol: leave-one-session-out
    protocol_seed: 0
    sessions: [1, 2]
    labels: [calm, glad]
  drawn:
    path: data/drawn
    layout: meld
    protocol: official
    simulate: {seed: 1, dialogues: 9}
features:
  t: {extractor: huggingface_text, options: {folder: models/bert, max_tokens: 99}}
  a: {extractor: logmel}
difficulty: {folds: 5, seed: 0}
grid:
  baselines: [late_fusion, mmgcn]
  modalities: [at]
  curricula: [none, spcl]
  seeds: [11, 12]
training:
  epochs: 2
  batch_size: 4
  learning_rate: 0.001
  weight_decay: 0.0
  clip_norm: 1.0
  patience: 7
baselines:
  late_fusion:
  mmgcn: {model: {hidden: 8}, training: {epochs: 33}}
curricula:
  none:
  spcl:
    settings: {threshold: 0.4, growth: 1.25}
    cells:
      - {dataset: mine, threshold: 0.5}
"""
LINE = {words: number for number, words in enumerate(CONFIG.splitlines(), 1)}


def twice(line, extra="", key=None):
    """A case: after `line` stands its key once more, or the line `extra`."""
    first, words = LINE[line], line.strip()
    key = key or re.match(r"\w+", words)[0]
    again = extra or line
    where = f"in lines {first} and {first + 1}; remove or rename one of them"
    return pytest.param(line, f"{line}\n{again}", f"{key}: is there twice, {where}", id=f"2 {key}")


TWICE = [
    twice("name: little", "name: large"),
    twice("problem_limit: 0.02"),
    twice("    path: data/mine", "    path: data/other", "datasets.mine.path"),
    twice("    protocol: official", "", "datasets.drawn.protocol"),
    twice("  a: {extractor: logmel}", "  a: {extractor: egemaps}", "features.a"),
    twice("  epochs: 2", "  epochs: 3", "training.epochs"),
    twice("  seeds: [11, 12]", "  seeds: [13]", "grid.seeds"),
    twice("  late_fusion:", "  late_fusion: {}", "baselines.late_fusion"),
    twice("  none:", "  'none': {}", "curricula.none"),
    (
        "{seed: 1, dialogues: 9}",
        "{seed: 1, seed: 2, dialogues: 9}",
        "datasets.drawn.simulate.seed: is there twice, in line 15; remove",
    ),
    (
        "{hidden: 8}",
        "{hidden: 8, hidden: 16}",
        "baselines.mmgcn.model.hidden: is there twice, in line 34; remove",
    ),
    (
        "{dataset: mine, threshold: 0.5}",
        "{dataset: mine, threshold: 0.5, threshold: 0.6}",
        "curricula.spcl.cells.0.threshold: is there twice, in line 40; remove",
    ),
    (
        "  drawn:\n    path: data/drawn",
        "  mine:\n    path: data/mine",
        "datasets.mine: is there twice, in lines 5 and 11; remove or rename one",
    ),
    (
        "folder: models/bert",
        "folder: models/bert, folder: models/other",
        "features.t.options.folder: is there twice, in line 17; remove",
    ),
    (
        "curricula:\n  none:",
        "training: {epochs: 9}\ncurricula:\n  none:",
        "training: is there twice, in lines 25 and 35; remove or rename one",
    ),
]

FINITE = "is not a number to compute with; write a finite one"
NUMBERS = {
    "problem_limit": "problem_limit: 0.02",
    "length_limit": "length_limit: 3",
    "datasets.mine.protocol_seed": "protocol_seed: 0",
    "datasets.mine.sessions.1": "sessions: [1, 2",
    "datasets.drawn.simulate.seed": "simulate: {seed: 1",
    "datasets.drawn.simulate.dialogues": "dialogues: 9",
    "features.t.options.max_tokens": "max_tokens: 99",
    "difficulty.folds": "folds: 5",
    "difficulty.seed": "folds: 5, seed: 0",
    "grid.seeds.0": "seeds: [11",
    "training.epochs": "  epochs: 2",
    "training.batch_size": "batch_size: 4",
    "training.learning_rate": "learning_rate: 0.001",
    "training.weight_decay": "weight_decay: 0.0",
    "training.clip_norm": "clip_norm: 1.0",
    "training.patience": "patience: 7",
    "baselines.mmgcn.model.hidden": "hidden: 8",
    "baselines.mmgcn.training.epochs": "epochs: 33",
    "curricula.spcl.settings.threshold": "threshold: 0.4",
    "curricula.spcl.cells.0.threshold": "threshold: 0.5",
}
"""By key, the text of the config that ends in its number."""


def with_number(key, number):
    old = NUMBERS[key]
    return old, re.sub(r"[\d.]+$", number, old)


NOT_FINITE = [
    pytest.param(*with_number(key, number), f"{key}: {said} {FINITE}", id=f"{key} {number}")
    for key in NUMBERS
    for number, said in ((".nan", "nan"), (".inf", "inf"), ("-.inf", "-inf"))
]

HUGE = 20 * "9"
SEED, COUNT = "write 4294967295 or less", "write 2147483647 or less"
OVERFLOWS = [
    pytest.param(*with_number(key, HUGE), f"{key}: {HUGE} is too large; {remedy}", id=f"{key} huge")
    for key, remedy in {
        "grid.seeds.0": SEED,
        "difficulty.seed": SEED,
        "datasets.mine.protocol_seed": SEED,
        "datasets.drawn.simulate.seed": SEED,
        "datasets.drawn.simulate.dialogues": COUNT,
        "datasets.mine.sessions.1": COUNT,
        "difficulty.folds": COUNT,
        "training.epochs": COUNT,
        "training.batch_size": COUNT,
        "training.patience": COUNT,
        "training.learning_rate": "write less than 2 ** 63",
        "baselines.mmgcn.model.hidden": "write less than 2 ** 63",
        "curricula.spcl.cells.0.threshold": "write less than 2 ** 63",
    }.items()
]

KINDS = [
    ("seeds: [11", "seeds: [-1", "grid.seeds.0: -1 is too small; write 0 or more"),
    ("seeds: [11", "seeds: [4294967296", f"grid.seeds.0: 4294967296 is too large; {SEED}"),
    ("seeds: [11", "seeds: [12", "grid.seeds: [12, 12] has an entry twice; remove one of them"),
    ("seeds: [11", "seeds: ['11'", "grid.seeds.0: '11' is text, not a whole number; write digits"),
    ("seeds: [11", "seeds: [yes", "grid.seeds.0: 'True' is not a whole number; config/README.md"),
    ("  epochs: 2", "  epochs: 2.0", "training.epochs: 2.0 is not a whole number; write it withou"),
    ("  epochs: 2", "  epochs: 0", "training.epochs: 0 is too small; write 1 or more"),
    ("patience: 7", "patience: 1.5", "training.patience: 1.5 is not a whole number; write it with"),
    ("rate: 0.001", "rate: 0", "training.learning_rate: 0 is too small; write more than 0"),
    ("rate: 0.001", "rate: 1e-3", "training.learning_rate: '1e-3' is text, not a number; YAML"),
    ("_limit: 0.02", "_limit: 2", "problem_limit: 2 is too large; write 1 or less"),
    ("labels: [calm", "labels: [no", "datasets.mine.labels.0: False is not text; YAML reads yes,"),
    (
        "labels: [calm",
        "labels: [0",
        "datasets.mine.labels.0: 0 is a number, not text; put it in qu",
    ),
    ("  a: {extractor: logmel}", "  a: logmel", "features.a: 'logmel' is not a mapping of keys; "),
    ("modalities: [at]", "modalities: at", "grid.modalities: 'at' is not a list; config/README.md"),
]

LONG = 65 * "x"
TOO_LONG = f"'{57 * 'x'}...' has 65 characters; a name has at most 64"
NAMES = [
    ("name: little", f"name: {LONG}", f"name: {TOO_LONG}"),
    ("name: little", f"name: {300 * 'ab'}", f"name: '{28 * 'ab'}a...' has 600 characters; a name"),
    (
        "name: little",
        f"name: {20 * 'x'}",
        "name: 'xxxxxxxxxxxxxxxxxxxx' has a part twenty times in a row; use another",
    ),
    ("name: little", "name: 2026", "name: 2026 is a number, not text; put it in quotes: '2026'"),
    (
        "  drawn:\n    path: data/drawn",
        f"  {LONG}:\n    path: data/{LONG}",
        f"datasets: {TOO_LONG}",
    ),
    ("  late_fusion:", f"  late_fusion:\n  {LONG}:", f"baselines: {TOO_LONG}"),
    ("  none:", f"  none:\n  {LONG}:", f"curricula: {TOO_LONG}"),
    ("  none:", "  none:\n  3:", "curricula: 3 is a number, not text; put it in quotes: '3'"),
    ("  none:", "  none:\n  no:", "curricula: False is not text; YAML reads yes, no, on and off"),
    ("  none:", "  none:\n  My-Own:", "curricula: 'My-Own' is not a valid name; use lower-case"),
]

UNSET = "the environment variable 'SPCL_UNSET' is not set; set it, or write the path without it"
WRITES = "which the workflow writes to; move"
PATHS = [
    *(
        ("path: data/mine", f"path: {path}", f"datasets.mine.path: '{path}': {UNSET}")
        for path in (
            "$SPCL_UNSET",
            "$SPCL_UNSET/x",
            "${SPCL_UNSET}/x",
            "data/$SPCL_UNSET",
            "~/$SPCL_UNSET",
        )
    ),
    (
        "folder: models/bert",
        "folder: $SPCL_UNSET/bert",
        f"features.t.options.folder: '$SPCL_UNSET/bert': {UNSET}",
    ),
    (
        "  late_fusion:",
        "  late_fusion: {source: $SPCL_UNSET/gru.py}",
        f"baselines.late_fusion.source: '$SPCL_UNSET/gru.py': {UNSET}",
    ),
    (
        "path: data/mine",
        "path: ~no-such-user/x",
        "datasets.mine.path: '~no-such-user/x': '~no-such-user' is no user of this machine; write",
    ),
    *(
        ("path: data/mine", f"path: {path}", f"datasets.mine.path: '{path}' is in {one}, {WRITES}")
        for path, one in {
            "results": "results",
            "results/corpora/mine": "results",
            "./logs/x": "logs",
            "data/../benchmarks": "benchmarks",
            ".snakemake/x": ".snakemake",
            "linked/x": "results",
        }.items()
    ),
    *(
        (
            "path: data/mine",
            f"path: {path}",
            f"datasets.mine.path: '{path}' contains {one}, {WRITES}",
        )
        for path, one in {
            ".": "results",
            "..": "results",
            "/": "results",
            "data": "data/drawn",
        }.items()
    ),
    (
        "folder: models/bert",
        "folder: .",
        f"features.t.options.folder: '.' contains results, {WRITES}",
    ),
    (
        "  late_fusion:",
        "  late_fusion: {source: results/gru.py}",
        f"baselines.late_fusion.source: 'results/gru.py' is in results, {WRITES}",
    ),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with results of an earlier run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPCL_UNSET", raising=False)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "gru.py").write_text("class GRU: pass\n\nMODEL = GRU\n")
    (tmp_path / "linked").symlink_to("results")
    return tmp_path


def read(folder, *changes):
    """Read the config with some of its text replaced."""
    text = CONFIG
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / "mine.yaml").write_text(text)
    return read_config([folder.joinpath("mine.yaml").relative_to(folder)])


def mistakes(folder, *changes):
    """The lines of the error."""
    with pytest.raises(UserError) as error:
        read(folder, *changes)
    lines = str(error.value).splitlines()
    assert all(line.startswith("mine.yaml: ") for line in lines)
    return [line.removeprefix("mine.yaml: ") for line in lines]


def test_the_config_has_no_mistake(folder):
    assert read(folder)["training"]["epochs"] == 2


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [*TWICE, *NOT_FINITE, *OVERFLOWS, *KINDS, *NAMES, *PATHS],
)
def test_a_mistake_is_one_line_with_key_and_remedy(folder, old, new, says):
    found = mistakes(folder, (old, new))
    assert [line[: len(says)] for line in found] == [says]
    assert "; " in found[0]


def test_all_mistakes_are_found_at_once(folder):
    found = mistakes(
        folder,
        ("path: data/mine", "path: $SPCL_UNSET/mine"),
        ("protocol: official", "protocol: offical"),
        ("extractor: logmel", "extractor: logmell"),
        ("[late_fusion, mmgcn]", "[late_fusion, mmgnc]"),
        ("seeds: [11, 12]", "seeds: [.nan, 99999999999999999999]"),
        ("  epochs: 2", "  epoch: 2"),
        ("batch_size: 4", "batch_size: 4\n  batch_size: 5"),
        ("{hidden: 8}", "{hiden: 8}"),
        ("{threshold: 0.4, growth: 1.25}", "{growth: 1.25}"),
        ("{dataset: mine,", "{dataset: mines,"),
    )
    assert [line.partition(";")[0] for line in found] == [
        "training.batch_size: is there twice, in lines 27 and 28",
        "training: unknown key 'epoch'",
        "datasets.drawn.protocol: 'offical' is not allowed",
        f"grid.seeds.0: nan {FINITE.partition(';')[0]}",
        f"grid.seeds.1: {HUGE} is too large",
        "datasets.mine.path: '$SPCL_UNSET/mine': the environment variable 'SPCL_UNSET' is not set",
        "baselines.mmgcn.model: unknown key 'hiden'",
        "features.a: there is no 'logmell'",
        "grid.baselines: 'mmgnc' is not defined under baselines",
        "curricula.spcl.cells: 'mines' is not defined under datasets",
        "curricula.spcl.settings: key 'threshold' is missing for mine-session1/late_fusion/at/spcl"
        " and 2 more cells",
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("  mine:\n", "  mine: 3\n  other:\n", "datasets.mine: '3' is not a mapping of keys; "),
        ("  a: {extractor: logmel}", "  a: {}", "features.a: key 'extractor' is missing; "),
        ("  mmgcn: {", "  mmgcn: 3\n  dialogue_gcn: {", "baselines.mmgcn: '3' is not a mapping"),
        ("growth: 1.25", "growht: 1.25", "curricula.spcl.settings: unknown key 'growht'; did you"),
        ("  late_fusion:", "  late_fusion: {source: 3}", "baselines.late_fusion.source: 3 is a n"),
        ("  seeds: [11", "  seed: [11", "grid: unknown key 'seed'; did you mean 'seeds'? "),
    ],
)
def test_what_follows_from_a_mistake_is_no_mistake(folder, old, new, says):
    (found,) = mistakes(folder, (old, new))
    assert found.startswith(says)


@pytest.mark.parametrize(("n", "more"), [(20, []), (21, ["and 1 more errors"])])
def test_at_most_twenty_mistakes_are_shown(folder, n, more):
    wrong = ", ".join(f"x{number}: 1" for number in range(n))
    found = mistakes(folder, ("{hidden: 8}", f"{{{wrong}}}"))
    assert [line.partition(";")[0] for line in found] == [
        *(f"baselines.mmgcn.model: unknown key 'x{number}'" for number in range(20)),
        *more,
    ]


@pytest.mark.parametrize(
    "change",
    [
        ("  a: {extractor: logmel}", "  a: &own {extractor: logmel}\n  v: *own"),
        ("{threshold: 0.4, growth: 1.25}", "{<<: {threshold: 0.1, growth: 1.1}, threshold: 0.4}"),
        ("name: little", '"name": little'),
        ("name: little", f"name: {8 * 'abcdefgh'}"),
        ("path: data/mine", "path: resultsof/mine"),
        ("path: data/mine", "path: data/$taken"),
    ],
)
def test_what_looks_like_a_mistake_is_read(folder, change):
    (folder / "data").mkdir()
    (folder / "data" / "$taken").touch()
    read(folder, change)


def test_two_files_may_have_the_same_key_and_one_may_not(folder):
    read(folder)
    (folder / "part.yaml").write_text("name: part\ngrid: {seeds: [7]}\n")
    config = read_config([folder / "mine.yaml", folder / "part.yaml"])
    assert (config["name"], config["grid"]["seeds"]) == ("part", [7])
    (folder / "part.yaml").write_text('{\n\t"name": "part",\n\t"name": "other"\n}')
    with pytest.raises(UserError) as error:
        read_config([folder / "mine.yaml", folder / "part.yaml"])
    assert str(error.value).startswith(
        f"{folder}/part.yaml: name: is there twice, in lines 2 and 3"
    )


def test_paths_are_expanded_wherever_the_config_has_one(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder / "home"))
    monkeypatch.setenv("SPCL_CORPORA", "/corpora")
    (folder / "home").mkdir()
    (folder / "home" / "gru.py").write_text("class GRU: pass\n\nMODEL = GRU\n")
    own = "features: {t: {extractor: huggingface_text, options: {folder: ~/bert}}}"
    config = read(
        folder,
        ("path: data/mine", f"path: $SPCL_CORPORA/mine\n    {own}"),
        ("folder: models/bert", "folder: '${SPCL_CORPORA}/bert'"),
        ("  late_fusion:", "  late_fusion: {source: $HOME/gru.py}"),
    )
    home = f"{folder}/home"
    mine = config["datasets"]["mine-session1"]
    assert mine["path"] == "/corpora/mine"
    assert mine["features"]["t"]["options"]["folder"] == f"{home}/bert"
    assert config["features"]["t"]["options"]["folder"] == "/corpora/bert"
    assert config["baselines"]["late_fusion"]["source"] == f"{home}/gru.py"


@given(
    st.text("ab1-", max_size=40),
    st.text("ab1", min_size=1, max_size=4),
    st.integers(1, 40),
)
def test_a_name_that_passes_is_no_loop_for_snakemake(start, part, times):
    name = f"x{start}{part * times}"
    faults = _of_name(name)
    assert len(name) <= 64 or faults
    if not faults:
        assert PeriodicityDetector().is_periodic(name) is None


def _of_name(name):
    """The faults of a config with this name of the grid."""
    return schema_faults(yaml.safe_load(CONFIG) | {"name": name}, SCHEMA)


def places(value, place=()):
    """The places of all values of a config."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in inside:
        yield (*place, key)
        if isinstance(inner, (dict, list)):
            yield from places(inner, (*place, key))


PLACES = list(places(yaml.safe_load(CONFIG)))
ODD = (
    None,
    True,
    3,
    -1.5,
    math.nan,
    10**30,
    "",
    "x",
    "$x",
    [],
    [None],
    [[]],
    {},
    {1: 2},
    {"x": {}},
)


@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(ODD)), min_size=1, max_size=4))
def test_any_values_are_read_or_refused(changes):
    config = yaml.safe_load(CONFIG)
    for (*outer, last), odd in changes:
        inner = config
        with suppress(KeyError, IndexError, TypeError):  # another change took the place away
            for key in outer:
                inner = inner[key]
            inner[last] = copy.deepcopy(odd)
    with suppress(UserError):
        check(config, SCHEMA, "mine.yaml")


@pytest.mark.workflow
def test_snakemake_prints_every_line_before_any_job(project):
    path = project.folder / "mine.yaml"
    path.write_text(
        CONFIG.replace("name: little", "name: little\nname: large")
        .replace("rate: 0.001", "rate: .nan")
        .replace("path: data/mine", "path: ${SPCL_UNSET}/mine")
    )
    done = project.snakemake("-n", config="mine.yaml", check=False)
    said = (done.stdout + done.stderr).splitlines()
    assert done.returncode == 1
    assert [line for line in said if "mine.yaml" in line] == [
        "error: mine.yaml: name: is there twice, in lines 1 and 2; remove or rename one of them",
        f"mine.yaml: training.learning_rate: nan {FINITE}",
        f"mine.yaml: datasets.mine.path: '${{SPCL_UNSET}}/mine': {UNSET}",
    ]


@pytest.mark.workflow
def test_names_of_the_greatest_length_make_a_plan(project):
    name = 19 * "xyz" + "-" + 6 * "w"
    config = GRID | {
        "name": name,
        "datasets": {name: GRID["datasets"]["meld-one"] | {"path": f"data/{name}"}},
    }
    assert project.plan(config=project.configure(config))["train_cell"] == 4
