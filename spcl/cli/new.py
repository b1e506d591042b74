"""``python -m spcl new FOLDER``: a study to start from, outside any clone."""

import argparse
from pathlib import Path

SUMMARY = "write a study to start from: config, Snakefile and README"
DESCRIPTION = """\
Write a new FOLDER with a config for the corpora at PATH, a Snakefile that uses the installed
workflow, profiles and a README. Each PATH is what `python -m spcl inspect PATH` accepts. Without
PATH the config is the smallest run on a simulated corpus."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the folder to create")
    parser.add_argument("corpora", type=Path, nargs="*", metavar="PATH", help="a corpus")


def run(options: argparse.Namespace) -> None:
    import yaml

    from spcl.errors import printable
    from spcl.inspection import paste
    from spcl.inspection.find import find
    from spcl.study.new import write_study

    corpora, faults = [], []
    for path in options.corpora:
        lines, found = paste.config_lines(find(path.resolve(), None))
        corpora.append(yaml.safe_load("\n".join(lines)))
        faults += [f"{path}: {fault}" for fault in found]
    write_study(options.folder, corpora)
    for fault in faults:
        print(printable(f"Fix this first: {fault}"))
    print(printable(f"Edit {options.folder}/config/config.yaml if needed, then run:"))
    print(printable(f"  cd {options.folder} && snakemake --cores 2"))
