"""``python -m spcl compare A B``: compares two runs, with tests of the differences."""

import argparse
import shutil
from pathlib import Path

SUMMARY = "compare two runs, or a run with published scores"
DESCRIPTION = """\
Compare two runs cell by cell, for example of two configs, versions or machines. A and B are folders
with the results of a run. Or compare A with published scores: B is the word published (scores from
the papers of the baselines, which are part of spcl) or a CSV file with the columns dataset,
baseline, modalities, curriculum, weighted_f1, protocol and source. See docs/comparing.md."""

_PUBLISHED = "published"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", type=Path, metavar="A", help="the results folder of a run")
    parser.add_argument(
        "second", metavar="B", help="another results folder, 'published', or a CSV file"
    )
    parser.add_argument("--grid", metavar="NAME", help="the grid, if a folder contains several")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="also write the tables (Parquet, Markdown, LaTeX, HTML) and a figure of the"
        " differences into FOLDER",
    )


def run(options: argparse.Namespace) -> None:
    from spcl.comparison import figure, terminal
    from spcl.comparison.run import find_run
    from spcl.errors import printable
    from spcl.report.table import ResultTable

    first = find_run(options.first, options.grid)
    width = shutil.get_terminal_size().columns
    tables: list[ResultTable]
    if options.second == _PUBLISHED or options.second.lower().endswith(".csv"):
        from spcl.comparison.published import SHIPPED, read_published
        from spcl.comparison.published_table import published_table

        path = SHIPPED if options.second == _PUBLISHED else Path(options.second)
        tables = [published_table(first, options.second, read_published(path))]
        axis = "Run minus published"
        names = f"Run: {first.name}; the interval is of its score alone."
    else:
        from spcl.comparison.provenance import provenance_table
        from spcl.comparison.runs_table import runs_table

        second = find_run(Path(options.second), options.grid)
        tables = [runs_table(first, second), provenance_table(first, second)]
        axis = "B minus A"
        names = f"A: {first.name}. B: {second.name}."
    print("\n".join(terminal.show(tables[0], width, color=terminal.has_color())))
    for table in tables[1:]:
        print()
        print("\n".join(terminal.show_pairs(table, width)))
    if options.out:
        for table in tables:
            stem = options.out / table.name
            table.write(
                parquet=stem.with_suffix(".parquet"),
                md=stem.with_suffix(".md"),
                tex=stem.with_suffix(".tex"),
                html=stem.with_suffix(".html"),
            )
        figure.plot(tables[0], options.out, axis=axis, names=names)
        print(f"\nwritten into {printable(str(options.out))}")
