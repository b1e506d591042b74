"""``python -m spcl export``: writes extracted features in a format that others' code reads."""

import argparse
from pathlib import Path

SUMMARY = "write extracted features in a format that others' code reads"
_DEFAULT = [Path("config/config.yaml")]
FORMATS = ("sdt", "spcl", "dialogue_rnn")
DESCRIPTION = """\
Write a dataset of a config, with the features that the workflow extracted, as one pickle that the
code of papers reads, beside a README. The formats are sdt (SDT and its successors), spcl (SPCL,
Ada2I) and dialogue_rnn (DialogueRNN, MMGCN, MM-DFN and others). Run it in the folder where
Snakemake runs. See docs/your-own-data.md."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("corpus", metavar="CORPUS", help="the name of a dataset in the config")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the files are written")
    parser.add_argument("--format", required=True, choices=FORMATS, help="the format of the file")
    parser.add_argument(
        "--configfile",
        action="append",
        type=Path,
        metavar="FILE",
        help="the config with the dataset (default: config/config.yaml; repeat it for several)",
    )


def run(options: argparse.Namespace) -> None:
    from spcl.data.export import export
    from spcl.errors import UserError, choices, printable
    from spcl.study.config_files import read_config
    from spcl.study.datasets import modalities
    from spcl.tables import parquet
    from spcl.tables.schemas import FEATURES, UTTERANCES

    files = options.configfile or _DEFAULT
    config, name = read_config(files), options.corpus
    if name not in config["datasets"]:
        known = choices(name, config["datasets"])
        raise UserError(f"{', '.join(map(str, files))}: no dataset '{name}'; {known}")
    found = modalities(config, name)
    if set(found) != set("atv"):
        raise UserError(
            f"datasets.{name}: has the modalities {found}, and the format needs text, audio and"
            " visual features; choose an extractor for the others"
        )
    owner = config["datasets"][name].get("fold_of", name)
    utterances = Path("results", "corpora", name, "utterances.parquet")
    features = {m: Path("results", "features", owner, f"{m}.parquet") for m in "tav"}
    missing = [str(path) for path in (utterances, *features.values()) if not path.is_file()]
    if missing:
        command = ["snakemake --cores 2", *missing]
        if files != _DEFAULT:  # at the end, because Snakemake takes what follows for more files
            command += ["--configfile", *map(str, files)]
        raise UserError(f"{missing[0]}: no such file; create it with: {' '.join(command)}")
    path, *notes = export(
        parquet.read(utterances, UTTERANCES),
        {m: parquet.read(file, FEATURES) for m, file in features.items()},
        options.format,
        options.folder,
    )
    print(printable(f"{path}: written"))
    for note in notes:
        print(printable(note))
