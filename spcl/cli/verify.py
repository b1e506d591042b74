"""``python -m spcl verify``: are these results what they say?"""

import argparse
from pathlib import Path

SUMMARY = "recompute what results say of themselves, and name what does not fit"
DESCRIPTION = """\
Read all results in a folder and name every file that was changed after it was written, or was made
of another version of what lies there now, every score that does not follow from its predictions,
and every table that does not follow from what it was made of. With a config its raw corpora are
read too, all bytes of them. Nothing is trained and nothing is changed; the exit status is 1 if
anything does not fit."""


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
        "--configfile",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="compare with the raw corpora of this config, too",
    )


def run(options: argparse.Namespace) -> None:
    from spcl.errors import UserError, printable
    from spcl.study.config_files import read_config
    from spcl.verification import verify
    from spcl.verification.files import Results

    datasets = read_config(options.configfile)["datasets"] if options.configfile else {}
    results, n_faults = Results(options.results), 0
    for fault in verify(results, {name: dataset["path"] for name, dataset in datasets.items()}):
        print(printable(fault), flush=True)
        n_faults += 1
    said = [f"{n} {what}" for what, n in results.checked.items()]
    said += [] if datasets else ["raw corpora not looked at (name the config: --configfile)"]
    print(printable(f"{options.results}: {', '.join(said)}"))
    if n_faults:
        raise UserError(
            f"{options.results}: {n_faults} things do not fit; delete those files and run Snakemake"
            " again"
        )
    print("Everything fits")
