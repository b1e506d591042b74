"""Write the card of the models of one cell."""

from snakemake.iocontainers import Snakemake

from spcl.jobs.job import job
from spcl.models.saved import read_facts
from spcl.report.analysis.results import Results
from spcl.report.card import card

snakemake: Snakemake

with job(snakemake.log[0], snakemake, rule="write_card"):
    paths = {kind: given for kind, given in snakemake.input.items() if kind != "models"}
    results = Results(**{kind: [path] for kind, path in paths.items()})
    facts = [read_facts(path) for path in snakemake.input.models]
    card(results, facts).write(**dict(snakemake.output.items()))
