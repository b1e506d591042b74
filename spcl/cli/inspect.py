"""``python -m spcl inspect PATH``: describes a corpus or file, and the config lines for it."""

import argparse
import shutil
from pathlib import Path

SUMMARY = "describe a corpus, a feature file or a result table"
DESCRIPTION = """\
Describe PATH: its format, its counts next to the published ones, feature widths, problems, and the
config lines to paste. PATH may be a raw MELD or IEMOCAP folder, a publicly circulated pickle or
JSON file, your corpus (docs/your-own-data.md), a folder above or inside one of these, an array of
features, or a Parquet file of results/."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, metavar="PATH", help="a file or folder")
    parser.add_argument(
        "--labels",
        type=lambda words: tuple(word.strip() for word in words.split(",")),
        metavar="A,B,C",
        help="the names of classes 0, 1, 2, if the files contain only numbers",
    )
    parser.add_argument(
        "--classes",
        type=int,
        choices=(7, 3, 2),
        help="the number of classes, if the labels are sentiment scores",
    )
    parser.add_argument(
        "--problems",
        action="store_true",
        help="count the problems of each kind and list all",
    )
    parser.add_argument(
        "--plots",
        type=Path,
        nargs="?",
        const=Path("inspection"),
        metavar="FOLDER",
        help="also draw dialogue lengths, classes and emotion shifts, as SVG and PNG,"
        " into FOLDER (default: inspection)",
    )


def run(options: argparse.Namespace) -> None:
    from spcl.errors import printable
    from spcl.inspection import paste, single, text
    from spcl.inspection.find import find
    from spcl.report.formats.terminal import paragraph

    width = shutil.get_terminal_size().columns
    if single.is_one(options.path):
        print("\n".join(single.describe(options.path, width)))
        return
    found = find(options.path, options.labels, options.classes)
    if options.problems:
        print("\n".join(text.all_problems(found, width)))
        return
    lines, faults = paste.config_lines(found, options.labels or ())
    print("\n".join(text.describe(found, width)))
    for fault in faults:
        print("\n".join(paragraph(f"Fix this first: {fault}", width)))
    print("Paste into a config:\n")
    print("\n".join(lines))
    if options.plots:
        from spcl.inspection.figures import plot

        print()
        for path in plot(found, options.plots):
            print(printable(f"drawn: {path}"))
