"""Replaces Snakemake's rerun triggers: a job is rerun if its result is outdated.

Snakemake decides by records in ``.snakemake`` and by time stamps. The records are lost when results
are copied. Time stamps mislead when a file is replaced by an older one or copied, or when a clock
is wrong. Snakemake has no hook for another decision, so this module replaces some of its functions.

The Snakefile imports this module.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from snakemake.dag import DAG
from snakemake.exceptions import WorkflowError
from snakemake.jobs import Job

from spcl.errors import UserError
from spcl.provenance.code import save_digests
from spcl.provenance.corpora import absent
from spcl.provenance.inputs import tables
from spcl.provenance.plan import Plan, PlannedJob
from spcl.provenance.record import CORPUS, Recipe

_LEFT_OUT = "SPCL_LEFT_OUT"
"""The environment variable that lists the cells that are left out, also for jobs on other nodes."""


def left_out_unfinished() -> list[str]:
    """The addresses of the cells that `judge_by_records` has left out."""
    addresses: list[str] = json.loads(os.environ.get(_LEFT_OUT, "[]"))
    return addresses


def judge_by_records(
    workflow: Any, rules: Mapping[str, str], say: Callable[[str], None], *, leave_out: bool
) -> None:
    """Make `workflow` rerun the jobs for which `Plan` finds a reason.

    Parameters
    ----------
    workflow
        The present ``snakemake.workflow.Workflow``.
    rules
        By the name of a rule in `workflow`, its name in this one. Snakemake decides on other rules.
    say
        Called with a line for each reason.
    leave_out
        Restart without the cells that do not exist or are outdated, instead of training them.
    """
    original = DAG.update_needrun

    async def update_needrun(dag: Any, *arguments: Any, **options: Any) -> None:
        if dag.workflow is workflow:
            _silence(dag.workflow.persistence, rules)
            for reason, outputs in _reasons(dag, rules).items():
                dag.forcefiles.update(outputs)
                more = f" and {len(outputs) - 1} more" if len(outputs) > 1 else ""
                say(f"{outputs[0]}{more}: rerun because {reason}")
        await original(dag, *arguments, **options)
        _refuse_absent_corpora(dag, rules)
        for job in _ours(dag, rules):  # without a warning that Snakemake's own records are missing
            dag.reason(job).no_metadata = dag.reason(job).outdated_metadata = False
        if leave_out and dag.workflow is workflow:
            _restart_without_unfinished(dag, rules, say)

    DAG.update_needrun = update_needrun


def _refuse_absent_corpora(dag: Any, rules: Mapping[str, str]) -> None:
    """Raise an error if a job has to read a corpus again that no longer exists."""
    for job in dag.needrun_jobs():
        if job.rule.name in rules and job.params.get("reads") and not job.input.get(CORPUS):
            message = absent(job.params.get("path"), job.wildcards.dataset)
            raise WorkflowError(UserError(message))  # which Snakemake shows without a traceback


def _restart_without_unfinished(
    dag: Any, rules: Mapping[str, str], say: Callable[[str], None]
) -> None:
    """Restart Snakemake without the cells that it would train."""
    trainings = (job for job in dag.needrun_jobs() if rules.get(job.rule.name) == "train_cell")
    cells = ("/".join(dict(job.wildcards.items()).values()) for job in trainings)
    before = left_out_unfinished()
    if new := sorted(set(cells) - set(before)):
        for cell in new:
            say(f"{cell}: left out because it is not finished or outdated")
        os.environ[_LEFT_OUT] = json.dumps(before + new)
        os.execv(sys.executable, [sys.executable, "-m", "snakemake", *sys.argv[1:]])


def ignore_time_stamps(rules: Mapping[str, str]) -> None:
    """Make Snakemake ignore the time stamps of outputs of `rules`, before and after a job."""
    mintime, check, older = (
        Job.output_mintime,
        DAG.check_output_mtime,
        Job.outputs_older_than_script_or_notebook,
    )

    async def output_mintime(job: Any) -> Any:
        return None if job.rule.name in rules else await mintime.fget(job)

    async def check_output_mtime(dag: Any, job: Any, files: Any) -> None:
        if job.rule.name not in rules:
            await check(dag, job, files)

    async def outputs_older_than_script_or_notebook(job: Any) -> Any:
        if job.rule.name not in rules:
            async for output in older(job):
                yield output

    Job.output_mintime = property(output_mintime)
    Job.outputs_older_than_script_or_notebook = outputs_older_than_script_or_notebook
    DAG.check_output_mtime = check_output_mtime


def start_with(workflow: Any, step: Callable[[], None]) -> None:
    """Call `step` before the first job, also if `workflow` uses this one as a module.

    Snakemake ignores the ``onstart`` of a module.
    """
    original = DAG.update_needrun

    async def update_needrun(dag: Any, *arguments: Any, **options: Any) -> None:
        await original(dag, *arguments, **options)
        if dag.workflow is workflow and not onstart:
            onstart.append(workflow._onstart)
            workflow._onstart = start

    def start(log: Any) -> None:
        step()
        onstart[0](log)

    onstart: list[Any] = []
    DAG.update_needrun = update_needrun


def _silence(persistence: Any, rules: Mapping[str, str]) -> None:
    """Make Snakemake find no change of `rules` in its own records."""
    for name in ("params_changed", "input_changed", "code_changed"):
        original = getattr(type(persistence), name)

        def changed(job: Any, file: Any = None, original: Any = original) -> Any:
            ours = job is not None and job.rule.name in rules
            return () if ours else original(persistence, job, file=file)

        setattr(persistence, name, changed)


def _ours(dag: Any, rules: Mapping[str, str]) -> Iterator[Any]:
    """The jobs of `rules`."""
    return (job for job in dag.jobs if job.rule.name in rules)


def _reasons(dag: Any, rules: Mapping[str, str]) -> dict[str, list[str]]:
    """The main results to rerun, by reason."""
    plan = Plan()
    found: dict[str, list[str]] = {}
    for job in planned(dag, rules).values():
        if reason := plan.reason(job):
            found.setdefault(reason, []).append(job.outputs[0])
    plan.save()
    save_digests()
    return found


def planned(dag: Any, rules: Mapping[str, str]) -> dict[Any, PlannedJob]:
    """The jobs of `rules` in Snakemake's graph that have outputs, by Snakemake's job."""
    jobs = {
        job: PlannedJob(
            Recipe.of(rules[job.rule.name], job.wildcards.items(), job.params.items()),
            tuple(map(str, job.output)),
            tuple(tables(job.input)),
            job.params.get("path"),
            job.params.get("reads", "nothing"),
        )
        for job in _ours(dag, rules)
        if job.output
    }
    by_output = {job.outputs[0]: job for job in jobs.values()}
    for job in jobs.values():
        job.upstream = {name: by_output[name] for name in job.tables if name in by_output}
        if job.corpus in by_output:
            job.upstream[CORPUS] = by_output[job.corpus]
    return jobs
