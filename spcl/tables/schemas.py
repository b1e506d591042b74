"""The schemas of all Parquet tables that one stage passes to another: columns, types, meaning.

The stages, in order: corpus -> utterances and features -> difficulty -> cells -> result tables.
"""

import pyarrow as pa
import pyarrow.types as pt

from spcl.tables.parquet import Column, Schema

SPLITS = ("train", "dev", "test")
MODALITIES = {"a": "audio", "t": "text", "v": "visual"}
"""The letters in the paper's modality sets (``atv``), and their names."""


def _is_emotion(type_: pa.DataType) -> bool:
    """A dictionary of strings: the labels, whose order is in the metadata."""
    return pt.is_dictionary(type_) and type_.value_type.equals(pa.string())


def _is_vector(type_: pa.DataType) -> bool:
    """A fixed-size list of float32: NumPy and torch take it without a copy."""
    return pt.is_fixed_size_list(type_) and type_.value_type.equals(pa.float32())


def _column(name: str, type_: pa.DataType, meaning: str, *, nullable: bool = False) -> Column:
    return Column(name, type_, meaning, nullable)


_TEXT, _INT, _REAL, _FLAG = pa.string(), pa.int32(), pa.float64(), pa.bool_()

_DIALOGUE = _column("dialogue_id", _TEXT, "unique in the corpus")
_UTTERANCE = _column("utterance_id", _TEXT, "unique in the corpus")
_SPLIT = _column("split", _TEXT, "train, dev or test")
_DATASET = _column("dataset", _TEXT, "the corpus' name in the config")
_SEED = _column("seed", pa.int64(), "seed of the training")

UTTERANCES = Schema(
    "utterances",
    (
        _DIALOGUE,
        _UTTERANCE,
        _column("position", _INT, "0..N-1 inside the dialogue, without gaps"),
        _column("speaker", _TEXT, "as annotated"),
        _column("text", _TEXT, "transcript, may be empty"),
        Column("emotion", _is_emotion, "null = unlabelled: context, never training data", True),
        _SPLIT,
        _column("start_s", _REAL, "start in the recording, seconds", nullable=True),
        _column("end_s", _REAL, "end in the recording, seconds", nullable=True),
        _column("audio_path", _TEXT, "sound file, relative to the corpus folder", nullable=True),
        _column(
            "video_path",
            _TEXT,
            "video file, relative to the corpus folder; a media fragment"
            " (#t=start,end&xywh=percent:x,y,w,h) says which part of it",
            nullable=True,
        ),
    ),
    key=("utterance_id",),
    # labels: in the corpus' order; protocol, protocol_seed: how it was split; simulated: bool;
    # from an import also layout, known_as, and brings: the width of each modality it comes with
    metadata=("dataset", "labels", "protocol", "protocol_seed", "simulated"),
)

PROBLEMS = Schema(
    "problems",
    (
        _DATASET,
        _column("file", _TEXT, "the file at fault, relative to the corpus folder"),
        _column("utterance_id", _TEXT, "null where it belongs to none", nullable=True),
        _column("modality", _TEXT, "a, t, v; null where all are concerned", nullable=True),
        _column("reason", _TEXT, "in words"),
    ),
    key=(),
)

CORPUS_REPORT = Schema(
    "corpus report",
    (
        _DATASET,
        _column("part", _TEXT, "train, dev, test, train and dev, all"),
        _column("what", _TEXT, "utterances, dialogues, dialogues by length, or speakers"),
        _column("label", _TEXT, "the emotion, or utterances a dialogue; null = all", nullable=True),
        _column("count", pa.int64(), "in this import"),
        _column("published", pa.int64(), "null where nothing is", nullable=True),
        _column("remark", _TEXT, "what is known of a difference", nullable=True),
    ),
    key=("dataset", "part", "what", "label"),
    metadata=("simulated",),
)

FEATURES = Schema(
    "features",
    (
        _UTTERANCE,
        _column("observed", _FLAG, "false where the modality is missing or unusable"),
        Column("features", _is_vector, "zeros where not observed", finite=True),
    ),
    key=("utterance_id",),
    # inputs: digest of the utterances it was made from; the problems table has the reasons of gaps
    metadata=(
        "dataset",
        "modality",
        "extractor",
        "version",
        "options",
        "width",
        "inputs",
        "simulated",
    ),
)

UTTERANCE_DIFFICULTY = Schema(
    "utterance difficulty",
    (
        _DATASET,
        _column("modality", _TEXT, "a, t or v"),
        _DIALOGUE,
        _UTTERANCE,
        _SPLIT,
        _column("fold", _INT, "the fold that held the utterance out", nullable=True),
        _column("predicted", _TEXT, "the probe's most likely emotion"),
        _column("probabilities", pa.list_(pa.float32()), "by class, in label order"),
        _column("p_true", _REAL, "out-of-fold probability of the label", nullable=True),
        _column("loss", _REAL, "-ln p_true", nullable=True),
    ),
    key=("utterance_id",),
    metadata=("dataset", "modality", "labels", "simulated"),
)

CONVERSATION_DIFFICULTY = Schema(
    "conversation difficulty",
    (
        _DATASET,
        _DIALOGUE,
        _SPLIT,
        _column("n_utterances", _INT, "length"),
        _column("n_speakers", _INT, "number of speakers"),
        _column("shift_rate", _REAL, "adjacent labelled pairs that differ", nullable=True),
        _column(
            "shift_rate_within_speaker",
            _REAL,
            "the same over each speaker's own utterances",
            nullable=True,
        ),
        _column(
            "incoherence",
            _REAL,
            "standard deviation over modalities of the summed p_true",
            nullable=True,
        ),
    ),
    key=("dialogue_id",),
    metadata=("dataset", "modalities", "simulated"),
)

