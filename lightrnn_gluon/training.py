"""Training a network by the paper's protocol: one epoch loop for all models.

Truncated back-propagation through time; the loss is summed over time and averaged over the batch
(the paper's clip of 5.0 and rate of 1.0 presuppose it); the gradient's global norm is clipped; the
rate is halved on a validation plateau. All randomness of a step follows from (seed, step), so a run
that is stopped and started again goes on as if it had not been.
"""

import hashlib
import json
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
from tqdm import tqdm

from lightrnn_gluon.checkpoint import load_arrays, save_arrays
from lightrnn_gluon.config import NetworkConfig
from lightrnn_gluon.corpus import Corpus
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.likelihood import perplexity, token_nll
from lightrnn_gluon.models import LanguageModel
from lightrnn_gluon.sampling import Chunk, evaluation_sampler, make_sampler
from lightrnn_gluon.updates import Objective, State, Updates
from lightrnn_gluon.workers import ALONE, Workers

logger = logging.getLogger(__name__)

_READ_EVERY = 20  # steps
CHECKPOINT, MODEL = "checkpoint.safetensors", "model.safetensors"


@dataclass
class Progress:
    """How far a run has come; JSON-able, part of each checkpoint.

    `train_seconds` is the time of training steps, re-allocations and what the model makes of the corpus
    beforehand (classes of words); evaluation is not in it, nor what a stopped run did after its last
    checkpoint.
    """

    learning_rate: float
    epoch: int = 0
    step: int = 0
    plateau_valid: float = math.inf  # the perplexity to beat, or the rate is halved
    best_valid: float = math.inf  # that of the model kept,
    best_epoch: int = 0  # which is the one after this epoch
    train_seconds: float = 0.0
    reallocation_seconds: float = 0.0
    padding_share: float = 0.0
    curve: list[dict[str, Any]] = field(default_factory=list)
    rounds: list[dict[str, float]] = field(default_factory=list)


