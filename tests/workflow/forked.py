"""Snakemake for many runs: imported once and forked for each, for the import is half the work.

Each line of standard input asks, in JSON; a line of standard output answers with the exit status.
With the argument ``jobs`` scripts of rules are forks too, of a process that has what they import.
"""

import json
import os
import runpy
import sys

from snakemake.benchmark import benchmarked
from snakemake.cli import main
from snakemake.exceptions import WorkflowError
from snakemake.script import PythonScript


def become(arguments, folder, environment, stdout, stderr):
    """Be as if Snakemake had been started there, with these variables and files for its output."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path[0] = folder
    sys.argv = ["snakemake", *arguments]
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, path in ((1, stdout), (2, stderr)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)


def execute_script(script, path, edit=False):
    """Run a rule's script in a fork, in place of a new interpreter."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            runpy.run_path(path, run_name="__main__")
            status = 0
        finally:
            sys.stderr.flush()
            os._exit(status)
    with benchmarked(child, script.bench_record):
        _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status):
        raise WorkflowError(f"{path} failed")


if "jobs" in sys.argv:
    import pandas  # noqa: F401
    import scipy.stats  # noqa: F401
    import sklearn.pipeline  # noqa: F401
    import torch  # noqa: F401

    PythonScript.execute_script = execute_script

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        become(**json.loads(line))
        sys.exit(main())
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
