"""``python -m spcl verify``: checks results against their records."""

import argparse
from pathlib import Path

SUMMARY = "check results against their records, and recompute scores and tables"
DESCRIPTION = """\
Read all results in a folder. Report every file that was changed after it was written or was made
from another version of its inputs, every score that does not follow from its predictions, and
every table that does not follow from its inputs. With a config, read all bytes of its raw corpora,
too. Nothing is trained or changed. The exit status is 1 if there is any fault."""


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
        action="append",
        type=Path,
        metavar="FILE",
        help="also compare with the raw corpora of this config (repeat it for several files)",
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
    counts = [f"{n} {what}" for what, n in results.checked.items()]
    counts += [] if datasets else ["raw corpora not read (name the config with --configfile)"]
    print(printable(f"{options.results}: {', '.join(counts)}"))
    if n_faults:
        raise UserError(
            f"{options.results}: {n_faults} faults; delete those files and run Snakemake again"
        )
    print("No faults")