_CELL = (
    _DATASET,
    _column("baseline", _TEXT, "the model"),
    _column("modalities", _TEXT, "atv, at, tv, av, a, t or v"),
    _column("curriculum", _TEXT, "none, spcl or a rival"),
)
CELL_KEY = tuple(column.name for column in _CELL)

METRICS = Schema(
    "metrics",
    (
        *_CELL,
        _SEED,
        _SPLIT,
        _column("protocol", _TEXT, "the split protocol"),
        _column("simulated", _FLAG, "the corpus is simulated"),
        _column("best_epoch", _INT, "the epoch chosen, from 1"),
        _column("epochs", _INT, "epochs that were trained"),
        _column("n_utterances", _INT, "labelled utterances of this split"),
        _column("weighted_f1", _REAL, "joint prediction, 0..1"),
        _column("accuracy", _REAL, "joint prediction, 0..1"),
        _column("macro_f1", _REAL, "joint prediction, 0..1"),
        _column("f1_by_class", pa.list_(pa.float64()), "joint, in label order"),
        _column(
            "modality_weighted_f1",
            pa.list_(pa.float64()),
            "each modality's own head, in the order of `modalities`",
        ),
        _column(
            "modality_confidence",
            pa.list_(pa.float64()),
            "mean probability of the true class by modality, in the order of `modalities`",
        ),
        _column("diverged", _FLAG, "the loss became NaN or infinite"),
        _column("full_at_epoch", _INT, "first that admitted all; null = never", nullable=True),
        _column("train_seconds", _REAL, "wall time of this seed's epochs"),
        _column("utterances_per_second", _REAL, "training utterances seen a second"),
        _column("peak_memory_mb", _REAL, "device memory on a GPU, else the process' peak RSS"),
        _column("device", _TEXT, "where it ran"),
        _column("commit", _TEXT, "of the code; + means uncommitted changes"),
        _column("versions", _TEXT, "JSON: Python and the packages that decide the numbers"),
        _column("config_digest", _TEXT, "of the cell's settings, seeds left out"),
        _column(
            "training_digest",
            _TEXT,
            "of settings, code, inputs and versions: all that decides the numbers of a seed",
            nullable=True,
        ),
    ),
    key=(*CELL_KEY, "seed", "split"),
    metadata=("labels",),
)

HISTORY = Schema(
    "history",
    (
        *_CELL,
        _SEED,
        _column("epoch", _INT, "from 1"),
        _column("threshold", _REAL, "lambda at the epoch's end; null without one", nullable=True),
        _column("admitted_share", _REAL, "of the labelled training utterances"),
        _column("train_loss", _REAL, "mean over batches of what was minimised"),
        _column("dev_weighted_f1", _REAL, "joint, 0..1; null without a dev split", nullable=True),
        _column(
            "test_weighted_f1", _REAL, "joint, 0..1; chooses nothing unless the protocol says so"
        ),
        _column(
            "modality_confidence",
            pa.list_(pa.float64()),
            "mean probability of the true class on train, in the order of `modalities`",
        ),
    ),
    key=(*CELL_KEY, "seed", "epoch"),
)

PREDICTIONS = Schema(
    "predictions",
    (
        *_CELL,
        _SEED,
        _SPLIT,
        _DIALOGUE,
        _UTTERANCE,
        _column("emotion", _TEXT, "the label, null = unlabelled", nullable=True),
        _column("predicted", _TEXT, "by the joint logits"),
        _column("probabilities", pa.list_(pa.float32()), "joint, by class in label order"),
        _column(
            "modality_probabilities",
            pa.list_(pa.list_(pa.float32())),
            "of each modality's own head, in the order of `modalities`",
        ),
    ),
    key=(*CELL_KEY, "seed", "utterance_id"),
    metadata=("labels",),
)

ADMISSIONS = Schema(
    "curriculum",
    (
        *_CELL,
        _SEED,
        _DIALOGUE,
        _UTTERANCE,
        _column("first_epoch", _INT, "first epoch admitted, from 1; null = never", nullable=True),
        _column("share_of_epochs", _REAL, "epochs in which it was admitted, 0..1"),
        _column("last_difficulty", _REAL, "rho in the last epoch", nullable=True),
    ),
    key=(*CELL_KEY, "seed", "utterance_id"),
)

BENCHMARKS = Schema(
    "benchmarks",
    (
        _column("rule", _TEXT, "the workflow's rule"),
        _column("dataset", _TEXT, "null where it belongs to none", nullable=True),
        _column("modality", _TEXT, "of a feature or difficulty job", nullable=True),
        _column("baseline", _TEXT, "of a cell", nullable=True),
        _column("modalities", _TEXT, "of a cell", nullable=True),
        _column("curriculum", _TEXT, "of a cell", nullable=True),
        _column("seconds", _REAL, "wall time of the job, start of Python included"),
        _column(
            "cpu_seconds", _REAL, "CPU time; null for a job too short to measure", nullable=True
        ),
        _column("max_rss_mb", _REAL, "peak resident memory, MiB; null likewise", nullable=True),
    ),
    key=("rule", "dataset", "modality", "baseline", "modalities", "curriculum"),
)
