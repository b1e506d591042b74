"""Features that lie beside one's own table of utterances: Parquet, CSV or NumPy, one a modality."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.types as pt

from spcl.data.feature_files.row_names import IDS, rows_by_name, rows_by_place
from spcl.data.files.csv_files import csv_rows, separator_in
from spcl.data.files.disk import entries, read
from spcl.data.files.parsing import (
    WITHOUT_OBJECTS,
    read_npy,
    read_parquet,
    readable,
    refuse_size,
)
from spcl.data.records import Problem
from spcl.errors import UserError, listed
from spcl.tables.schemas import MODALITIES, UTTERANCES

_SUFFIXES = (".parquet", ".npz", ".npy", ".csv")
_OBSERVED, _VECTORS = "observed", "features"
_NAMES = (IDS, "dialogue_id")
_COMPARED = 1000
"""Of a file's columns, those that may be a misspelt name: to compare takes time."""
_NO_FEATURES = {
    *(column.name for column in UTTERANCES.columns),
    *("session", "label", "", "unnamed: 0", "__index_level_0__"),
}
"""Columns of numbers that say who, when or which emotion; the last three are a row's number."""


@dataclass(frozen=True)
class _Content:
    """What a file holds.

    Attributes
    ----------
    values
        (n, D) numbers.
    ids
        The utterance of each row, None where the rows are those of the table of utterances.
    notes
        What was left out, in words.
    names
        Other columns that may say whose the rows are.
    """

    values: np.ndarray
    ids: Sequence[str] | None
    notes: tuple[str, ...] = ()
    names: Mapping[str, list[str]] = field(default_factory=dict)


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
        The row of each of the N utterances in that table; files that name utterances are laid out
        in this order.

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
        A file cannot be read, holds no numbers, or not one row for each name or utterance; there
        are two for a modality.
    """
    features: dict[str, np.ndarray] = {}
    problems: list[Problem] = []
    files: dict[str | None, str] = {}
    for m, path in _files(folder, problems).items():
        read(path, 1)  # says what is wrong with a file that is none
        content = _READERS[path.suffix](path)
        values = matrix(content.values, path)
        refuse_size(path, 4 * max(len(values), len(order)) * values.shape[1])
        file = files[m] = path.relative_to(folder).as_posix()
        problems += [Problem(file, None, m, note) for note in content.notes]
        if content.ids is None:
            features[m] = rows_by_place(values, content.names, table, order, path)
        else:
            wanted = [table[IDS][row] for row in order]
            features[m], notes = rows_by_name(values, content.ids, wanted, path)
            problems += [Problem(file, None, m, note) for note in notes]
    return features, problems, files


def _files(folder: Path, problems: list[Problem]) -> dict[str, Path]:
    """The feature file of each modality; files that look like one are noted."""
    files: dict[str, Path] = {}
    for path in sorted([*entries(folder / "features"), *entries(folder)]):
        if path.suffix not in _SUFFIXES or path.stem == "utterances" or path.name[0] == ".":
            continue
        if path.stem not in MODALITIES:
            reason = f"not read: feature files are called {', '.join(MODALITIES)}"
            problems.append(Problem(path.relative_to(folder).as_posix(), None, None, reason))
        elif files.setdefault(path.stem, path) != path:
            raise UserError(
                f"{path}: {files[path.stem]} holds the {MODALITIES[path.stem]} features too;"
                " remove one of them"
            )
    return files


def _parquet(path: Path) -> _Content:
    return _of_table(read_parquet(path), path)


def _csv(path: Path) -> _Content:
    options = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(_NAMES, pa.string()),
        null_values=["", "nan", "NaN", "NA", "null"],
    )
    for _ in csv_rows(path):  # names the line of a row that is not as long as the header
        pass
    with path.open("rb") as file:
        separator = separator_in(file.readline().decode("utf-8", errors="replace"))
    parsing = pyarrow.csv.ParseOptions(delimiter=separator)
    with readable(path):
        table = pyarrow.csv.read_csv(path, parse_options=parsing, convert_options=options)
    return _of_table(table, path)


def _npy(path: Path) -> _Content:
    return _Content(read_npy(path), None)


def _npz(path: Path) -> _Content:
    with (
        readable(path, WITHOUT_OBJECTS),
        path.open("rb") as file,  # which NumPy would leave open where it is no archive
        np.load(file, allow_pickle=False) as archive,
    ):
        refuse_size(path, sum(member.file_size for member in archive.zip.infolist()))
        # A file that was put in the archive by hand comes as bytes.
        arrays = {name: np.asarray(archive[name]) for name in archive.files}
    ids = arrays.pop(IDS, None)
    chosen = _VECTORS if len(arrays) != 1 else next(iter(arrays))
    if chosen not in arrays:
        raise UserError(
            f"{path}: no array '{_VECTORS}', but {listed(arrays) or 'none'}; save it with"
            f" np.savez(path, {IDS}=..., {_VECTORS}=...)"
        )
    values = arrays.pop(chosen)
    if ids is None:
        _refuse_misspelt("array", arrays, path)
    names = {
        name: _words(array.ravel())
        for name, array in arrays.items()
        if array.dtype.kind == "U" or name in _NAMES
    }
    notes = (f"arrays {listed(arrays)} hold no features; left out",) if arrays else ()
    return _Content(values, None if ids is None else _words(ids.ravel()), notes, names)


_READERS = {".parquet": _parquet, ".csv": _csv, ".npy": _npy, ".npz": _npz}


def _of_table(table: pa.Table, path: Path) -> _Content:
    """A column of vectors, or else all columns of numbers side by side."""
    with readable(path):
        names = table.column_names
        if len(set(names)) < len(names):
            raise UserError(f"{path}: two columns have one name; rename one")
        if IDS not in names:
            _refuse_misspelt("column", names, path)
        cells = {
            column.name: _cells(table, column.name)
            for column in table.schema
            if _is_text(column.type) or column.name in _NAMES
        }
        observed = None
        if _OBSERVED in names:
            observed = pc.fill_null(pc.cast(table[_OBSERVED], pa.bool_()), False).to_numpy()
    vectors = [column.name for column in table.schema if _is_list(column.type)]
    if vectors:
        chosen = _VECTORS if _VECTORS in vectors else vectors[0]
        values, notes = _vectors(table[chosen], path)
    else:
        values, notes = _side_by_side(table, path)
    if observed is not None:
        values = np.where(observed[:, None], values, np.float32(np.nan))
    return _Content(values, cells.pop(IDS, None), notes, cells)


def _vectors(column: pa.ChunkedArray, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """Lists of numbers as a matrix; those of another length than most are left out."""
    array = column.combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy().astype(np.int64)
    widths, counts = np.unique(lengths[lengths > 0], return_counts=True)
    if not len(widths):
        raise UserError(f"{path}: its vectors are empty; remove the file or fill it")
    width = int(widths[counts.argmax()])
    chosen = lengths == width
    flat = array.filter(pa.array(chosen)).flatten()
    if not (pt.is_floating(flat.type) or pt.is_integer(flat.type)):
        raise UserError(f"{path}: its vectors hold {flat.type}, not numbers; store float32")
    refuse_size(path, 4 * len(array) * width)  # rows without a vector cost nothing in the file
    values = np.full((len(array), width), np.nan, np.float32)
    values[chosen] = _float32(flat.to_numpy(zero_copy_only=False)).reshape(-1, width)
    odd = (lengths > 0) & ~chosen
    notes = (f"{odd.sum()} rows are not {width} numbers wide as most are; left out",)
    return values, notes if odd.any() else ()


def _side_by_side(table: pa.Table, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """The columns of numbers as a matrix; others, labels above all, are left out."""
    numbers: list[str] = []
    others: list[str] = []
    for column in table.schema:
        if column.name in (IDS, _OBSERVED) or pt.is_null(column.type):
            continue
        number = pt.is_floating(column.type) or pt.is_integer(column.type)
        taken = number and column.name.lower() not in _NO_FEATURES
        (numbers if taken else others).append(column.name or "without a name")
    if not numbers:
        raise UserError(
            f"{path}: no column '{_VECTORS}' of vectors and no column of numbers, but"
            f" {listed(table.column_names)}; write one of them"
        )
    columns = [_float32(table[name].to_numpy(zero_copy_only=False)) for name in numbers]
    notes = (f"columns {listed(others)} hold no features; left out",)
    return np.stack(columns, axis=1), notes if others else ()


def matrix(values: np.ndarray, path: Path) -> np.ndarray:
    """The values of a feature file as (n, D) float32; infinite where one is too large for that.

    Raises
    ------
    UserError
        They are no numbers or of another shape.
    """
    if values.dtype.kind not in "fiub":
        raise UserError(f"{path}: holds {values.dtype}, not numbers; store float32")
    if values.ndim != 2 or values.shape[1] == 0:
        raise UserError(f"{path}: has shape {values.shape}; store (N, D), a row for each utterance")
    return _float32(values)


def _float32(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # beyond float32 is infinite: not observed later on
        return np.asarray(values, np.float32)


def _refuse_misspelt(kind: str, names: Iterable[str], path: Path) -> None:
    """Refuse a file that has no names of utterances, but something that is called nearly so."""
    if near := difflib.get_close_matches(IDS, islice(names, _COMPARED), n=1):
        raise UserError(f"{path}: no {kind} '{IDS}'; rename '{near[0]}' to it")


def _cells(table: pa.Table, column: str) -> list[str]:
    return _words(table[column].to_pylist())


def _words(values: Iterable[object]) -> list[str]:
    return [str(value).strip() for value in values]


def _is_text(type_: pa.DataType) -> bool:
    return pt.is_string(type_) or pt.is_large_string(type_) or pt.is_dictionary(type_)


def _is_list(type_: pa.DataType) -> bool:
    return pt.is_list(type_) or pt.is_large_list(type_) or pt.is_fixed_size_list(type_)