class Training:
    """A network in training: parameters, optimizer state and progress, saved after each epoch.

    The folder's `checkpoint.safetensors` is where the run goes on, `model.safetensors` the state
    after the epoch with the best validation perplexity so far.
    """

    def __init__(
        self,
        net: LanguageModel,
        config: NetworkConfig,
        corpus: Corpus,
        directory: Path,
        devices: Sequence[mx.Context],
        workers: Workers = ALONE,
    ) -> None:
        """Begin, or go on from a checkpoint. Raises UserError where that belongs to another run."""
        if workers.number > 1 and config.time_limit is not None:
            raise UserError(
                "time_limit: several workers take different times; leave it out, or train with one"
            )
        self.net, self.config, self.corpus = net, config, corpus
        self.devices, self.workers = list(devices), workers
        self._ids, self._valid_ids = corpus.ids("train"), corpus.ids("valid")
        self.sampler = make_sampler(config.sampler, self._ids, corpus.vocabulary)
        self._valid_sampler = evaluation_sampler(config.sampler, self._valid_ids, corpus.vocabulary)
        self._origin = {"config": asdict(config), "corpus": corpus.checksum}
        self.directory = directory
        self._checkpoint, self._model = directory / CHECKPOINT, directory / MODEL
        self.progress = Progress(learning_rate=config.learning_rate)
        net.initialize_from(config.seed, self.devices)
        net.hybridize(static_alloc=True)
        optimizer_state = self._restore() if self._checkpoint.is_file() else None
        if optimizer_state is None:
            started = time.perf_counter()
            net.read_corpus(corpus.vocabulary.words, self._ids)
            self.progress.train_seconds += time.perf_counter() - started
        going_on = self.progress.step, self.progress.learning_rate
        self.updates = Updates(net, config, self.sampler.batch_size, self.devices, workers, *going_on)
        if optimizer_state is not None:
            self.updates.set_state(optimizer_state)
        origin = json.dumps([self._origin, self.progress.step])
        workers.agree("corpus, configuration or checkpoint", hashlib.sha256(origin.encode()).hexdigest())
        self.agree_on_table()

    def run(
        self,
        after_epoch: Callable[["Training"], None],
        after_step: Callable[["Training", Chunk], None] = lambda training, chunk: None,
    ) -> None:
        """Train to the last epoch, or for as long as training may last, then take the best epoch's model.

        `after_epoch` may change the table. Of several workers the first alone writes, and takes that model.
        """
        if self.progress.epoch:
            logger.info("%s: going on after epoch %d", self.config.system, self.progress.epoch)
        with self._progress_bar() as bar:
            while self.progress.epoch < self.config.epochs and not self._out_of_time():
                self._epoch(bar, after_step)
                self._keep_best()
                after_epoch(self)
                self._save()
        if self.workers.rank == 0:
            self.net.set_values(load_arrays(self._model)[0])

    def valid_perplexity(self) -> float:
        """The perplexity of the validation set now."""
        found = perplexity(token_nll(self.net, self._valid_sampler, len(self._valid_ids), self.devices[0]))
        return float(self.workers.of_first(np.array(found)))

    def _epoch(self, bar: tqdm, after_step: Callable[["Training", Chunk], None]) -> None:
        progress, config = self.progress, self.config
        started, tokens, cells, evaluated = time.perf_counter(), 0, 0, 0
        state: State = []
        objective = Objective()
        for chunk in self.sampler.epoch(_derived_seed(config.seed, "epoch", progress.epoch)):
            seed = _derived_seed(config.seed, "step", progress.step)
            state, totals, counted = self.updates.step(chunk, state, seed)
            progress.step += 1
            objective.add(totals, counted)
            after_step(self, chunk)
            tokens, cells = tokens + chunk.tokens, cells + chunk.positions.size
            bar.update(chunk.tokens)
            if progress.step % _READ_EVERY == 0:
                so_far = _show(self._train_perplexity(*objective.read()))
                bar.set_postfix(epoch=progress.epoch + 1, perplexity=so_far, refresh=False)
            due = tokens * config.evaluations // len(self._ids)
            out_of_time = self._out_of_time(time.perf_counter() - started)
            if due > evaluated or out_of_time:
                evaluated = due
                of_all = self.workers.total(np.array(objective.read()))
                progress.train_seconds += time.perf_counter() - started
                share = tokens / len(self._ids) if out_of_time else due / config.evaluations
                self._record(progress.epoch + share, self._train_perplexity(*of_all))
                started = time.perf_counter()
            if out_of_time:
                break
        progress.padding_share = 1 - tokens / cells
        progress.epoch += 1
        self._adapt_rate()

    def _train_perplexity(self, objective: float, tokens: float) -> float | None:
        return self.net.train_perplexity(objective / tokens)

    def _out_of_time(self, more: float = 0.0) -> bool:
        """Whether training has lasted as long as it may, `more` seconds besides those on record included."""
        limit = self.config.time_limit
        return limit is not None and self.progress.train_seconds + more >= limit

    def _record(self, epoch: float, train_perplexity: float | None) -> None:
        """Evaluate and write a point of the curve; the training perplexity is the epoch's mean so far."""
        progress, valid = self.progress, self.valid_perplexity()
        point = {
            "epoch": epoch,
            "train_seconds": progress.train_seconds,
            "train_perplexity": train_perplexity,
            "valid_perplexity": valid,
            "learning_rate": progress.learning_rate,
        }
        progress.curve.append(point)
        logger.info(
            "%s: epoch %.2f of %d: training perplexity %s, validation %.1f, "
            "%.0f words/s, %.0f s, about %.0f s left",
            self.config.system, epoch, self.config.epochs, _show(train_perplexity), valid,
            epoch * len(self._ids) / progress.train_seconds, progress.train_seconds,
            (self.config.epochs / epoch - 1) * progress.train_seconds,
        )  # fmt: skip

    def _adapt_rate(self) -> None:
        """Halve the rate on a validation plateau, or after each epoch from `halve_after` on."""
        progress, valid = self.progress, self.progress.curve[-1]["valid_perplexity"]
        late = self.config.halve_after is not None and progress.epoch >= self.config.halve_after
        plateau = self.config.halve_after is None and valid >= progress.plateau_valid
        if late or plateau:
            progress.learning_rate /= 2
            self.updates.learning_rate = progress.learning_rate
        progress.plateau_valid = min(progress.plateau_valid, valid)

    def _keep_best(self) -> None:
        valid = self.progress.curve[-1]["valid_perplexity"]
        if valid < self.progress.best_valid:
            self.progress.best_valid = valid
            self.progress.best_epoch = self.progress.epoch
            if self.workers.rank == 0:
                save_arrays(self._model, self.net.values(), {"epoch": self.progress.epoch})

    def _progress_bar(self) -> tqdm:
        return tqdm(
            total=self.config.epochs * len(self._ids),
            initial=self.progress.epoch * len(self._ids),
            desc=self.config.system, unit="word", unit_scale=True, dynamic_ncols=True,
            disable=None if self.workers.rank == 0 else True,
        )  # fmt: skip

    def _save(self) -> None:
        if self.workers.rank:
            return
        arrays = {f"model/{name}": array for name, array in self.net.values().items()}
        arrays |= {f"optimizer/{name}": array for name, array in self.updates.state().items()}
        save_arrays(self._checkpoint, arrays, {"origin": self._origin, "progress": asdict(self.progress)})

    def _restore(self) -> dict[str, np.ndarray]:
        """Take net and progress from the checkpoint; the optimizer's state, as updates.state gave it."""
        arrays, facts = load_arrays(self._checkpoint)
        if facts["origin"] != self._origin:
            raise UserError(
                f"{self._checkpoint.parent} holds a run with other settings or another corpus: "
                "remove it or choose another --out"
            )
        self.progress = Progress(**facts["progress"])
        self.net.set_values(_below("model/", arrays))
        return _below("optimizer/", arrays)

    def agree_on_table(self) -> None:
        """Raise UserError where workers have different tables, or other constants."""
        digest = hashlib.sha256()
        for _, array in sorted(self.net.constants().items()):
            digest.update(array.tobytes())
        self.workers.agree("table", digest.hexdigest())


def _below(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _show(perplexity: float | None) -> str:
    return "-" if perplexity is None else f"{perplexity:.1f}"


def _derived_seed(seed: int, purpose: str, number: int) -> int:
    """A 31-bit seed of its own for each (seed, purpose, number)."""
    entropy = [seed, int.from_bytes(purpose.encode(), "little"), number]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0] >> 1)
