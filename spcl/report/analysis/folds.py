"""Pool the folds of a corpus: the fold that held out its session predicts each utterance.

With the protocol leave-one-session-out every session is the test split of one fold, so the folds'
test predictions of one seed are together one prediction for every utterance of the corpus. Scores
are recomputed over all of these at once; a mean of the folds' scores would weigh a session of few
dialogues as much as one of many.
"""

import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from spcl.tables import parquet, schemas
from spcl.training.rescoring import rescore, score_answers

_RUN = (*schemas.CELL_KEY[1:], "seed")
"""Columns that identify trainings with the same settings in all folds."""


def pool_predictions(folds: Sequence[pa.Table], corpus: str) -> pa.Table:
    """Unite the test predictions of the folds of a corpus.

    Parameters
    ----------
    folds
        Tables of `spcl.tables.schemas.PREDICTIONS`, one a fold; no two predict the same utterance.
    corpus
        The name that replaces the names of the folds.

    Returns
    -------
    pa.Table
        The same schema, test rows only. A training that some fold lacks is left out.
    """
    united = _of_every_fold([_test_rows(fold) for fold in folds])
    return _renamed(united, corpus)


def pool_metrics(folds: Sequence[pa.Table], predictions: pa.Table, corpus: str) -> pa.Table:
    """Score the united predictions.

    Parameters
    ----------
    folds
        Tables of `spcl.tables.schemas.METRICS`, one a fold.
    predictions
        The result of `pool_predictions`.
    corpus
        The corpus' name.

    Returns
    -------
    pa.Table
        Of the same schema: a row a training, split ``test``. Scores and confidences are those of
        the united predictions; seconds are summed; memory is the largest; diverged = in any fold;
        ``full_at_epoch`` is the last fold's, null if one never admitted all; ``best_epoch`` and
        ``epochs`` are rounded means; texts that differ are joined with a comma.
    """
    united = _of_every_fold([_test_rows(fold) for fold in folds])
    facts = parquet.metadata(united)
    labels = facts["labels"]
    answers = predictions.select(list(_RUN)).to_pandas().groupby(list(_RUN)).indices
    rows = []
    for run, of_folds in united.to_pandas().groupby(list(_RUN), sort=False):
        if run in answers:
            of_run = predictions.take(pa.array(answers[run]))
            key = dict(zip(_RUN, run, strict=True)) | {"dataset": corpus, "split": "test"}
            rows.append(key | rescore(of_run, labels) | _facts(of_folds))
    columns = {
        column.name: [row[column.name] for row in rows] for column in schemas.METRICS.columns
    }
    return parquet.describe(schemas.METRICS.table(columns), **facts)


def pool_robustness(folds: Sequence[pa.Table], predictions: pa.Table, corpus: str) -> pa.Table:
    """Unite the folds' answers under each perturbation, and score them.

    Parameters
    ----------
    folds
        Tables of `spcl.tables.schemas.ROBUSTNESS`, one a fold.
    predictions
        The result of `pool_predictions`, which has the labels.
    corpus
        The name that replaces the names of the folds.

    Returns
    -------
    pa.Table
        Of the same schema; scores are those of the united answers.
    """
    united = _renamed(_of_every_fold(folds), corpus)
    facts = parquet.metadata(united)
    emotions = predictions.select([*_RUN, "emotion"]).to_pandas().groupby(list(_RUN))["emotion"]
    by_run = {run: pa.chunked_array([pa.array(labels, pa.string())]) for run, labels in emotions}
    perturbation = ["perturbation", "modality", "level"]
    rows = []
    for key, of_folds in united.to_pandas().groupby([*_RUN, *perturbation], sort=False):
        predicted = np.concatenate(of_folds["predicted"].to_list())
        score = score_answers(predicted, by_run[key[: len(_RUN)]], facts["labels"])
        rows.append(
            dict(zip([*_RUN, *perturbation], key, strict=True))
            | {"dataset": corpus, "predicted": predicted}
            | {"n_utterances": score.n_utterances, "weighted_f1": score.weighted_f1}
        )
    columns = {
        column.name: [row[column.name] for row in rows] for column in schemas.ROBUSTNESS.columns
    }
    return parquet.describe(schemas.ROBUSTNESS.table(columns), **facts)


def pool_probes(folds: Sequence[pa.Table], corpus: str) -> pa.Table:
    """Unite the folds' test rows of one modality's `spcl.tables.schemas.UTTERANCE_DIFFICULTY`."""
    united = pa.concat_tables([_test_rows(fold) for fold in folds])
    facts = [parquet.metadata(fold) for fold in folds]
    simulated = any(of_fold["simulated"] for of_fold in facts)
    said = facts[0] | {"dataset": corpus, "simulated": simulated}
    return parquet.describe(_renamed(united, corpus), **said)


def _test_rows(fold: pa.Table) -> pa.Table:
    return fold.filter(pc.equal(fold["split"], "test"))


def _of_every_fold(folds: Sequence[pa.Table]) -> pa.Table:
    """The rows of all folds whose training every fold has."""
    shared = set.intersection(*(set(_runs(fold)) for fold in folds))
    united = pa.concat_tables(folds)
    return united.filter(pa.array([run in shared for run in _runs(united)], pa.bool_()))


def _runs(table: pa.Table) -> list[tuple[Hashable, ...]]:
    """Which training each row is of."""
    return list(zip(*(table[name].to_pylist() for name in _RUN), strict=True))


def _renamed(table: pa.Table, corpus: str) -> pa.Table:
    place = table.column_names.index("dataset")
    return table.set_column(place, "dataset", pa.array([corpus] * len(table), pa.string()))


def _facts(of_folds: pd.DataFrame) -> dict[str, Any]:
    """The columns of the folds' trainings other than the scores, combined."""
    full_at = of_folds["full_at_epoch"]
    seconds = of_folds["train_seconds"]
    seen = of_folds["utterances_per_second"] * seconds
    return {
        "protocol": _joined(of_folds["protocol"]),
        "simulated": bool(of_folds["simulated"].any()),
        "best_epoch": round(of_folds["best_epoch"].mean()),
        "epochs": round(of_folds["epochs"].mean()),
        "diverged": bool(of_folds["diverged"].any()),
        "full_at_epoch": None if full_at.isna().any() else int(full_at.max()),
        "train_seconds": seconds.sum(),
        "utterances_per_second": seen.sum() / seconds.sum(),
        "peak_memory_mb": of_folds["peak_memory_mb"].max(),
        "device": _joined(of_folds["device"]),
        "commit": _joined(of_folds["commit"]),
        "versions": _versions([json.loads(one) for one in of_folds["versions"]]),
        "config_digest": _joined(of_folds["config_digest"]),
        "training_digest": _joined(of_folds["training_digest"].dropna()) or None,
    }


def _joined(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(values))


def _versions(of_folds: Sequence[Mapping[str, str]]) -> str:
    names = dict.fromkeys(name for one in of_folds for name in one)
    said = {name: _joined([one[name] for one in of_folds if name in one]) for name in names}
    return json.dumps(said, sort_keys=True)
