"""The content of one file of features: Parquet, CSV or NumPy, with or without names of the rows."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.types as pt

from spcl.data.feature_files.row_names import IDS
from spcl.data.files.csv_files import csv_rows, separator_in
from spcl.data.files.disk import read
from spcl.data.files.parsing import (
    WITHOUT_OBJECTS,
    read_npy,
    read_parquet,
    readable,
    refuse_size,
)
from spcl.data.problems import Defect
from spcl.errors import UserError, listed
from spcl.tables.schemas import UTTERANCES

_OBSERVED, _VECTORS = "observed", "features"
_NAMES = (IDS, "dialogue_id")
_COMPARED = 1000
"""Names in a file that are compared with an expected one: comparison is slow."""
_NO_FEATURES = {
    *(column.name for column in UTTERANCES.columns),
    *("session", "label", "", "unnamed: 0", "__index_level_0__"),
}
"""Columns of numbers that are not features; the last three are row numbers."""


@dataclass(frozen=True)
class Content:
    """The content of a file of features.

    Attributes
    ----------
    values
        (n, D) float32; infinite where a number is too large for float32.
    ids
        The utterance of each row; None if the rows have the order of the table of utterances.
    notes
        What was left out or is malformed.
    names
        Other columns that can identify the rows.
    """

    values: np.ndarray
    ids: Sequence[str] | None
    notes: tuple[Defect, ...] = ()
    names: Mapping[str, list[str]] = field(default_factory=dict)


def read_content(path: Path) -> Content:
    """Read a file whose suffix is in `READERS`.

    Raises
    ------
    UserError
        The file cannot be read, or has no numbers of shape (n, D).
    """
    read(path, 1)  # reports what is wrong with a path that is not a file
    return READERS[path.suffix](path)


def matrix(values: np.ndarray, path: Path) -> np.ndarray:
    """The values of a file as (n, D) float32; infinite where a number is too large for float32.

    Raises
    ------
    UserError
        They are not numbers, or have another shape.
    """
    if values.dtype.kind not in "fiub":
        raise UserError(f"{path}: has {values.dtype}, not numbers; store float32")
    if values.ndim != 2 or values.shape[1] == 0:
        raise UserError(f"{path}: has shape {values.shape}; store (N, D), a row for each utterance")
    return _float32(values)


def _parquet(path: Path) -> Content:
    return _of_table(read_parquet(path), path)


def _csv(path: Path) -> Content:
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


def _npy(path: Path) -> Content:
    return Content(matrix(read_npy(path), path), None)


def _npz(path: Path) -> Content:
    with (
        readable(path, WITHOUT_OBJECTS),
        path.open("rb") as file,  # NumPy would leave it open if it is not an archive
        np.load(file, allow_pickle=False) as archive,
    ):
        refuse_size(path, sum(member.file_size for member in archive.zip.infolist()))
        # A file that was added to the archive by hand is read as bytes.
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
    reason = f"arrays {listed(arrays)} are not features; left out"
    notes = (("left_out", reason),) if arrays else ()
    ids_ = None if ids is None else _words(ids.ravel())
    return Content(matrix(values, path), ids_, notes, names)


READERS: dict[str, Callable[[Path], Content]] = {
    ".parquet": _parquet,
    ".npz": _npz,
    ".npy": _npy,
    ".csv": _csv,
}
"""By suffix."""


def _of_table(table: pa.Table, path: Path) -> Content:
    """A column of vectors, or else all columns of numbers side by side."""
    with readable(path):
        columns = table.column_names
        if len(set(columns)) < len(columns):
            raise UserError(f"{path}: two columns have the same name; rename one")
        if IDS not in columns:
            _refuse_misspelt("column", columns, path)
        names = {
            column.name: _words(table[column.name].to_pylist())
            for column in table.schema
            if _is_text(column.type) or column.name in _NAMES
        }
        observed = None
        if _OBSERVED in columns:
            observed = pc.fill_null(pc.cast(table[_OBSERVED], pa.bool_()), False).to_numpy()
    vectors = [column.name for column in table.schema if _is_list(column.type)]
    if vectors:
        chosen = _VECTORS if _VECTORS in vectors else vectors[0]
        values, notes = _vectors(table[chosen], path)
    else:
        values, notes = _side_by_side(table, path)
    if observed is not None:
        values = np.where(observed[:, None], values, np.float32(np.nan))
    return Content(values, names.pop(IDS, None), notes, names)


def _vectors(column: pa.ChunkedArray, path: Path) -> tuple[np.ndarray, tuple[Defect, ...]]:
    """Lists of numbers as a matrix; lists of another length than most are left out."""
    array = column.combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy().astype(np.int64)
    widths, counts = np.unique(lengths[lengths > 0], return_counts=True)
    if not len(widths):
        raise UserError(f"{path}: its vectors are empty; remove the file or fill it")
    width = int(widths[counts.argmax()])
    chosen = lengths == width
    flat = array.filter(pa.array(chosen)).flatten()
    if not _is_number(flat.type):
        raise UserError(f"{path}: its vectors have {flat.type}, not numbers; store float32")
    refuse_size(path, 4 * len(array) * width)  # rows without a vector take no bytes in the file
    values = np.full((len(array), width), np.nan, np.float32)
    values[chosen] = _float32(flat.to_numpy(zero_copy_only=False)).reshape(-1, width)
    odd = (lengths > 0) & ~chosen
    reason = f"{odd.sum()} rows are not {width} numbers wide as most are; left out"
    return values, (("malformed", reason),) if odd.any() else ()


def _side_by_side(table: pa.Table, path: Path) -> tuple[np.ndarray, tuple[Defect, ...]]:
    """The columns of numbers as a matrix; other columns, such as labels, are left out."""
    numbers: list[str] = []
    others: list[str] = []
    for column in table.schema:
        if column.name in (IDS, _OBSERVED) or pt.is_null(column.type):
            continue
        taken = _is_number(column.type) and column.name.lower() not in _NO_FEATURES
        (numbers if taken else others).append(column.name or "without a name")
    if not numbers:
        raise UserError(
            f"{path}: no column '{_VECTORS}' of vectors and no column of numbers, but"
            f" {listed(table.column_names)}; write one of them"
        )
    columns = [_float32(table[name].to_numpy(zero_copy_only=False)) for name in numbers]
    reason = f"columns {listed(others)} are not features; left out"
    return np.stack(columns, axis=1), (("left_out", reason),) if others else ()


def _float32(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # too large becomes infinite, later not observed
        return np.asarray(values, np.float32)


def _refuse_misspelt(kind: str, names: Iterable[str], path: Path) -> None:
    """Refuse a file without utterance ids that has something with a similar name."""
    if near := difflib.get_close_matches(IDS, islice(names, _COMPARED), n=1):
        raise UserError(f"{path}: no {kind} '{IDS}'; rename '{near[0]}' to it")


def _words(values: Iterable[object]) -> list[str]:
    return [str(value).strip() for value in values]


def _is_number(type_: pa.DataType) -> bool:
    return pt.is_floating(type_) or pt.is_integer(type_)


def _is_text(type_: pa.DataType) -> bool:
    return pt.is_string(type_) or pt.is_large_string(type_) or pt.is_dictionary(type_)


def _is_list(type_: pa.DataType) -> bool:
    return pt.is_list(type_) or pt.is_large_list(type_) or pt.is_fixed_size_list(type_)
