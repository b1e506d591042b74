"""``python -m spcl predict CELL INPUT``: emotions of new conversations, by trained models."""

import argparse
import os
from pathlib import Path

SUMMARY = "predict the emotions of new conversations with trained models"
DESCRIPTION = """\
Predict the emotion of each utterance of INPUT with the models of CELL: the folder of a cell that
was trained with save_models: true, or one file model-seed1.safetensors. INPUT is a corpus in any
known format, a folder with utterances.csv and feature files, a recording (sound or video) with a
transcript (.csv, .srt or .vtt) of the same name, or a transcript alone. Features are extracted as
in the training; a modality that INPUT lacks is left out. See docs/using-a-model.md."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cell", type=Path, metavar="CELL", help="the folder of a cell, or a model")
    parser.add_argument("input", type=Path, metavar="INPUT", help="the conversations")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FILE.parquet", help="what to write"
    )
    parser.add_argument(
        "--transcript", type=Path, metavar="FILE", help="the transcript of a recording"
    )
    parser.add_argument(
        "--other-extractors",
        action="store_true",
        help="continue although features, weights or packages differ from those of the training",
    )
    parser.add_argument(
        "--folder",
        action="append",
        default=[],
        metavar="M=PATH",
        help="the folder of the pretrained encoder of modality M (a, t or v) on this machine",
    )
    parser.add_argument(
        "--source",
        metavar="FILE.py",
        help="the file or module of a custom baseline; it is executed",
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="of the models")
    parser.add_argument(
        "--threads",
        type=int,
        default=len(os.sched_getaffinity(0)),
        metavar="N",
        help="threads of the extractors (default: %(default)s, the cores of this process)",
    )


def run(options: argparse.Namespace) -> None:
    import shutil
    from collections import Counter

    from spcl.errors import UserError, printable
    from spcl.prediction.features import collect_features
    from spcl.prediction.inputs import read_input
    from spcl.prediction.predict import find_models, load_models, predict
    from spcl.tables import parquet
    from spcl.tables.schemas import PREDICTED

    def say(line: str) -> None:
        print(printable(line))

    output: Path = options.output
    if output.suffix != ".parquet":
        raise UserError(f"--output {output}: write a name that ends in .parquet")
    if options.threads < 1:
        raise UserError(f"--threads {options.threads}: write 1 or more")
    folders = dict(text.partition("=")[::2] for text in options.folder)
    if not folders.keys() <= {"a", "t", "v"} or not all(folders.values()):
        raise UserError(f"--folder {options.folder[-1]}: write a=PATH, t=PATH or v=PATH")
    models = find_models(options.cell)
    facts = next(iter(models.values()))
    given = read_input(options.input, facts, options.transcript)
    loaded = load_models(
        list(models), given.utterances, source=options.source, device=options.device
    )
    shards = output.with_name(f"{output.name}.shards")
    features = collect_features(
        given,
        facts,
        shards=shards,
        folders=folders,
        others=options.other_extractors,
        threads=options.threads,
        say=say,
    )
    table = predict(loaded, given.utterances, features, device=options.device)
    folder = os.path.relpath(given.folder, output.parent)
    parquet.write(table, output, PREDICTED, folder=folder)
    shutil.rmtree(shards, ignore_errors=True)
    counts = Counter(table["predicted"].to_pylist()).most_common()
    say(
        f"{output}: {len(table)} utterances by {len(loaded)}"
        f" model{'s' if len(loaded) > 1 else ''}: {', '.join(f'{n} {name}' for name, n in counts)}"
    )
    if facts.simulated:
        say(
            f"The models were trained on simulated data ({facts.dataset}):"
            " their answers mean nothing."
        )
