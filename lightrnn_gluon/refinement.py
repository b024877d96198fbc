"""Rounds of word re-allocation around training (the paper's "bootstrap", section 3.3)."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path

import mxnet as mx
import numpy as np

from lightrnn_gluon.allocation import METHODS, Costs, allocate
from lightrnn_gluon.allocation.sums import ComponentSums
from lightrnn_gluon.config import NetworkConfig
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.likelihood import chunk_words
from lightrnn_gluon.models import LightRNN
from lightrnn_gluon.sampling import Chunk, Sampler, evaluation_sampler
from lightrnn_gluon.table import WordTable
from lightrnn_gluon.training import Training

logger = logging.getLogger(__name__)

# Output vectors and biases, of rows and of columns.
Vectors = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

# Where the costs of a round come from: a pass over the training text after the epoch, dropout off; or
# the states of the epoch's own steps, dropout on, each with the output vectors right after the step.
_COSTS = ("pass", "training")


class Refinement:
    """Moves all words where the parameters want them, after each epoch named in `rounds_after`.

    Its two methods are what `Training.run` is to call. What a round did is appended to the progress;
    its final perplexity is filled in by the epochs that follow.
    """

    def __init__(self, config: NetworkConfig) -> None:
        """Raises UserError where the configuration names a method or a source of costs that is none."""
        self._method, self._costs_from = config.refinement.method, config.refinement.costs
        for name, value, known in (
            ("method", self._method, sorted(METHODS)),
            ("costs", self._costs_from, _COSTS),
        ):
            if value not in known:
                raise UserError(f"refinement.{name} {value!r} is none of {', '.join(known)}")
        self._sums: TableSums | None = None  # of the epoch so far, if it is to be followed by a round

    def after_step(self, training: Training, chunk: Chunk) -> None:
        """Count in what the step saw, where a round is to take its costs from training."""
        progress, net = training.progress, training.net
        if self._costs_from != "training" or progress.epoch + 1 not in training.config.rounds_after:
            return
        assert isinstance(net, LightRNN), "rounds_after needs a model with a table"
        started = time.perf_counter()
        self._sums = self._sums or TableSums(net, training.directory)
        self._sums.add(chunk, net.predictors, output_vectors(net))
        progress.reallocation_seconds += time.perf_counter() - started  # a step's time, which counts anyway

    def after_epoch(self, training: Training) -> None:
        """Re-allocate, if this epoch is one that a round follows."""
        progress, net = training.progress, training.net
        latest = progress.curve[-1]["valid_perplexity"]
        if progress.rounds:
            progress.rounds[-1]["valid_perplexity_end"] = latest
        if progress.epoch not in training.config.rounds_after:
            return
        assert isinstance(net, LightRNN), "rounds_after needs a model with a table"
        # Compiles, once on a machine: no part of a round's time.
        small = np.zeros((4, 2), np.float32)
        allocate(small, small, method=self._method)
        started = time.perf_counter()
        sums, self._sums = self._sums or _pass(training, net), None
        result = allocate(*sums.costs(output_vectors(net)), current=net.table.cells, method=self._method)
        assert result.initial_cost is not None and result.moved is not None
        net.set_table(WordTable(result.cells))
        seconds = time.perf_counter() - started
        progress.reallocation_seconds += seconds
        progress.train_seconds += seconds
        progress.plateau_valid = float("inf")  # the plateau before the move says nothing about the new table
        progress.rounds.append(
            {
                "epoch": progress.epoch,
                "valid_perplexity_before": latest,
                "valid_perplexity_after": training.valid_perplexity(),
                "valid_perplexity_end": latest,
                "moved_share": result.moved,
                "cost_before_nats_per_token": result.initial_cost / sums.tokens,
                "cost_after_nats_per_token": result.cost / sums.tokens,
                "bound_nats_per_token": result.lower_bound / sums.tokens,
                "seconds": seconds,
            }
        )
        logger.info(
            "%s: round %d: %.1f %% of the words moved, cost %.4f -> %.4f nats a token (bound %.4f), "
            "validation perplexity %.1f -> %.1f, %.1f s",
            training.config.system, len(progress.rounds), 100 * result.moved,
            result.initial_cost / sums.tokens, result.cost / sums.tokens,
            result.lower_bound / sums.tokens, latest, progress.rounds[-1]["valid_perplexity_after"], seconds,
        )  # fmt: skip


class TableSums:
    """The sums for rows and for columns over targets of a text."""

    def __init__(self, net: LightRNN, directory: Path | None = None) -> None:
        """Nothing summed yet; what is too large for memory goes into files in `directory`."""
        table, hidden = net.table, net.output.row_weight.shape[1]
        self.rows = ComponentSums(len(table), table.rows, hidden, directory)
        self.columns = ComponentSums(len(table), table.columns, hidden, directory)

    @property
    def tokens(self) -> int:
        """How many targets were counted in."""
        return int(self.rows.counts.sum())

    def add(self, chunk: Chunk, predictors: Sequence[mx.nd.NDArray], vectors: Vectors) -> None:
        """Count in a chunk's targets, given the states (T, B, H) that predicted rows, and columns."""
        inside = chunk.positions >= 0
        words = chunk.targets[inside]
        for sums, states, pair in zip((self.rows, self.columns), predictors, vectors, strict=True):
            sums.add(words, states.asnumpy()[inside], *pair)

    def costs(self, vectors: Vectors) -> tuple[Costs, Costs]:
        """What each word would cost in each row, and in each column."""
        of_rows, of_columns = vectors
        return self.rows.costs(*of_rows), self.columns.costs(*of_columns)


def accumulate(
    net: LightRNN, sampler: Sampler, context: mx.Context, directory: Path | None = None
) -> TableSums:
    """The sums over all targets of a text, by one pass without dropout."""
    sums, vectors = TableSums(net, directory), output_vectors(net)
    state: list[mx.nd.NDArray] = []
    for chunk in sampler.epoch(None):
        inputs, targets = chunk_words(chunk, context)
        state = net.begin(inputs[0]) if chunk.starts else state
        after_column, after_row, _, _, *state = net.encoder(inputs, targets, *state)
        sums.add(chunk, (after_column, after_row), vectors)
    return sums


def output_vectors(net: LightRNN) -> Vectors:
    """A copy of the present ones."""
    return net.output.row_vectors(), net.output.column_vectors()


def _pass(training: Training, net: LightRNN) -> TableSums:
    config, corpus = training.config, training.corpus
    reader = evaluation_sampler(config.sampler, corpus.ids("train"), corpus.vocabulary)
    return accumulate(net, reader, training.context, training.directory)
