"""Runs the scripts of rules again, and compares their tables with the existing ones."""

import runpy
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
from pandas.testing import assert_series_equal

from spcl.provenance.footer import content_digest
from spcl.provenance.record import Record
from spcl.study.shipped import SHIPPED
from spcl.training.cell_tables import KINDS, CellTables
from spcl.training.rescoring import contradictions
from spcl.verification.files import Results

QUICK = (
    *("score_conversations", "gather_cells", "gather_tuning", "pool_folds", "pool_probes"),
    *("tabulate", "plot"),
)
"""Rules whose jobs take seconds; their scripts have the same names."""

_ROUNDING = 1e-6
"""Relative tolerance: another machine may sum in another order."""


def faults(results: Results) -> Iterator[str]:
    """Tables that do not follow from their inputs, if these exist."""
    for path, record, outputs in results.jobs():
        if not results.are_intact(map(path.with_name, outputs.values())):
            continue
        if record.recipe.rule == "train_cell":
            paths = {kind: path.with_name(f"{kind}.parquet") for kind in KINDS}
            yield from (f"{path}: {found}" for found in contradictions(CellTables.read(paths)))
            results.checked["cells scored again"] += 1
        elif record.recipe.rule in QUICK:
            complete = results.are_intact(map(results.path, record.inputs))
            if complete:
                yield from _rerun(path, record, outputs, results)
            results.checked["jobs run again" if complete else "jobs without their inputs"] += 1


def _rerun(
    main: Path, record: Record, outputs: Mapping[str, str], results: Results
) -> Iterator[str]:
    """Run the script of a job again; yield a line for each table that differs."""
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
        except SystemExit:  # the script has printed its error
            yield f"{main}: its job failed when it was run again"
            return
        for path in made.values():
            if path.suffix == ".parquet" and (
                fault := _difference(main.with_name(path.name), path)
            ):
                yield fault


def _difference(existing: Path, made: Path) -> str | None:
    """How the content of two tables differs; None if it does not."""
    if content_digest(existing) == content_digest(made):
        return None
    one, other = (pq.read_table(path).to_pandas() for path in (existing, made))
    if len(one) != len(other):
        return f"{existing}: expected {len(other)} rows from its inputs, found {len(one)}"
    for name in other:
        try:
            assert_series_equal(one[name], other[name], check_dtype=False, rtol=_ROUNDING)
        except (AssertionError, KeyError):
            return f"{existing}: its column '{name}' does not follow from its inputs"
    return None


class _Named(list[str]):
    """Values with names ("" = none), like the inputs or parameters of a Snakemake script."""

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
