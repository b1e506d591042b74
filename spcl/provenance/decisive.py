"""Which code decides numbers: these packages, except the modules that are listed as plumbing.

`spcl.provenance.code` computes the digest of the decisive code. A test follows all imports of the
scripts and checks that each module is listed here. The Snakefile imports this module.
"""

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
"""Packages and modules whose code decides the content of a table."""

PLUMBING = {
    "spcl.errors": "error messages; a job that raises one has no result",
    "spcl.jobs.device": "chooses the processor; `training_digest` of the metrics includes it",
    "spcl.jobs.duration": "durations in messages",
    "spcl.jobs.job": "logs and exit status of a job",
    "spcl.provenance": "records of results",
    "spcl.study.extensions": "finds the module of a baseline or curriculum; that module is hashed",
    "spcl.study.grid": "addresses of cells; the record of a cell contains its settings",
    "spcl.study.shipped": "the folder of the workflow",
    "spcl.study.tuning": "what a cell may try; the records of tunings contain it",
    "spcl.tables.parquet": "writes and reads tables unchanged, and refuses other content",
    "spcl.tables.schemas": "columns are checked, never converted; other code fills them",
    "spcl.training.checkpoints": "saves the state of a training and restores it unchanged",
    "spcl.training.contract": "checks a baseline or curriculum before it trains",
    "spcl.training.interruption": "ends a training between two steps",
}
"""Modules and packages that decisive code imports, each with the reason why it decides nothing."""


def is_plumbing(module: str) -> bool:
    """Whether `module` or a package that contains it is listed as plumbing."""
    parts = module.split(".")
    return any(".".join(parts[:end]) in PLUMBING for end in range(1, len(parts) + 1))
