"""Training of one cell of the grid: all its seeds, and the tables of their results."""

import hashlib
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import torch

from spcl import curriculum, models
from spcl.curriculum import TrainingSet
from spcl.curriculum.combined import Combined
from spcl.errors import UserError
from spcl.jobs.job import HEADLINE
from spcl.provenance.environment import Provenance
from spcl.study.extensions import BASELINE, CURRICULUM, find, load
from spcl.study.grid import Cell, pacing_cell, strategies
from spcl.tables.schemas import CELL_KEY
from spcl.training.cell_tables import CellTables
from spcl.training.checkpoints import Checkpoints
from spcl.training.contract import check_curriculum, check_model, check_parameters
from spcl.training.dialogues import Corpus, load_corpus
from spcl.training.evaluation import evaluate
from spcl.training.interruption import Interruption, interruptible
from spcl.training.loop import Training
from spcl.training.perturbations import score_perturbed
from spcl.training.seed_model import with_model
from spcl.training.seed_tables import seed_tables
from spcl.training.settings import CellSettings
from spcl.training.stacked import Stacked, stackable
from spcl.training.training_set import EarlierTables, training_set

log = logging.getLogger("spcl.training")


def train_cell(
    cell: Cell,
    utterances: pa.Table,
    features: Mapping[str, pa.Table],
    settings: CellSettings,
    earlier: EarlierTables | None = None,
    *,
    device: str = "cpu",
    threads: int = 1,
    provenance: Provenance,
    checkpoints: Checkpoints | None = None,
    save_models: bool = False,
    licence: str | None = None,
) -> CellTables:
    """Train every seed of `cell`.

    On a CPU that trains one seed after another, the same inputs, settings and threads give the same
    bytes, also if the training was interrupted and resumed. The table of metrics is an exception:
    it contains wall times and provenance.

    Parameters
    ----------
    cell
        The address of the cell.
    utterances, features
        The corpus, see `load_corpus`.
    settings
        See `CellSettings`.
    earlier
        The tables that the curriculum needs before the first epoch.
    device
        ``cpu`` or ``cuda``.
    threads
        The number of threads of torch.
    provenance
        Copied into the metrics.
    checkpoints
        Where to save and resume; None = do not save. They need the `training_digest` of
        `provenance`.
    save_models
        Also return the models. A finished seed that was saved without its model is trained again.
    licence
        Of the corpus, for the facts of the models.

    Raises
    ------
    UserError
        A setting is unknown or out of range, a split has no labels, or a table does not fit the
        corpus.
    SystemExit
        The process received SIGTERM or SIGINT; the state is saved.
    """
    torch.set_num_threads(threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # deterministic cuBLAS needs it
    # As use_deterministic_algorithms(True), which imports torch's compiler, a second a cell.
    torch.set_deterministic_debug_mode("error")
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]

    corpus = load_corpus(
        utterances, features, cell.modalities, scale=settings.training.scale, device=device
    )
    builder = _TrainingBuilder(cell, corpus, settings)
    known = {
        seed: training_set(
            earlier or EarlierTables(),
            corpus,
            cell,
            paced=pacing_cell(cell, vars(settings)),
            epochs=settings.training.epochs,
            seed=seed,
        )
        for seed in settings.seeds
    }
    stamps = {seed: _stamp(provenance, known[seed]) for seed in known}
    digests = {seed: one.training_digest or "" for seed, one in stamps.items()}
    finished = checkpoints.load_finished(digests) if checkpoints else {}
    if save_models:
        finished = {seed: one for seed, one in finished.items() if seed in one.models}
    if finished:
        names = ", ".join(map(str, finished))
        log.log(HEADLINE, "%s: seeds %s are already trained", cell.address, names)
    with interruptible() as interruption:
        remaining = [seed for seed in settings.seeds if seed not in finished]
        for seeds in [remaining] if builder.at_once else [[seed] for seed in remaining]:
            group = Stacked()
            for seed in seeds:
                training = builder.build(seed, known[seed])
                if checkpoints and (state := checkpoints.load(seed, digests[seed])):
                    training.load_state_dict(state)
                    log.log(HEADLINE, "seed %d resumes in epoch %d", seed, training.epoch.number)
                group.add(training)
            for training in _train(group, checkpoints, digests, interruption):
                seed, result, best = training.seed, training.result, training.best_model()
                if settings.predict_train:
                    result.logits["train"] = evaluate(best, corpus.splits["train"]).cpu()
                perturbed = score_perturbed(best, corpus, settings.robustness)
                stamp = stamps[seed]
                tables = seed_tables(cell, corpus, seed, result, perturbed, stamp)
                if save_models:
                    tables = with_model(tables, best, corpus, features, settings, licence)
                finished[seed] = checkpoints.save_finished(seed, tables) if checkpoints else tables
    return CellTables.concatenate([finished[seed] for seed in settings.seeds])


