"""Provenance of the results: code, packages, machine, corpora, features, settings."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from spcl.report import fields
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import by_cell
from spcl.report.analysis.tunings import Tuning, tunings
from spcl.report.columns import COUNT, TEXT
from spcl.report.panels import Panel, text
from spcl.report.table import frame_of
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY, MODALITIES, SPLITS

TITLE = "Provenance of the results"

SCHEMA = Schema(
    "provenance table",
    (
        Column("part", TEXT, "code, corpus, features or cell"),
        Column("dataset", TEXT, "null for the code", True),
        Column("modality", TEXT, "of features", True),
        Column("baseline", TEXT, "of a cell", True),
        Column("modalities", TEXT, "of a cell", True),
        Column("curriculum", TEXT, "of a cell", True),
        Column("item", TEXT, "what is recorded"),
        Column("value", TEXT, "as text"),
        Column("n", COUNT, "number of seeds or utterances with this value"),
    ),
    key=("part", "dataset", "modality", *CELL_KEY[1:], "item", "value"),
)

_Row = dict[str, object]


def compute(results: Results) -> pd.DataFrame:
    """A row for each item and value; see `SCHEMA`."""
    rows = [*_code(results), *_corpora(results), *_features(results), *_cells(results)]
    return frame_of(rows, SCHEMA)


def caption(data: pd.DataFrame) -> str:
    return (
        "Commit, packages and machine of the trainings; corpora with their split protocol;"
        " extractors of the features, with a digest of the utterances they were computed from;"
        " digest of each cell's settings, and how they were tuned. Equal digests mean equal"
        " settings or inputs."
    )


def _code(results: Results) -> Iterator[_Row]:
    """Code and machine of the trainings; an item has several rows where trainings differ."""
    runs = results.metrics.drop_duplicates([*CELL_KEY, "seed"])
    count: Counter[tuple[str, str]] = Counter()
    for item in ("commit", "device"):
        count.update((item, str(value)) for value in runs[item])
    for packages, n in runs["versions"].astype(object).value_counts(sort=False).items():
        for package, version in json.loads(str(packages)).items():
            count[package, version] += n
    for (item, value), n in count.items():
        yield {"part": "code", "item": item, "value": value, "n": n}


def _corpora(results: Results) -> Iterator[_Row]:
    for facts in results.facts("utterances"):
        of_corpus = results.utterances[results.utterances["dataset"] == facts["dataset"]]
        said = {
            "protocol": facts["protocol"],
            "protocol seed": facts["protocol_seed"],
            "simulated": "yes" if facts["simulated"] else "no",
        }
        for split in SPLITS:
            rows = of_corpus[of_corpus["split"] == split]
            labelled = int(rows["emotion"].notna().sum())
            said[split] = f"{rows['dialogue_id'].nunique()} dialogues, {labelled} labelled"
        yield from _rows(said, n=len(of_corpus), part="corpus", dataset=facts["dataset"])


def _features(results: Results) -> Iterator[_Row]:
    for _, row in results.features.iterrows():
        said = {item: row[item] for item in ("extractor", "version", "options", "width", "inputs")}
        said["observed"] = f"{row['n_observed']} of {row['n_utterances']}"
        key = {"dataset": row["dataset"], "modality": row["modality"]}
        yield from _rows(said, n=row["n_utterances"], part="features", **key)


def _cells(results: Results) -> Iterator[_Row]:
    tuned = tunings(results)
    for key, rows in by_cell(results.metrics):
        runs = rows.drop_duplicates("seed")
        axes = dict(zip(CELL_KEY, key, strict=True))
        said = {"seeds": ", ".join(str(seed) for seed in sorted(runs["seed"]))}
        said["protocol"] = _joined(runs["protocol"])
        said["settings"] = _joined(runs["config_digest"])
        said["tuned"] = "no" if key not in tuned else _choice(tuned[key])
        said["commit"] = _joined(runs["commit"])
        yield from _rows(said, n=len(runs), part="cell", **axes)


def _choice(tuning: Tuning) -> str:
    seeds = ", ".join(str(seed) for seed in tuning.points.index)
    n = len(tuning.candidates)
    return f"candidate {tuning.chosen} of {n}, budget {tuning.trials}, seeds {seeds}"


def _rows(said: dict[str, object] | dict[str, str], n: int, **key: str) -> Iterator[_Row]:
    for item, value in said.items():
        yield key | {"item": item, "value": str(value), "n": n}


def _joined(values: Iterable[object]) -> str:
    return ", ".join(dict.fromkeys(str(value) for value in values))


def panels(data: pd.DataFrame, results: Results) -> Iterator[Panel]:
    of_code = (fields.words("item"), fields.words("value"), fields.count("n", "Trainings"))
    yield fields.panel(data[data["part"] == "code"], of_code, "Code and machine")
    yield _corpora_panel(data[data["part"] == "corpus"])
    of_features = ("extractor", "version", "options", "width", "observed", "inputs")
    features = data[data["part"] == "features"].replace({"modality": MODALITIES})
    yield _wide(features, ("dataset", "modality"), of_features, "Features", nested=1)
    of_cells = ("seeds", "protocol", "settings", "tuned", "commit")
    yield _wide(data[data["part"] == "cell"], CELL_KEY, of_cells, "Cells", nested=3)


def _corpora_panel(data: pd.DataFrame) -> Panel:
    """Corpora as columns."""
    corpora = list(dict.fromkeys(data["dataset"]))
    by_item = data.groupby("item", sort=False)["value"]
    rows = tuple(tuple(text(one) for one in (item, *values)) for item, values in by_item)
    return Panel(("Item", *corpora), rows, "Corpora")


def _wide(
    data: pd.DataFrame, key: Sequence[str], items: Sequence[str], title: str, nested: int
) -> Panel:
    """Items as columns."""
    rows = [
        dict(zip(key, names, strict=True)) | dict(block[["item", "value"]].to_numpy())
        for names, block in data.groupby(list(key), sort=False)
    ]
    shown = [fields.words(name) for name in (*key, *items)]
    return fields.panel(pd.DataFrame(rows), shown, title, nested)


def notes(data: pd.DataFrame, results: Results) -> Iterator[str]:
    code = data[data["part"] == "code"]
    if not len(code):
        yield "No cells were given, so commit, packages and machine are unknown."
    differing = code["item"][code.duplicated("item")].unique()
    if len(differing):
        yield (
            f"The trainings differ in: {', '.join(differing)}. To train all with the same, delete"
            " results/cells and run again."
        )
    if any(commit.endswith("+") for commit in code.loc[code["item"] == "commit", "value"]):
        yield "A commit that ends with + had uncommitted changes."
    if not len(results.utterances):
        yield "No corpora were given."
    if not len(results.features):
        yield "No features were given."
