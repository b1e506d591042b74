"""Snakemake for many plans: imported once and forked for each, for the import is half the work.

Each line of standard input asks, in JSON; a line of standard output answers with the exit status.
"""

import json
import os
import sys

from snakemake.cli import main


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


for line in sys.stdin:
    child = os.fork()
    if child == 0:
        become(**json.loads(line))
        sys.exit(main())
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
