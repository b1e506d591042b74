"""``python -m spcl extract``: features of files or texts, without a corpus."""

import argparse
import os
from pathlib import Path

SUMMARY = "extract features of files or texts, without a corpus"
DESCRIPTION = """\
Extract the features of media files, of all media files in folders, or of the lines of text files
(.txt), with any extractor of `python -m spcl extractors`. A .txt file given to an audio or visual
extractor is a list of paths. A path may end in a media fragment such as #t=1.5,3. The output has a
row for each item: name, observed, reason and features. An interrupted command resumes when it is
given again."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("extractor", metavar="EXTRACTOR", help="its name, for example egemaps")
    parser.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="a file or folder")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FILE.parquet", help="what to write"
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the extractor, as in the config; repeat it for several",
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=len(os.sched_getaffinity(0)),
        metavar="N",
        help="threads that decode and compute (default: %(default)s, the cores of this process)",
    )


def run(options: argparse.Namespace) -> None:
    from collections import Counter

    from spcl.errors import UserError, printable
    from spcl.extract import build, names
    from spcl.extract.files import extract_files, items
    from spcl.tables.schemas import MODALITIES

    modality = next((m for m in MODALITIES if options.extractor in names(m)), None)
    if modality is None:
        raise UserError(
            f"there is no extractor '{options.extractor}'; python -m spcl extractors lists them"
        )
    if options.output.suffix != ".parquet":
        raise UserError(f"--output {options.output}: write a name that ends in .parquet")
    if options.threads < 1:
        raise UserError(f"--threads {options.threads}: write 1 or more")
    try:
        extractor = build(modality, options.extractor, dict(map(_option, options.option)))
    except UserError as error:  # it names the keys of a config
        words = str(error).replace(f"features.{modality}.options.", "--option ")
        raise UserError(words.replace(f"features.{modality}.", "")) from error
    table = extract_files(
        extractor, items(options.paths, modality), options.output, threads=options.threads
    )
    kinds = Counter(
        kind
        for kind, observed in zip(
            table["kind"].to_pylist(), table["observed"].to_pylist(), strict=True
        )
        if not observed
    )
    n = table.num_rows - kinds.total()
    reasons = "".join(f", {count} {kind}" for kind, count in kinds.most_common())
    print(printable(f"{options.output}: {n} of {table.num_rows} items have features{reasons}"))


def _option(text: str) -> tuple[str, object]:
    """A name and a value in YAML."""
    import yaml

    from spcl.errors import UserError

    name, sign, value = text.partition("=")
    try:
        return name, yaml.safe_load(value) if sign else None
    except yaml.YAMLError as error:
        raise UserError(f"--option {text}: not a value in YAML; write {name}=VALUE") from error
