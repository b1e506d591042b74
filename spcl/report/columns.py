"""Columns that several result tables share."""

import pyarrow as pa

from spcl.tables.parquet import Column

TEXT, REAL, COUNT, FLAG = pa.string(), pa.float64(), pa.int32(), pa.bool_()

DATASET = Column("dataset", TEXT, "the corpus' name in the config")
BASELINE = Column("baseline", TEXT, "the model")
MODALITIES = Column("modalities", TEXT, "atv, at, tv, av, a, t or v")
CURRICULUM = Column("curriculum", TEXT, "none, spcl or a rival")
CELL = (DATASET, BASELINE, MODALITIES, CURRICULUM)
N_SEEDS = Column("n_seeds", COUNT, "seeds of the cell")
N_PAIRED_SEEDS = Column("n_paired_seeds", COUNT, "seeds that the cell shares with none")
N_DIALOGUES = Column("n_dialogues", COUNT, "labelled test dialogues; 0 = predictions are missing")
N_UTTERANCES = Column("n_utterances", COUNT, "labelled test utterances")
SIMULATED = Column("simulated", FLAG, "the corpus is simulated")
CAUTIONS = (
    Column("n_diverged", COUNT, "seeds whose training diverged"),
    Column("n_never_full", COUNT, "seeds that never admitted all training utterances"),
    Column("protocol", TEXT, "the split protocol"),
    SIMULATED,
)
"""What a score has to be read with; `spcl.report.footnotes.cautions` fills these columns."""


def mean(name: str, meaning: str, *, nullable: bool = False) -> tuple[Column, ...]:
    """Columns of a mean over seeds, and of its standard deviation."""
    return (
        Column(name, REAL, f"{meaning}, mean over seeds", nullable),
        Column(f"{name}_sd", REAL, f"standard deviation of {name} over seeds", True),
    )


def bounds(low: str = "low", high: str = "high") -> tuple[Column, ...]:
    """Columns of the two ends of an interval."""
    return (
        Column(low, REAL, "lower end of the 95 % interval over dialogues and seeds, points", True),
        Column(high, REAL, "upper end of the 95 % interval, points", True),
    )


def estimate(name: str, meaning: str, *, nullable: bool = False) -> tuple[Column, ...]:
    """Columns of a mean over seeds in points, its standard deviation, and its interval.

    `spcl.report.analysis.scores.Gain.columns` fills them for a paired difference.
    """
    ends = bounds(f"{name}_low", f"{name}_high")
    return (*mean(name, f"{meaning}, points", nullable=nullable), *ends)


def p_values(tested: str) -> tuple[Column, ...]:
    """Columns of a test of the difference `tested`."""
    return (
        Column("test", TEXT, f"of {tested}: wilcoxon or permutation; null = no test", True),
        Column("p", REAL, f"of {tested}, two-sided", True),
        Column("p_holm", REAL, "Holm-corrected over all tests of the table", True),
    )
