"""``python -m spcl show predictions.parquet``: a conversation and its emotions as a page."""

import argparse
from pathlib import Path

SUMMARY = "show the predictions for a conversation as a page"
DESCRIPTION = """\
Write one HTML page that shows a conversation: who spoke when, the predicted emotion with its
probability and its spread over seeds, and what each modality alone says. PREDICTIONS is a file of
`python -m spcl predict`. The page works offline; the recording plays in it if it still exists."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("predictions", type=Path, metavar="PREDICTIONS", help="a Parquet file")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FILE.html", help="what to write"
    )
    parser.add_argument("--dialogue", metavar="ID", help="which dialogue, if there are several")
    parser.add_argument(
        "--embed-limit",
        type=float,
        default=10.0,
        metavar="MB",
        help="put the recordings into the page if they are not larger in all (default:"
        " %(default)g); larger ones stay where they are, and the page refers to them",
    )


def run(options: argparse.Namespace) -> None:
    from spcl.errors import UserError, printable
    from spcl.prediction.page import render
    from spcl.tables import parquet
    from spcl.tables.schemas import PREDICTED

    output: Path = options.output
    if output.suffix != ".html":
        raise UserError(f"--output {output}: write a name that ends in .html")
    try:
        table = parquet.read(options.predictions, PREDICTED)
    except UserError as error:  # it ends with the remedy for files of the workflow
        raise UserError(
            f"{str(error).partition('; ')[0]}; write it again with python -m spcl predict"
        ) from error
    folder = options.predictions.parent / str(parquet.metadata(table).get("folder", "."))
    text = render(
        table,
        dialogue=options.dialogue,
        folder=folder,
        beside=output.parent,
        embed_limit_mb=options.embed_limit,
    )

    def save(temporary: Path) -> None:
        temporary.write_text(text, encoding="utf-8")

    parquet.write_atomically(output, save)
    print(printable(f"{output}: open it in a browser"))
