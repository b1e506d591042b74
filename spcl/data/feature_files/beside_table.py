"""Features beside a custom table of utterances: one file for each modality."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from spcl.data.feature_files.arrays import READERS, read_content
from spcl.data.feature_files.row_names import IDS, rows_by_name, rows_by_position
from spcl.data.files.disk import entries
from spcl.data.files.parsing import refuse_size
from spcl.data.problems import Problem
from spcl.errors import UserError
from spcl.tables.schemas import MODALITIES


def read_features(
    folder: Path, table: Mapping[str, Sequence[str]], order: Sequence[int]
) -> tuple[dict[str, np.ndarray], list[Problem], dict[str | None, str]]:
    """Read ``{a,t,v}.parquet``, ``.csv``, ``.npz`` or ``.npy`` in `folder` or its ``features/``.

    Parameters
    ----------
    folder
        The corpus.
    table
        ``dialogue_id`` and ``utterance_id`` of every row of the table of utterances; files without
        names have that order.
    order
        The row of each of the N utterances in that table; the features have this order.

    Returns
    -------
    dict
        By modality, (N, D) float32; a row of NaN where the file has none.
    list of Problem
        Rows that could not be used.
    dict
        By modality, the file relative to `folder`.

    Raises
    ------
    UserError
        A file cannot be read, has no numbers, or not one row for each name or utterance; there are
        two files of a modality.
    """
    features: dict[str, np.ndarray] = {}
    problems: list[Problem] = []
    files: dict[str | None, str] = {}
    for m, path in _files(folder, problems).items():
        content = read_content(path)
        values, notes = content.values, list(content.notes)
        refuse_size(path, 4 * max(len(values), len(order)) * values.shape[1])
        if content.ids is None:
            features[m] = rows_by_position(values, content.names, table, order, path)
        else:
            wanted = [table[IDS][row] for row in order]
            features[m], more = rows_by_name(values, content.ids, wanted, path)
            notes += more
        files[m] = path.relative_to(folder).as_posix()
        problems += [Problem(files[m], None, m, *note) for note in notes]
    return features, problems, files


def _files(folder: Path, problems: list[Problem]) -> dict[str, Path]:
    """The feature file of each modality; other files with such a suffix are recorded."""
    files: dict[str, Path] = {}
    for path in sorted([*entries(folder / "features"), *entries(folder)]):
        if path.suffix not in READERS or path.stem == "utterances" or path.name[0] == ".":
            continue
        if path.stem not in MODALITIES:
            reason = f"not read: feature files are called {', '.join(MODALITIES)}"
            name = path.relative_to(folder).as_posix()
            problems.append(Problem(name, None, None, "left_out", reason))
        elif files.setdefault(path.stem, path) != path:
            raise UserError(
                f"{path}: {files[path.stem]} has the {MODALITIES[path.stem]} features too;"
                " remove one of them"
            )
    return files
