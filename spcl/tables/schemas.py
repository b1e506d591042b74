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


_TEXT, _INT, _REAL, _FLAG = pa.string(), pa.int32(), pa.float64(), pa.bool_()

_DIALOGUE = Column("dialogue_id", _TEXT, "unique in the corpus")
_UTTERANCE = Column("utterance_id", _TEXT, "unique in the corpus")
_SPLIT = Column("split", _TEXT, "train, dev or test")
_DATASET = Column("dataset", _TEXT, "the corpus' name in the config")
_SEED = Column("seed", pa.int64(), "seed of the training")

UTTERANCES = Schema(
    "utterances",
    (
        _DIALOGUE,
        _UTTERANCE,
        Column("position", _INT, "0..N-1 inside the dialogue, without gaps"),
        Column("speaker", _TEXT, "as annotated; IEMOCAP's F of session 1 is Ses01_F"),
        Column("text", _TEXT, "transcript, may be empty"),
        Column(
            "emotion", _is_emotion, "null = unlabelled: context, never training data", nullable=True
        ),
        _SPLIT,
        Column("start_s", _REAL, "start in the recording, seconds", nullable=True),
        Column("end_s", _REAL, "end in the recording, seconds", nullable=True),
        Column("audio_path", _TEXT, "sound file, relative to the corpus folder", nullable=True),
        Column(
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

EXTRACTED = Schema(
    "extracted features",
    (
        Column("name", _TEXT, "of the file, or of the line of a text file"),
        Column("observed", _FLAG, "false = no features, see kind and reason"),
        Column("features", _is_vector, "0 where not observed"),
        Column("kind", _TEXT, "of the reason or note, see spcl.data.problems.KINDS", nullable=True),
        Column("reason", _TEXT, "why there are no features, or a note", nullable=True),
    ),
    key=("name",),
    metadata=("modality", "extractor", "version", "options", "width"),
)

PROBLEMS = Schema(
    "problems",
    (
        _DATASET,
        Column("file", _TEXT, "the file at fault, relative to the corpus folder"),
        Column("utterance_id", _TEXT, "null where it belongs to none", nullable=True),
        Column("modality", _TEXT, "a, t, v; null where all are concerned", nullable=True),
        Column("kind", _TEXT, "one of spcl.data.problems.KINDS"),
        Column("reason", _TEXT, "in words"),
    ),
    key=(),
)

CORPUS_REPORT = Schema(
    "corpus report",
    (
        _DATASET,
        Column("part", _TEXT, "train, dev, test, train and dev, all"),
        Column("what", _TEXT, "utterances, dialogues, dialogues by length, or speakers"),
        Column("label", _TEXT, "the emotion, or utterances a dialogue; null = all", nullable=True),
        Column("count", pa.int64(), "in this import"),
        Column("published", pa.int64(), "null where nothing is", nullable=True),
        Column("remark", _TEXT, "what is known of a difference", nullable=True),
    ),
    key=("dataset", "part", "what", "label"),
    metadata=("simulated",),
)

FEATURES = Schema(
    "features",
    (
        _UTTERANCE,
        Column("observed", _FLAG, "false where the modality is missing or unusable"),
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
        Column("modality", _TEXT, "a, t or v"),
        _DIALOGUE,
        _UTTERANCE,
        _SPLIT,
        Column("fold", _INT, "the fold that held the utterance out", nullable=True),
        Column("predicted", _TEXT, "the probe's most likely emotion"),
        Column("probabilities", pa.list_(pa.float32()), "by class, in label order"),
        Column("p_true", _REAL, "out-of-fold probability of the label", nullable=True),
        Column("loss", _REAL, "-ln p_true", nullable=True),
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
        Column("n_utterances", _INT, "length"),
        Column("n_speakers", _INT, "number of speakers"),
        Column("shift_rate", _REAL, "adjacent labelled pairs that differ", nullable=True),
        Column(
            "shift_rate_within_speaker",
            _REAL,
            "the same over each speaker's own utterances",
            nullable=True,
        ),
        Column(
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
    Column("baseline", _TEXT, "the model"),
    Column("modalities", _TEXT, "atv, at, tv, av, a, t or v"),
    Column("curriculum", _TEXT, "none, spcl or a rival"),
)
CELL_KEY = tuple(column.name for column in _CELL)

METRICS = Schema(
    "metrics",
    (
        *_CELL,
        _SEED,
        _SPLIT,
        Column("protocol", _TEXT, "the split protocol"),
        Column("simulated", _FLAG, "the corpus is simulated"),
        Column("best_epoch", _INT, "the epoch chosen, from 1"),
        Column("epochs", _INT, "epochs that were trained"),
        Column("n_utterances", _INT, "labelled utterances of this split"),
        Column("weighted_f1", _REAL, "joint prediction, 0..1"),
        Column("accuracy", _REAL, "joint prediction, 0..1"),
        Column("macro_f1", _REAL, "joint prediction, 0..1"),
        Column(
            "ece",
            _REAL,
            "expected calibration error of the joint prediction, 15 bins, 0..1; NaN, as brier and"
            " nll, where the probabilities are NaN or no utterance is labelled",
        ),
        Column("brier", _REAL, "Brier score of the joint prediction over all classes, 0..2"),
        Column(
            "nll",
            _REAL,
            "mean negative log-likelihood of the true class, nats; probabilities are at least the"
            " smallest normal float32",
        ),
        Column("f1_by_class", pa.list_(pa.float64()), "joint, in label order"),
        Column(
            "modality_weighted_f1",
            pa.list_(pa.float64()),
            "each modality's own head, in the order of `modalities`",
        ),
        Column(
            "modality_confidence",
            pa.list_(pa.float64()),
            "mean probability of the true class by modality, in the order of `modalities`",
        ),
        Column("diverged", _FLAG, "the loss became NaN or infinite"),
        Column("full_at_epoch", _INT, "first that admitted all; null = never", nullable=True),
        Column("train_seconds", _REAL, "wall time of this seed's epochs"),
        Column("utterances_per_second", _REAL, "training utterances seen a second"),
        Column("peak_memory_mb", _REAL, "device memory on a GPU, else the process' peak RSS"),
        Column("device", _TEXT, "where it ran"),
        Column("commit", _TEXT, "of the code; + means uncommitted changes"),
        Column("versions", _TEXT, "JSON: Python and the packages that decide the numbers"),
        Column("config_digest", _TEXT, "of the cell's settings, seeds left out"),
        Column(
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
        Column("epoch", _INT, "from 1"),
        Column("threshold", _REAL, "lambda at the epoch's end; null without one", nullable=True),
        Column("admitted_share", _REAL, "of the labelled training utterances"),
        Column("train_loss", _REAL, "mean over batches of what was minimised"),
        Column("dev_weighted_f1", _REAL, "joint, 0..1; null without a dev split", nullable=True),
        Column(
            "test_weighted_f1", _REAL, "joint, 0..1; chooses nothing unless the protocol says so"
        ),
        Column(
            "modality_confidence",
            pa.list_(pa.float64()),
            "mean probability of the true class on train, in the order of `modalities`",
        ),
    ),
    key=(*CELL_KEY, "seed", "epoch"),
)

TUNING = Schema(
    "tuning",
    (
        *_CELL,
        Column("trials", _INT, "the budget: the most candidates of a cell"),
        Column("candidate", _INT, "from 0, which has the settings of the config"),
        Column("settings", _TEXT, "JSON: the tuned settings, by training, model and curriculum"),
        Column("chosen", _FLAG, "the cell is trained with this candidate"),
        _SEED,
        Column("dev_weighted_f1", _REAL, "of the best epoch, 0..1; 0 if the first one diverged"),
        Column("best_epoch", _INT, "chosen on dev, from 1; 0 = the first one diverged"),
        Column("simulated", _FLAG, "the corpus is simulated"),
        Column("config_digest", _TEXT, "of all settings of the candidate, seeds left out"),
    ),
    key=(*CELL_KEY, "candidate", "seed"),
)

PREDICTIONS = Schema(
    "predictions",
    (
        *_CELL,
        _SEED,
        _SPLIT,
        _DIALOGUE,
        _UTTERANCE,
        Column("emotion", _TEXT, "the label, null = unlabelled", nullable=True),
        Column("predicted", _TEXT, "by the joint logits"),
        Column("probabilities", pa.list_(pa.float32()), "joint, by class in label order"),
        Column(
            "modality_probabilities",
            pa.list_(pa.list_(pa.float32())),
            "of each modality's own head, in the order of `modalities`",
        ),
    ),
    key=(*CELL_KEY, "seed", "utterance_id"),
    metadata=("labels",),
)

PREDICTED = Schema(
    "predictions of saved models",
    (
        _DIALOGUE,
        _UTTERANCE,
        Column("position", _INT, "0..N-1 inside the dialogue, without gaps"),
        Column("speaker", _TEXT, "as in the input, may be empty"),
        Column("text", _TEXT, "transcript, may be empty"),
        Column("start_s", _REAL, "start in the recording, seconds", nullable=True),
        Column("end_s", _REAL, "end in the recording, seconds", nullable=True),
        Column("audio_path", _TEXT, "sound, relative to the metadata `folder`", nullable=True),
        Column("video_path", _TEXT, "video, likewise", nullable=True),
        Column("observed", pa.list_(pa.bool_()), "in the order of `modalities`"),
        Column("predicted", _TEXT, "the class with the highest mean probability"),
        Column("probabilities", pa.list_(pa.float32()), "joint, by class, mean over seeds"),
        Column(
            "modality_probabilities",
            pa.list_(pa.list_(pa.float32())),
            "of each modality's own head, mean over seeds, in the order of `modalities`",
        ),
        Column(
            "spread",
            pa.list_(pa.float32()),
            "standard deviation of `probabilities` over seeds; null for one seed",
            nullable=True,
        ),
        Column(
            "modality_spread",
            pa.list_(pa.list_(pa.float32())),
            "the same of `modality_probabilities`",
            nullable=True,
        ),
    ),
    key=("utterance_id",),
    # seeds: of the models; simulated: the corpus of the training, or the input
    metadata=(
        *("labels", "modalities", "dataset", "trained_on", "baseline", "curriculum", "seeds"),
        "simulated",
    ),
)

ROBUSTNESS = Schema(
    "robustness",
    (
        *_CELL,
        _SEED,
        Column(
            "perturbation",
            _TEXT,
            "of the test split: modality_missing, utterances_missing, dialogues_missing or noise",
        ),
        Column("modality", _TEXT, "the perturbed modalities, in the order of `modalities`"),
        Column("level", _REAL, "share that is missing, or standard deviations of the noise"),
        Column("n_utterances", _INT, "labelled, in the score"),
        Column("weighted_f1", _REAL, "of the joint prediction, 0..1"),
        Column(
            "predicted",
            pa.list_(pa.int16()),
            "class in label order of every test utterance, in the order of the predictions",
        ),
    ),
    key=(*CELL_KEY, "seed", "perturbation", "modality", "level"),
    metadata=("labels",),
)

ADMISSIONS = Schema(
    "curriculum",
    (
        *_CELL,
        _SEED,
        _DIALOGUE,
        _UTTERANCE,
        Column("first_epoch", _INT, "first epoch admitted, from 1; null = never", nullable=True),
        Column("share_of_epochs", _REAL, "epochs in which it was admitted, 0..1"),
        Column("last_difficulty", _REAL, "rho in the last epoch", nullable=True),
    ),
    key=(*CELL_KEY, "seed", "utterance_id"),
)

BENCHMARKS = Schema(
    "benchmarks",
    (
        Column("rule", _TEXT, "the workflow's rule"),
        Column("dataset", _TEXT, "null where it belongs to none", nullable=True),
        Column("modality", _TEXT, "of a feature or difficulty job", nullable=True),
        Column("baseline", _TEXT, "of a cell", nullable=True),
        Column("modalities", _TEXT, "of a cell", nullable=True),
        Column("curriculum", _TEXT, "of a cell", nullable=True),
        Column("seconds", _REAL, "wall time of the job, start of Python included"),
        Column(
            "cpu_seconds", _REAL, "CPU time; null for a job too short to measure", nullable=True
        ),
        Column("max_rss_mb", _REAL, "peak resident memory, MiB; null likewise", nullable=True),
    ),
    key=("rule", "dataset", "modality", "baseline", "modalities", "curriculum"),
)
