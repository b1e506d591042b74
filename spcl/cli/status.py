"""``python -m spcl status``: shows the progress of a grid, and what failed."""

import argparse
import shutil
from pathlib import Path

SUMMARY = "show which jobs of a grid are done, running, interrupted or failed, and why"
_DEFAULT = [Path("config/config.yaml")]
DESCRIPTION = """\
Show for each stage of a config's grid how many jobs are done, running, interrupted, failed (with
the reason and the log) and to do, and estimate the remaining time of the cells. Run it in the
folder where Snakemake runs, also while it runs; it changes nothing."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--configfile",
        nargs="+",
        type=Path,
        metavar="FILE",
        default=_DEFAULT,
        help="the config files of the run (default: config/config.yaml)",
    )
    parser.add_argument("--all", action="store_true", help="list every cell and every failed job")


def run(options: argparse.Namespace) -> None:
    from spcl.report.formats.terminal import paragraph
    from spcl.status.jobs import jobs
    from spcl.status.state import read_status
    from spcl.status.text import describe
    from spcl.study.config_files import read_config

    width = shutil.get_terminal_size().columns
    config = read_config(options.configfile)
    for line in describe(config["name"], read_status(jobs(config)), width, every=options.all):
        print(line)
    plan = "snakemake -n"
    if options.configfile != _DEFAULT:
        # With `=` a target may follow; Snakemake would take it for one more config file.
        sign = "=" if len(options.configfile) == 1 else " "
        plan += f" --configfile{sign}{' '.join(map(str, options.configfile))}"
    shows = "shows which jobs would be rerun because an input, a setting or code has changed."
    print("\n".join(paragraph(f"{plan} {shows}", width)))
