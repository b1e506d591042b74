"""Snakemake for many runs: imported once and forked for each, for the import is half the work.

Each line of standard input asks for a run, in JSON; a line of standard output answers with its
process id. The run leads a process group, and its exit status is written to a file when it ends.
With the argument ``jobs`` scripts of rules are forks too, of a process that has what they import.
"""

import gc
import json
import os
import runpy
import signal
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from snakemake.benchmark import benchmarked
from snakemake.cli import get_argument_parser, main
from snakemake.exceptions import WorkflowError
from snakemake.script import PythonScript

OF_SNAKEMAKE = ("jsonschema", "smart_open", "snakemake.storage")
"""What Snakemake imports only when it runs."""
OF_JOBS = (
    "av",
    "cv2",
    "matplotlib.pyplot",
    "opensmile",
    "pandas",
    "pyarrow.compute",
    "pyarrow.parquet",
    "scipy.signal",
    "scipy.stats",
    "sklearn.linear_model",
    "sklearn.pipeline",
    "torch._dynamo",
    "transformers.models.bert.modeling_bert",
)
"""What the scripts of the rules import, where it is installed."""


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


def as_new():
    """Have no files of Snakemake open, its lock among them, and none of its signal handlers."""
    gc.freeze()  # or what Snakemake opened would be closed again
    os.closerange(3, 1024)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def execute_script(script, path, edit=False):
    """Run a rule's script in a fork, in place of a new interpreter."""
    child = os.fork()
    if child == 0:
        as_new()
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


jobs = "jobs" in sys.argv
for name in (*OF_SNAKEMAKE, *(OF_JOBS if jobs else ())):
    with suppress(ImportError):
        import_module(name)
if jobs:
    PythonScript.execute_script = execute_script
get_argument_parser()  # finds the plug-ins, once
gc.freeze()  # so that no fork walks through all of this


def keep(folder, status, **rest):
    """Start a run, say its process id, and write down its exit status."""
    child = os.fork()
    if child == 0:
        os.setsid()
        become(folder=folder, **rest)
        sys.exit(main())
    print(child, flush=True)
    _, how = os.waitpid(child, 0)
    ended = Path(status)
    ended.with_suffix(".partial").write_text(str(os.waitstatus_to_exitcode(how)))
    ended.with_suffix(".partial").replace(ended)


for line in sys.stdin:
    if os.fork() == 0:
        keep(**json.loads(line))
        os._exit(0)
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
