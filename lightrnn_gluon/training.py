"""Training a network by the paper's protocol: one epoch loop for all models.

Truncated back-propagation through time; the loss is summed over time and averaged over the batch
(the paper's clip of 5.0 and rate of 1.0 presuppose it); the gradient's global norm is clipped; the
rate is halved on a validation plateau. All randomness of a step follows from (seed, step), so a run
that is stopped and started again goes on as if it had not been.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
from tqdm import tqdm

from lightrnn_gluon.checkpoint import load_arrays, save_arrays
from lightrnn_gluon.config import NetworkConfig
from lightrnn_gluon.corpus import Corpus
from lightrnn_gluon.errors import Diverged, UserError
from lightrnn_gluon.evaluation import perplexity
from lightrnn_gluon.likelihood import token_nll
from lightrnn_gluon.models import LanguageModel
from lightrnn_gluon.progress import Checkpoint, Progress, Within, below, times_left
from lightrnn_gluon.sampling import Chunk, evaluation_sampler, make_sampler
from lightrnn_gluon.signals import uninterrupted
from lightrnn_gluon.updates import Objective, State, Updates
from lightrnn_gluon.workers import ALONE, Workers

logger = logging.getLogger(__name__)

READ_EVERY = 20  # steps
SAVE_EVERY = 600.0  # seconds
_SETBACKS = 3  # before a run that diverges is given up
CHECKPOINT, MODEL = "checkpoint.safetensors", "model.safetensors"


class Training:
    """A network in training: parameters, optimizer state and progress, saved at least after each epoch.

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
        origin = {"config": asdict(config), "corpus": corpus.checksum}
        self.directory, self._model = directory, directory / MODEL
        self._checkpoint = Checkpoint(directory / CHECKPOINT, origin)
        # Within an epoch only where nothing else is under way: sums for a round, or other workers' states.
        self._saves_within = config.refinement.costs == "pass" and workers.number == 1
        self._saved = time.monotonic()
        self.progress = Progress(learning_rate=config.learning_rate)
        self._state: State = []
        self.objective = Objective()  # of the epoch under way
        net.initialize_from(config.seed, self.devices)
        net.hybridize(static_alloc=True)
        if self._checkpoint.path.is_file():
            self._restore()
        else:
            started = time.perf_counter()
            net.read_corpus(corpus.vocabulary.words, self._ids)
            self.progress.train_seconds += time.perf_counter() - started
            self.updates = self._new_updates()
        known = json.dumps([origin, self.progress.step])
        workers.agree("corpus, configuration or checkpoint", hashlib.sha256(known.encode()).hexdigest())
        self.agree_on_table()

    def run(
        self,
        after_epoch: Callable[["Training"], None],
        after_step: Callable[["Training", Chunk], None] = lambda training, chunk: None,
    ) -> None:
        """Train to the last epoch, or for as long as training may last, then take the best epoch's model.

        `after_epoch` may change the table. Of several workers the first alone writes, and takes that model.
        A signal to stop ends it with all that was done saved, but for what is under way between epochs.
        Raises UserError where training diverges again and again.
        """
        progress = self.progress
        if progress.step:
            logger.info(
                "%s: going on after epoch %d and %d steps",
                self.config.system, progress.epoch, progress.within.chunks,
            )  # fmt: skip
        else:
            self._save()
        with self._progress_bar() as bar:
            while not self._finished():
                if self.progress.followed == self.progress.epoch:
                    try:
                        self._epoch(bar, after_step)
                    except Diverged:
                        self._go_back()
                        bar.update(self._words_read() - bar.n)
                        continue
                after_epoch(self)
                self.progress.followed = self.progress.epoch
                self._save()
        if self.workers.rank == 0:
            self.net.set_values(load_arrays(self._model)[0])

    def _finished(self) -> bool:
        progress = self.progress
        out_of_time = self._out_of_time() and not progress.within.chunks
        return progress.followed == progress.epoch and (progress.epoch == self.config.epochs or out_of_time)

    def valid_perplexity(self) -> float:
        """The perplexity of the validation set now."""
        found = perplexity(token_nll(self.net, self._valid_sampler, len(self._valid_ids), self.devices[0]))
        return float(self.workers.of_first(np.array(found)))

    def _epoch(self, bar: tqdm, after_step: Callable[["Training", Chunk], None]) -> None:
        """The epoch under way, to its end."""
        try:
            self._steps(bar, after_step)
        except (SystemExit, KeyboardInterrupt):
            with suppress(Diverged):
                self._save_within()
            raise
        with uninterrupted():
            progress, within = self.progress, self.progress.within
            progress.padding_share = 1 - within.tokens / within.cells
            progress.epoch += 1
            progress.within, self._state = Within(), []
            self._adapt_rate()
            self._keep_best()
            self._save()

    def _steps(self, bar: tqdm, after_step: Callable[["Training", Chunk], None]) -> None:
        progress, within = self.progress, self.progress.within
        self.objective = Objective(within.nats, within.counted)
        chunks = self.sampler.epoch(_derived_seed(self.config.seed, "epoch", progress.epoch))
        self._clock = time.perf_counter()
        self._evaluate_if_due()  # where that was cut short
        for chunk in islice(chunks, within.chunks, None):
            with uninterrupted():
                seed = _derived_seed(self.config.seed, "step", progress.step)
                self._state, totals, counted = self.updates.step(chunk, self._state, seed)
                self.objective.add(totals, counted)
                progress.step += 1
                within.chunks += 1
                within.tokens += chunk.tokens
                within.cells += chunk.positions.size
            after_step(self, chunk)
            bar.update(chunk.tokens)
            if progress.step % READ_EVERY == 0:
                so_far = _show(self._train_perplexity(*self.objective.read()))
                left = times_left(progress, len(self._ids), self.config.rounds_after, bar.format_dict["rate"])
                bar.set_postfix(epoch=progress.epoch + 1, perplexity=so_far, refresh=False, **left)
            self._evaluate_if_due()
            if self._out_of_time():
                break
            if time.monotonic() - self._saved > SAVE_EVERY:
                self._save_within()

    def _evaluate_if_due(self) -> None:
        progress, within, evaluations = self.progress, self.progress.within, self.config.evaluations
        progress.train_seconds += time.perf_counter() - self._clock
        due, out_of_time = within.tokens * evaluations // len(self._ids), self._out_of_time()
        if due > within.evaluations or out_of_time:
            share = within.tokens / len(self._ids) if out_of_time else due / evaluations
            objective = self._train_perplexity(*self.workers.total(np.array(self.objective.read())))
            point = self._evaluate(progress.epoch + share, objective)
            with uninterrupted():
                progress.curve.append(point)
                within.evaluations = due
        self._clock = time.perf_counter()

    def _train_perplexity(self, objective: float, tokens: float) -> float | None:
        return self.net.train_perplexity(objective / tokens)

    def _out_of_time(self) -> bool:
        """Whether training has lasted as long as it may."""
        limit = self.config.time_limit
        return limit is not None and self.progress.train_seconds >= limit

    def _evaluate(self, epoch: float, train_perplexity: float | None) -> dict[str, Any]:
        """A point of the curve; the training perplexity is the epoch's mean so far."""
        progress, valid = self.progress, self.valid_perplexity()
        logger.info(
            "%s: epoch %.2f of %d: training perplexity %s, validation %.1f, "
            "%.0f words/s, %.0f s, about %.0f s left",
            self.config.system, epoch, self.config.epochs, _show(train_perplexity), valid,
            epoch * len(self._ids) / progress.train_seconds, progress.train_seconds,
            (self.config.epochs / epoch - 1) * progress.train_seconds,
        )  # fmt: skip
        return {
            "epoch": epoch,
            "train_seconds": progress.train_seconds,
            "train_perplexity": train_perplexity,
            "valid_perplexity": valid,
            "learning_rate": progress.learning_rate,
        }

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
            total=self.config.epochs * len(self._ids), initial=self._words_read(),
            desc=self.config.system, unit="word", unit_scale=True, dynamic_ncols=True,
            disable=None if self.workers.rank == 0 else True,
        )  # fmt: skip

    def _words_read(self) -> int:
        return self.progress.epoch * len(self._ids) + self.progress.within.tokens

    def _go_back(self) -> None:
        """To the last state saved, with half its rate. Raises Diverged where that has helped too little."""
        if self.workers.number > 1 or self.progress.setbacks == _SETBACKS:
            raise Diverged
        self._restore()
        self.progress.setbacks += 1
        self.progress.learning_rate /= 2
        self.updates.learning_rate = self.progress.learning_rate
        self._save()
        logger.info(
            "%s: training has diverged: going back to epoch %d and %d steps, with the rate halved to %g",
            self.config.system, self.progress.epoch, self.progress.within.chunks, self.progress.learning_rate,
        )  # fmt: skip

    def _save_within(self) -> None:
        """Save what has been done of the epoch under way, where that can be gone on with."""
        if self._saves_within:
            within = self.progress.within
            within.nats, within.counted = self.objective.read()
            self._save()
            self._clock = time.perf_counter()

    def _save(self) -> None:
        self._saved = time.monotonic()
        if self.workers.rank:
            return
        arrays = {f"model/{name}": array for name, array in self.net.values().items()}
        arrays |= {f"optimizer/{name}": array for name, array in self.updates.state().items()}
        for place, carried in enumerate(self._state):
            arrays |= {f"state/{place}/{i}": array.asnumpy() for i, array in enumerate(carried)}
        self._checkpoint.save(self.progress, arrays)

    def _restore(self) -> None:
        """Be as the checkpoint has it. Raises UserError where that is damaged or another run's."""
        self.progress, arrays = self._checkpoint.load()
        self.net.set_values(below("model/", arrays))
        self.updates = self._new_updates()
        if self.progress.step:
            self.updates.set_state(below("optimizer/", arrays))
        self._state = [
            [mx.nd.array(array, ctx=device) for array in below(f"state/{place}/", arrays).values()]
            for place, device in enumerate(self.devices)
        ]

    def _new_updates(self) -> Updates:
        progress = self.progress
        return Updates(
            self.net, self.config, self.sampler.batch_size, self.devices, self.workers, progress.step,
            progress.learning_rate,
        )  # fmt: skip

    def agree_on_table(self) -> None:
        """Raise UserError where workers have different tables, or other constants."""
        digest = hashlib.sha256()
        for _, array in sorted(self.net.constants().items()):
            digest.update(array.tobytes())
        self.workers.agree("table", digest.hexdigest())


def _show(perplexity: float | None) -> str:
    return "-" if perplexity is None else f"{perplexity:.1f}"


def _derived_seed(seed: int, purpose: str, number: int) -> int:
    """A 31-bit seed of its own for each (seed, purpose, number)."""
    entropy = [seed, int.from_bytes(purpose.encode(), "little"), number]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0] >> 1)
