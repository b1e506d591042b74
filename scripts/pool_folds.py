"""Pool the test predictions of all folds of a corpus, and score them."""

from snakemake.iocontainers import Snakemake

from spcl.jobs.job import job
from spcl.report.analysis.folds import pool_metrics, pool_predictions, pool_robustness
from spcl.tables import parquet
from spcl.tables.schemas import METRICS, PREDICTIONS, ROBUSTNESS

snakemake: Snakemake

with job(snakemake.log[0], snakemake, rule="pool_folds"):
    corpus = snakemake.wildcards.dataset
    folds = [parquet.read(path, PREDICTIONS) for path in snakemake.input.predictions]
    predictions = pool_predictions(folds, corpus)
    folds = [parquet.read(path, METRICS) for path in snakemake.input.metrics]
    parquet.write(predictions, snakemake.output.predictions, PREDICTIONS)
    parquet.write(pool_metrics(folds, predictions, corpus), snakemake.output.metrics, METRICS)
    folds = [parquet.read(path, ROBUSTNESS) for path in snakemake.input.robustness]
    robustness = pool_robustness(folds, predictions, corpus)
    parquet.write(robustness, snakemake.output.robustness, ROBUSTNESS)
