"""Rounds of word re-allocation around training (the paper's "bootstrap", section 3.3)."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import mxnet as mx
import numpy as np

from lightrnn_gluon.allocation import METHODS, Costs, allocate
from lightrnn_gluon.allocation.bounds import ColumnBounds
from lightrnn_gluon.allocation.sums import ComponentSums
from lightrnn_gluon.caution import cautious
from lightrnn_gluon.config import NetworkConfig, RefinementConfig
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.files import write_array
from lightrnn_gluon.likelihood import chunk_words
from lightrnn_gluon.models import LightRNN
from lightrnn_gluon.moves import MOVES, chosen_cost, steps
from lightrnn_gluon.sampling import Chunk, Sampler, evaluation_sampler
from lightrnn_gluon.table import WordTable
from lightrnn_gluon.training import Training
from lightrnn_gluon.workers import ALONE, Workers

logger = logging.getLogger(__name__)

# Output vectors and biases, of rows and of columns; with codes, the words' own come with the columns'.
Vectors = tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]

# N words that occurred, integers (N,), and the states (N, H) that predicted their rows, and their columns.
Occurrences = tuple[np.ndarray, np.ndarray, np.ndarray]
_TOGETHER = 1 << 14

# Where the costs of a round come from: a pass over the training text after the epoch, dropout off; or
# the states of the epoch's own steps, dropout on, each with the output vectors right after the step.
_COSTS = ("pass", "training")


class Refinement:
    """Moves all words where the parameters want them, after each epoch named in `rounds_after`.

    Its two methods are what `Training.run` is to call. What a round did is appended to the progress;
    its final perplexity is filled in by the epochs that follow.
    """

    def __init__(self, config: NetworkConfig, workers: Workers = ALONE) -> None:
        """Raises UserError where the configuration names a move, a method or a source that is none."""
        settings = config.refinement
        self._move, self._method, self._costs_from = settings.move, settings.method, settings.costs
        for name, value, known in (
            ("move", self._move, MOVES),
            ("method", self._method, sorted(METHODS)),
            ("costs", self._costs_from, _COSTS),
        ):
            if value not in known:
                raise UserError(f"refinement.{name} {value!r} is none of {', '.join(known)}")
        if self._costs_from == "training" and config.devices * workers.number > 1:
            raise UserError("refinement.costs training: on one device alone; say refinement.costs=pass")
        if config.options.get("codes") and config.rounds_after and self._move != "columns":
            raise UserError(
                f"refinement.move {self._move!r}: words with codes can change columns inside their rows "
                "alone, refinement.move=columns"
            )
        if settings.pooling and self._move == "columns":
            raise UserError(
                "refinement.pooling changes nothing where words change columns inside their rows alone, for "
                "all words of a row get the same: leave it out, or say another refinement.move"
            )
        if self._method != RefinementConfig.method and self._move != "joint":
            raise UserError(
                f"refinement.method {self._method!r}: words that move inside rows or columns always do so at "
                "the least cost: leave it out, or say refinement.move=joint"
            )
        self._caution = settings.pooling, settings.damping
        if min(self._caution) < 0:
            raise UserError(
                "refinement: pooling is {}, damping is {}: neither may be below 0".format(*self._caution)
            )
        self._sums: TableSums | None = None  # of the epoch so far, if it is to be followed by a round

    def after_step(self, training: Training, chunk: Chunk) -> None:
        """Count in what the step saw, where a round is to take its costs from training."""
        progress, net = training.progress, training.net
        if self._costs_from != "training" or progress.epoch + 1 not in training.config.rounds_after:
            return
        assert isinstance(net, LightRNN), "rounds_after needs a model with a table"
        started = time.perf_counter()
        self._sums = self._sums or TableSums(net, training.directory)
        self._sums.add(_occurrences(chunk, net.predictors), output_vectors(net))
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
        if self._move == "joint":
            # Compiles, once on a machine: no part of a round's time. Fewer words would not need all of it.
            small = np.random.default_rng(0).random((1024, 32), np.float32)
            allocate(small, small, method=self._method)
        if not progress.rounds:
            _keep_table(training, net)
        started, cells = time.perf_counter(), net.table.cells
        promised = self._move_words(training, net)
        seconds = time.perf_counter() - started
        progress.reallocation_seconds += seconds
        progress.train_seconds += seconds
        progress.plateau_valid = float("inf")  # the plateau before the move says nothing about the new table
        row_nats, column_nats = _pass(training, net).nats(net.table, output_vectors(net))
        entry = {
            "epoch": progress.epoch,
            "valid_perplexity_before": latest,
            "valid_perplexity_after": training.valid_perplexity(),
            "valid_perplexity_end": latest,
            "moved_share": float(np.mean(net.table.cells != cells)),
            **promised,
            "row_nats_real": row_nats,
            "column_nats_real": column_nats,
            "seconds": seconds,
        }
        progress.rounds.append(entry)
        _keep_table(training, net)
        logger.info(
            "%s: round %d: %.1f %% of the words moved, cost %.4f -> %.4f nats a token (bound %.4f); promised "
            "%.4f, in fact %.4f; validation perplexity %.1f -> %.1f, %.1f s",
            training.config.system, len(progress.rounds), 100 * entry["moved_share"],
            *(entry[f"{name}_nats_per_token"] for name in ("cost_before", "cost_after", "bound")),
            entry["row_nats_promised"] + entry["column_nats_promised"], row_nats + column_nats,
            latest, entry["valid_perplexity_after"], seconds,
        )  # fmt: skip

    def _move_words(self, training: Training, net: LightRNN) -> dict[str, float]:
        """Make the move; what words cost before and after by the costs that it goes by, in nats a token.

        What rows and columns cost before, and what its last step promises, is without pooling and damping.
        """
        vectors, found, before = output_vectors(net), [], None
        for step in steps(self._move, self._method):
            sums, self._sums = self._sums or _pass(training, net), None
            before = before or sums.nats(net.table, vectors)
            costs = cautious(sums.costs(vectors), sums.rows.counts, net.table, *self._caution)
            found.append(step(*costs, net.table))
            # The first worker's: another machine's might differ by a tie.
            net.set_table(WordTable(training.workers.of_first(found[-1].cells)))
        training.agree_on_table()
        assert before is not None and found[0].initial_cost is not None
        row_nats, column_nats = sums.nats(net.table, vectors)
        return {
            "cost_before_nats_per_token": found[0].initial_cost / sums.tokens,
            "cost_after_nats_per_token": found[-1].cost / sums.tokens,
            "bound_nats_per_token": found[-1].lower_bound / sums.tokens,
            "row_nats_before": before[0],
            "column_nats_before": before[1],
            "row_nats_promised": row_nats,
            "column_nats_promised": column_nats,
        }


class TableSums:
    """The sums for rows and for columns over targets of a text; bounds for columns where words have codes."""

    def __init__(self, net: LightRNN, directory: Path | None = None) -> None:
        """Nothing summed yet; what is too large for memory goes into files in `directory`."""
        table, hidden = net.table, net.output.row_weight.shape[1]
        self.rows = ComponentSums(len(table), table.rows, hidden, directory)
        self.columns: ComponentSums | ColumnBounds
        if net.output.coded:
            self.columns = ColumnBounds(table, directory)
        else:
            self.columns = ComponentSums(len(table), table.columns, hidden, directory)

    @property
    def tokens(self) -> int:
        """How many targets were counted in."""
        return int(self.rows.counts.sum())

    def add(self, occurrences: Occurrences, vectors: Vectors) -> None:
        """Count in words that occurred, by the vectors that predicted them."""
        words, *states = occurrences
        if not len(words):  # a worker's share may be all padding
            return
        for sums, own, pair in zip((self.rows, self.columns), states, vectors, strict=True):
            sums.add(words, own, *pair)

    def gather(self, workers: Workers) -> None:
        """Take in what other workers have counted."""
        self.rows.gather(workers.add_up)
        self.columns.gather(workers.add_up)

    def nats(self, table: WordTable, vectors: Vectors) -> tuple[float, float]:
        """What words cost in the rows, and in the columns, that a table has for them: nats a token each."""
        row_costs, column_costs = self.costs(vectors)
        rows, columns = chosen_cost(row_costs, table.row_of), chosen_cost(column_costs, table.column_of)
        return rows / self.tokens, columns / self.tokens

    def costs(self, vectors: Vectors) -> tuple[Costs, Costs]:
        """What each word would cost in each row, and in each column."""
        of_rows, of_columns = vectors
        return self.rows.costs(*of_rows), self.columns.costs(*of_columns)


def accumulate(
    net: LightRNN,
    sampler: Sampler,
    context: mx.Context,
    directory: Path | None = None,
    workers: Workers = ALONE,
) -> TableSums:
    """The sums over all targets of a text, by one pass without dropout that workers share."""
    sums, vectors = TableSums(net, directory), output_vectors(net)
    for occurrences in _joined(_read(net, sampler, context, workers)):
        sums.add(occurrences, vectors)
    sums.gather(workers)
    return sums


def _read(net: LightRNN, sampler: Sampler, context: mx.Context, workers: Workers) -> Iterator[Occurrences]:
    """The targets of this worker's share of a text, chunk by chunk."""
    state: list[mx.nd.NDArray] = []
    for batch in sampler.epoch(None):
        chunk = batch.share(workers.rank, workers.number)
        inputs, targets = chunk_words(chunk, context)
        state = net.begin(inputs[0]) if chunk.starts else state
        after_column, after_row, _, _, *state = net.encoder(inputs, targets, *state)
        yield _occurrences(chunk, (after_column, after_row))


