"""Tables made again by the scripts of their rules, and compared with those that are there."""

import runpy
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
from pandas.testing import assert_series_equal

from spcl.provenance.origin import content
from spcl.provenance.record import Record
from spcl.study.shipped import SHIPPED
from spcl.training.cell_tables import KINDS, CellTables
from spcl.training.rescoring import contradictions
from spcl.verification.files import Results

QUICK = ("score_conversations", "gather_cells", "pool_folds", "pool_probes", "tabulate", "plot")
"""Rules whose jobs take seconds, called as their scripts are."""

_ROUNDING = 1e-6
"""Relative: another machine may sum in another order."""


def faults(results: Results) -> Iterator[str]:
    """Tables that do not follow from what they were made of, as far as that is there."""
    for path, record, outputs in results.jobs():
        if not results.sound(map(path.with_name, outputs.values())):
            continue
        if record.recipe.rule == "train_cell":
            paths = {kind: path.with_name(f"{kind}.parquet") for kind in KINDS}
            yield from (f"{path}: {found}" for found in contradictions(CellTables.read(paths)))
            results.checked["cells scored again"] += 1
        elif record.recipe.rule in QUICK:
            there = results.sound(map(results.path, record.inputs))
            if there:
                yield from _of_job(path, record, outputs, results)
            results.checked["jobs done again" if there else "jobs without their inputs"] += 1


def _of_job(
    main: Path, record: Record, outputs: Mapping[str, str], results: Results
) -> Iterator[str]:
    """Tables of a job that are others when its script runs again."""
    given: dict[str, Any] = {}
    for table, read in record.inputs.items():
        for name, files in read.given.items():
            if isinstance(files, str):
                given[name] = str(results.path(table).with_name(files))
            else:
                paths = (results.path(table).with_name(file) for file in files)
                given[name] = [*given.get(name, []), *map(str, paths)]
    with TemporaryDirectory() as folder:
        made = {name: Path(folder, file) for name, file in outputs.items()}
        snakemake = SimpleNamespace(
            wildcards=_Named(record.recipe.wildcards),
            params=_Named({**record.recipe.settings, "code": record.recipe.code}),
            input=_Named(given),
            output=_Named({name: str(path) for name, path in made.items()}),
            log=[str(Path(folder, "log"))],
        )
        script = SHIPPED / "scripts" / f"{record.recipe.rule}.py"
        try:
            runpy.run_path(str(script), {"snakemake": snakemake}, "__main__")
        except SystemExit:  # its message is on the terminal
            yield f"{main}: cannot be made again"
            return
        for path in made.values():
            if path.suffix == ".parquet" and (
                fault := _difference(main.with_name(path.name), path)
            ):
                yield fault


def _difference(there: Path, made: Path) -> str | None:
    """How the content of two tables differs."""
    if content(there) == content(made):
        return None
    one, other = (pq.read_table(path).to_pandas() for path in (there, made))
    if len(one) != len(other):
        return f"{there}: has {len(one)} rows, and {len(other)} follow from its inputs"
    for name in other:
        try:
            assert_series_equal(one[name], other[name], check_dtype=False, rtol=_ROUNDING)
        except (AssertionError, KeyError):
            return f"{there}: its column '{name}' does not follow from its inputs"
    return None


class _Named(list[str]):
    """Values with names, "" = none, as Snakemake hands them to scripts."""

    def __init__(self, named: Mapping[str, Any]) -> None:
        several = (value if isinstance(value, list) else [value] for value in named.values())
        super().__init__(one for values in several for one in values)
        self.named = {name: value for name, value in named.items() if name}

    def __getattr__(self, name: str) -> Any:
        try:
            return self.named[name]
        except KeyError:
            raise AttributeError(name) from None

    def __getitem__(self, key: Any) -> Any:
        return self.named[key] if isinstance(key, str) else super().__getitem__(key)

    def get(self, name: str, default: Any = None) -> Any:
        return self.named.get(name, default)

    def items(self) -> Any:
        return self.named.items()
