"""Has Snakemake make again what no longer fits, and nothing else.

Its own triggers ask records in ``.snakemake`` and time stamps. The first get lost when results are
copied, and the second lie when a file is replaced by an older one, or copied, or when a clock is
wrong. Snakemake offers no hook for another decision, so functions of it are replaced here.
Imported by the Snakefile.
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
from spcl.provenance.code import keep_digests
from spcl.provenance.corpora import absent
from spcl.provenance.inputs import tables
from spcl.provenance.plan import Plan, PlannedJob
from spcl.provenance.record import CORPUS, Recipe

_LEFT_OUT = "SPCL_LEFT_OUT"
"""The environment variable with the cells that are left out: jobs on other nodes keep to it."""


def left_out_unfinished() -> list[str]:
    """The addresses of the cells that `judge_by_records` has left out."""
    addresses: list[str] = json.loads(os.environ.get(_LEFT_OUT, "[]"))
    return addresses


def judge_by_records(
    workflow: Any, rules: Mapping[str, str], say: Callable[[str], None], *, leave_out: bool
) -> None:
    """Let `workflow` make again what `Plan` finds a reason for.

    Parameters
    ----------
    workflow
        The present ``snakemake.workflow.Workflow``.
    rules
        By name of a rule in `workflow`, its name in ours. Other rules are left to Snakemake.
    say
        Gets a line for each reason.
    leave_out
        Begin again without the cells that are not there or no longer fit, rather than train them.
    """
    ask_each_job = DAG.update_needrun

    async def update_needrun(dag: Any, *arguments: Any, **options: Any) -> None:
        if dag.workflow is workflow:
            _silence(dag.workflow.persistence, rules)
            for reason, outputs in _reasons(dag, rules).items():
                dag.forcefiles.update(outputs)
                more = f" and {len(outputs) - 1} more" if len(outputs) > 1 else ""
                say(f"{outputs[0]}{more}: made again: {reason}")
        await ask_each_job(dag, *arguments, **options)
        _refuse_absent_corpora(dag, rules)
        for job in _ours(dag, rules):  # Snakemake's records are not needed
            dag.reason(job).no_metadata = dag.reason(job).outdated_metadata = False
        if leave_out and dag.workflow is workflow:
            _begin_without_unfinished(dag, rules, say)

    DAG.update_needrun = update_needrun


def _refuse_absent_corpora(dag: Any, rules: Mapping[str, str]) -> None:
    """Refuse to begin where a job has to read a corpus again that is no longer there."""
    for job in dag.needrun_jobs():
        if job.rule.name in rules and job.params.get("reads") and not job.input.get(CORPUS):
            said = absent(job.params.get("path"), job.wildcards.dataset)
            raise WorkflowError(UserError(said))  # which Snakemake shows without a traceback


def _begin_without_unfinished(
    dag: Any, rules: Mapping[str, str], say: Callable[[str], None]
) -> None:
    """Start this Snakemake anew without the cells that it would train."""
    trainings = (job for job in dag.needrun_jobs() if rules.get(job.rule.name) == "train_cell")
    cells = ("/".join(dict(job.wildcards.items()).values()) for job in trainings)
    before = left_out_unfinished()
    if new := sorted(set(cells) - set(before)):
        for cell in new:
            say(f"{cell}: left out, for it is not there or no longer fits")
        os.environ[_LEFT_OUT] = json.dumps(before + new)
        os.execv(sys.executable, [sys.executable, "-m", "snakemake", *sys.argv[1:]])


def ignore_time_stamps(rules: Mapping[str, str]) -> None:
    """Let no output of `rules` be older than its inputs or script, or too old to be kept."""
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
    """Call `step` before the first job, also where `workflow` uses ours as a module.

    Snakemake ignores the ``onstart`` of a module.
    """
    ask_each_job = DAG.update_needrun

    async def update_needrun(dag: Any, *arguments: Any, **options: Any) -> None:
        await ask_each_job(dag, *arguments, **options)
        if dag.workflow is workflow and not pending:
            pending.append(workflow._onstart)
            workflow._onstart = start

    def start(log: Any) -> None:
        step()
        pending[0](log)

    pending: list[Any] = []
    DAG.update_needrun = update_needrun


def _silence(persistence: Any, rules: Mapping[str, str]) -> None:
    """Let Snakemake find no change of `rules` in its own records."""
    for name in ("params_changed", "input_changed", "code_changed"):
        ask = getattr(type(persistence), name)

        def changed(job: Any, file: Any = None, ask: Any = ask) -> Any:
            ours = job is not None and job.rule.name in rules
            return () if ours else ask(persistence, job, file=file)

        setattr(persistence, name, changed)


def _ours(dag: Any, rules: Mapping[str, str]) -> Iterator[Any]:
    """The jobs of `rules`."""
    return (job for job in dag.jobs if job.rule.name in rules)


def _reasons(dag: Any, rules: Mapping[str, str]) -> dict[str, list[str]]:
    """By reason, the main results that are to be made again."""
    plan = Plan()
    found: dict[str, list[str]] = {}
    for job in planned(dag, rules).values():
        if reason := plan.reason(job):
            found.setdefault(reason, []).append(job.outputs[0])
    plan.save()
    keep_digests()
    return found


def planned(dag: Any, rules: Mapping[str, str]) -> dict[Any, PlannedJob]:
    """The jobs of Snakemake's graph that leave results, by Snakemake's job."""
    own = {
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
    by_output = {job.outputs[0]: job for job in own.values()}
    for job in own.values():
        job.upstream = {name: by_output[name] for name in job.tables if name in by_output}
        if job.corpus in by_output:
            job.upstream[CORPUS] = by_output[job.corpus]
    return own
