"""``python -m spcl extractors``: lists the extractors of features."""

import argparse

SUMMARY = "list the extractors of features, or describe one with its options"
DESCRIPTION = """\
List the extractors: modality, number of features, licence, and the command that installs what is
missing. With NAME, describe that extractor and its options."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="an extractor")


def run(options: argparse.Namespace) -> None:
    from spcl.errors import UserError
    from spcl.extract.listing import extractors
    from spcl.tables.schemas import MODALITIES

    listed = {one.name: one for one in extractors()}
    if options.name:
        if options.name not in listed:
            available = ", ".join(listed)
            raise UserError(f"there is no extractor '{options.name}'; available: {available}")
        one = listed[options.name]
        print(f"{one.name}: {MODALITIES[one.modality]}\n\n{one.description}")
        return
    rows = [("extractor", "modality", "features", "licence", "installed")]
    for one in listed.values():
        state = f"no: {one.install}" if one.missing else "yes"
        rows.append((one.name, MODALITIES[one.modality], one.widths, one.licence, state))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(n) for cell, n in zip(row, widths, strict=True)).rstrip())