def _occurrences(chunk: Chunk, predictors: Sequence[mx.nd.NDArray]) -> Occurrences:
    """A chunk's targets, given the states (T, B, H) that predicted rows, and columns."""
    inside = chunk.positions >= 0
    of_rows, of_columns = (states.asnumpy()[inside] for states in predictors)
    return chunk.targets[inside], of_rows, of_columns


def _joined(parts: Iterable[Occurrences]) -> Iterator[Occurrences]:
    """The same ones, so many together that a row, whose words are summed up together, has several of them."""
    waiting: list[Occurrences] = []
    for part in parts:
        waiting.append(part)
        if sum(len(words) for words, *_ in waiting) >= _TOGETHER:
            yield _all_of(waiting)
            waiting = []
    if waiting:
        yield _all_of(waiting)


def _all_of(parts: list[Occurrences]) -> Occurrences:
    words, of_rows, of_columns = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return words, of_rows, of_columns


def output_vectors(net: LightRNN) -> Vectors:
    """A copy of the present ones."""
    return net.output.row_vectors(), net.output.column_vectors()


TABLES = "table-*.npy"  # the files that table_path names


def table_path(directory: Path, rounds: int) -> Path:
    """Where a run keeps its table as it was after so many rounds, int32 (V,) cells."""
    return directory / f"table-{rounds}.npy"


def _keep_table(training: Training, net: LightRNN) -> None:
    if training.workers.rank == 0:
        write_array(table_path(training.directory, len(training.progress.rounds)), net.table.cells)


def _pass(training: Training, net: LightRNN) -> TableSums:
    config, corpus = training.config, training.corpus
    reader = evaluation_sampler(config.sampler, corpus.ids("train"), corpus.vocabulary)
    return accumulate(net, reader, training.devices[0], training.directory, training.workers)
