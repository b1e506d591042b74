"""Snakemake that leaves a placeholder with the right record for each result that it would make.

Run in a project's folder, with Snakemake's arguments.
"""

import sys
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
from snakemake.cli import main
from snakemake.dag import DAG

from spcl.provenance.inputs import running_job
from spcl.provenance.record import recording, write_folder_record
from spcl.provenance.triggers import planned
from spcl.tables import parquet
from spcl.tables.parquet import Column, Schema

PLACEHOLDER = Schema("placeholder", (Column("made", pa.string(), "the file"),), key=())


async def leave_all(dag):
    """Leave the results of all jobs, each after those that it reads, as Snakemake would note it."""
    rules = dag.workflow.spcl_rules
    jobs = {own.outputs[0]: (job, own) for job, own in planned(dag, rules).items()}
    left = set()

    async def leave(job, own):
        if own.outputs[0] in left:
            return
        left.add(own.outputs[0])
        for above in own.upstream.values():
            await leave(*jobs[above.outputs[0]])
        parts = {name: getattr(job, name) for name in ("wildcards", "params", "input", "output")}
        with recording(running_job(rules[job.rule.name], SimpleNamespace(**parts))):
            for path in reversed(own.outputs):
                leave_one(Path(path))
        await dag.workflow.persistence.finished(job)

    for job, own in jobs.values():
        await leave(job, own)


def leave_one(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        parquet.write(pa.table({"made": [str(path)]}), path, PLACEHOLDER)
    elif path.suffix:
        path.write_text(f"{path}\n")
    else:
        path.mkdir(exist_ok=True)
        write_folder_record(path)


ask_each_job = DAG.update_needrun


async def update_needrun(dag, *arguments, **options):
    await leave_all(dag)
    await ask_each_job(dag, *arguments, **options)


DAG.update_needrun = update_needrun
main(sys.argv[1:])
