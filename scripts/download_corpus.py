"""Download a corpus and unpack it."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from spcl.data.download.fetch import download, file_name
from spcl.data.download.unpack import unpack
from spcl.jobs.job import job
from spcl.provenance.record import write_folder_record

snakemake: Snakemake

with job(snakemake.log[0], snakemake, rule="download_corpus"):
    # Outside the output folder, which Snakemake deletes before each attempt.
    folder = Path(snakemake.output[0])
    archive = folder.parent / ".download" / folder.name / file_name(snakemake.params.url)
    download(
        snakemake.params.url,
        archive,
        sha256=snakemake.params.sha256,
        size=snakemake.params.size,
        licence=snakemake.params.licence,
    )
    unpack(archive, folder)
    write_folder_record(snakemake.output[0])
