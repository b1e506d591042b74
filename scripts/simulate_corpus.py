"""Write a simulated corpus in the raw layout of a real one."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from spcl.data.simulator import simulate
from spcl.jobs.job import job
from spcl.provenance.record import write_folder_record

snakemake: Snakemake

with job(snakemake.log[0], snakemake, rule="simulate_corpus"):
    simulate(snakemake.params.layout, Path(snakemake.output[0]), **snakemake.params.simulate)
    write_folder_record(snakemake.output[0])
