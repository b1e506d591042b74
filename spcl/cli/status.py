"""``python -m spcl status``: how far is the grid, and what failed?"""

import argparse
import shutil
from pathlib import Path

SUMMARY = "say what of a grid is done, runs, was cut off or failed, and why"
_DEFAULT = [Path("config/config.yaml")]
DESCRIPTION = """\
Say of each stage of a config's grid what is done, running, interrupted, failed (with the reason and
the log) and still to do, and about how long the cells that are left may take. To be called in the
folder where Snakemake runs, also while it does; nothing is changed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--configfile",
        nargs="+",
        type=Path,
        metavar="FILE",
        default=_DEFAULT,
        help="as Snakemake takes it (default: config/config.yaml)",
    )
    parser.add_argument("--all", action="store_true", help="list every cell and every fault")


def run(options: argparse.Namespace) -> None:
    from spcl.report.formats.terminal import paragraph
    from spcl.status.jobs import jobs
    from spcl.status.state import standings
    from spcl.status.text import describe
    from spcl.study.config_files import read_config

    width = shutil.get_terminal_size().columns
    config = read_config(options.configfile)
    for line in describe(config["name"], standings(jobs(config)), width, every=options.all):
        print(line)
    files = "" if options.configfile == _DEFAULT else " ".join(map(str, options.configfile))
    plan = f"snakemake -n --configfile {files}" if files else "snakemake -n"
    told = "tells what would be made anew because an input, a setting or code has changed."
    print("\n".join(paragraph(f"{plan} {told}", width)))