def log_test_score(metrics: pa.Table) -> None:
    """Log the mean weighted F1 on test of a cell, from its metrics."""
    of_test = metrics.filter(pc.field("split") == "test")
    test = 100 * of_test["weighted_f1"].to_numpy()
    log.log(
        HEADLINE,
        "%s: test W-F1 %.1f%s%s",
        "/".join(of_test[axis][0].as_py() for axis in CELL_KEY),
        test.mean(),
        f" +- {test.std(ddof=1):.1f} over {len(test)} seeds" if len(test) > 1 else ", one seed",
        " (simulated)" if of_test["simulated"][0].as_py() else "",
    )


class _TrainingBuilder:
    """Builds the trainings of a cell. The constructor checks that the cell can be trained."""

    def __init__(self, cell: Cell, corpus: Corpus, settings: CellSettings) -> None:
        self.cell, self.corpus, self.settings = cell, corpus, settings
        self.baseline = find(BASELINE, cell.baseline, settings.baseline_source)
        self.model_class = load(self.baseline)
        self.strategies = [
            (find(CURRICULUM, name, one["source"]), one["settings"])
            for name, one in strategies(cell, vars(settings)).items()
        ]
        self.choose_on = "test" if corpus.protocol == "best-test-epoch" else "dev"
        for split in {"train", self.choose_on, "test"}:
            if not bool((corpus.splits[split].labels >= 0).any()):
                raise UserError(
                    f"datasets.{cell.dataset}: split '{split}' has no labelled utterance; choose"
                    f" another protocol than '{corpus.protocol}'"
                )

    @property
    def at_once(self) -> bool:
        """Whether all seeds train at the same time; by default only on a GPU."""
        on_gpu = self.corpus.splits["train"].labels.device.type == "cuda"
        wanted = {"auto": on_gpu, "always": True, "never": False}
        return wanted[self.settings.training.seeds_at_once] and stackable(self.model_class)

    def build(self, seed: int, known: TrainingSet) -> Training:
        """Build the training of one seed."""
        torch.manual_seed(seed)
        model, strategy = self._model(), self._strategy(known)
        self._check_fit(model, strategy)
        return Training(
            model,
            strategy,
            self.corpus,
            self.settings.training,
            seed=seed,
            choose_on=self.choose_on,
        )

    def _model(self) -> torch.nn.Module:
        corpus = self.corpus
        sizes: dict[str, Any] = {
            "widths": corpus.widths,
            "n_classes": len(corpus.labels),
            "n_speakers": corpus.n_speakers,
        }
        try:
            model = models.build(self.model_class, **sizes, **self.settings.model)
        except UserError as error:
            raise UserError(f"baselines.{self.cell.baseline}.model: {error}") from error
        model = model.to(corpus.splits["train"].labels.device)
        if not self.baseline.ours:
            check_model(model, **sizes, key=self.baseline.key)
        return model

    def _strategy(self, known: TrainingSet) -> curriculum.Curriculum:
        try:
            parts = [
                curriculum.build(load(extension), **settings)
                for extension, settings in self.strategies
            ]
            chosen = Combined(*parts) if len(parts) > 1 else parts[0]
            chosen = chosen.to(known.labels.device)
            chosen.start(known)
        except ValueError as error:
            raise UserError(f"curricula.{self.cell.curriculum}: {error}") from error
        if not all(extension.ours for extension, _ in self.strategies):
            check_curriculum(chosen, key=f"curricula.{self.cell.curriculum}")
        return chosen

    def _check_fit(self, model: torch.nn.Module, strategy: curriculum.Curriculum) -> None:
        """Refuse a strategy that needs what the model or the corpus does not have."""
        key = f"curricula.{self.cell.curriculum}"
        if strategy.uses_parameters:
            check_parameters(model, self.corpus.widths, strategy=key, key=self.baseline.key)
        for split in strategy.evaluates:
            if not len(self.corpus.splits[split]):
                raise UserError(
                    f"{key}: needs the split '{split}', which protocol '{self.corpus.protocol}'"
                    f" does not have; choose another protocol for datasets.{self.cell.dataset}"
                )


def _stamp(provenance: Provenance, known: TrainingSet) -> Provenance:
    """The provenance of one seed. What its strategy knows of other cells differs between seeds."""
    other = [] if known.pace is None else [known.pace]
    other += (known.teachers or {}).values()
    if not provenance.training_digest or not other:
        return provenance
    content = provenance.training_digest.encode()
    content += b"".join(one.cpu().numpy().tobytes() for one in other)
    return replace(provenance, training_digest=hashlib.sha256(content).hexdigest()[:16])


def _train(
    group: Stacked,
    checkpoints: Checkpoints | None,
    digests: Mapping[int, str],
    interruption: Interruption,
) -> Iterator[Training]:
    """Train to the end and save the states from time to time; yield each finished training."""
    while unfinished := group.unfinished:
        ended = group.step()
        yield from (training for training in unfinished if training.finished)
        unfinished = group.unfinished
        if checkpoints and (interruption.signal or (ended and checkpoints.due)):
            for training in unfinished:
                seed = training.seed
                checkpoints.save(seed, digests[seed], group.state_dict(training))
        if interruption.signal and unfinished:
            log.log(
                HEADLINE,
                "interrupted by %s in epoch %d of seed %s; run again to resume",
                interruption.signal.name,
                unfinished[0].epoch.number,
                ", ".join(str(training.seed) for training in unfinished),
            )
            raise SystemExit(interruption.status)
