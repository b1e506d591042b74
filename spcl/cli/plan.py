"""``python -m spcl plan RESULTS``: how many seeds a gain needs."""

import argparse
import math
import shutil
from pathlib import Path

SUMMARY = "plan the number of seeds from the variance of finished cells"
DESCRIPTION = """\
Estimate from finished cells, such as a pilot of three seeds, the power to show a gain of each
curriculum over none with 3, 5, 10, 20 and 40 seeds, and the smallest gain that the finished cells
show with a power of 80 %. The numbers are those of the result table power. Nothing is trained or
changed. See docs/results.md."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "results",
        type=Path,
        nargs="?",
        default=Path("results"),
        metavar="RESULTS",
        help="the folder of results (default: results)",
    )
    parser.add_argument(
        "--effect",
        type=_points,
        default=1.0,
        metavar="POINTS",
        help="the true gain in points of weighted F1 (default: 1.0)",
    )
    parser.add_argument("--grid", metavar="NAME", help="the grid, if the folder contains several")


def run(options: argparse.Namespace) -> None:
    from spcl.comparison import terminal
    from spcl.comparison.run import find_run
    from spcl.errors import UserError
    from spcl.report.tables import tabulate

    if options.results.is_file():
        raise UserError(f"{options.results}: is a file; name the results folder of a run")
    found = find_run(options.results, options.grid)
    table = tabulate("power", found.results, effect=options.effect)
    width = shutil.get_terminal_size().columns
    print("\n".join(terminal.show(table, width, color=terminal.has_color())))


def _points(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not 0 < value <= 100:  # also NaN
        raise argparse.ArgumentTypeError(
            f"'{word}' is not a number of points above 0 and up to 100"
        )
    return value
