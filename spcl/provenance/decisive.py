"""Which code decides numbers: that of these packages, but for the modules named as plumbing.

`spcl.provenance.code` hashes it. A test follows all imports and finds each module here.
Imported by the Snakefile, so it uses the standard library alone.
"""

from functools import cache

DECISIVE = (
    "spcl.curriculum",
    "spcl.data",
    "spcl.difficulty",
    "spcl.extract",
    "spcl.jobs.benchmarks",
    "spcl.models",
    "spcl.report",
    "spcl.tables.arrays",
    "spcl.training",
)
"""Packages and modules whose code decides what stands in a table."""

PLUMBING = {
    "spcl.errors": "messages; where there is one, there is no result",
    "spcl.jobs.device": "chooses the processor; `training_digest` of the metrics names it",
    "spcl.jobs.duration": "words for lengths of time in messages",
    "spcl.jobs.job": "logs and exit status of a job",
    "spcl.provenance": "records what results are made of",
    "spcl.study.extensions": "finds the module of a baseline or curriculum; that module is hashed",
    "spcl.study.grid": "addresses of cells; their settings stand in the record of each",
    "spcl.tables.parquet": "writes and reads tables as they are, and refuses other content",
    "spcl.tables.schemas": "columns are checked, never converted; other code fills them",
    "spcl.training.checkpoints": "keeps what was trained, and gives it back as it was",
    "spcl.training.contract": "checks a baseline or curriculum before it trains; passes it or ends",
    "spcl.training.interruption": "ends a training between two steps",
}
"""Modules and packages that decisive code imports, each with the reason why it decides nothing."""


@cache
def plumbing(module: str) -> bool:
    """Whether `module` or a package around it is named as plumbing."""
    return any(f"{module}.".startswith(f"{name}.") for name in PLUMBING)
