"""LightRNN: two-component shared embeddings, input and output (paper section 3.1)."""

from collections.abc import Sequence
from typing import Any

import mxnet as mx
import numpy as np
from mxnet import gluon

from lightrnn_gluon.models.base import Arrays, LanguageModel, StackedLSTM, value_of
from lightrnn_gluon.models.second_input import second_input
from lightrnn_gluon.models.table_output import TableOutput
from lightrnn_gluon.starts import find_start
from lightrnn_gluon.table import WordTable, table_shape
from lightrnn_gluon.word_vectors import TrainingText


class LightRNN(LanguageModel):
    """The LSTM reads c(w[0]), r(w[1]), c(w[1]), ..., c(w[T-1]), r(w[T]), 2T vectors for T words.

    The state after a column predicts the next row, the state after a row that word's column:

        P(w[t] | history) = softmax(Y_r h_c[t-1] + b_r)[r(w[t])] * softmax(Y_c h_r[t] + b_c)[c(w[t])]

    The table is two constants, `row_of` and `column_of`, that `set_table` replaces in place. It
    starts as starts.find_start has it: `random` is the paper's way. Instead of c(w) the net may read
    that of the word's `first_column`, whatever it has now; the sum of `codes` vectors, with which it then
    also predicts (see table_output), each of `code_size` times as many as there are columns; or one of the
    word's own from `rank` numbers: see second_input.
    """

    symbolic = True

    def __init__(
        self,
        vocabulary_size: int,
        hidden: int,
        layers: int,
        dropout: float,
        start: str = "random",
        first_column: bool = False,
        codes: int = 0,
        code_size: int = 1,
        rank: int = 0,
    ) -> None:
        super().__init__()
        self._start = find_start(start)
        columns, rows = table_shape(vocabulary_size)
        with self.name_scope():
            second = second_input(vocabulary_size, columns, hidden, first_column, codes, code_size, rank)
            self.encoder = InterleavedLSTM(vocabulary_size, rows, second, hidden, layers, dropout)
            self.output = TableOutput(vocabulary_size, hidden, second)

    def initialize_from(self, seed: int, context: mx.Context | list[mx.Context]) -> None:
        """Draw the parameters, and the random table that the paper starts from."""
        super().initialize_from(seed, context)
        self.set_table(WordTable.random(self.encoder.row_of.shape[0], seed))

    def read_corpus(self, words: Sequence[str], ids: np.ndarray) -> None:
        """Make a table of the random one and the training text, as the start has it."""
        text = TrainingText(words, ids)
        self.set_table(self._start(self.table, text))
        self.encoder.second.begin(self.table, text)

    @property
    def table(self) -> WordTable:
        """Where each word is now. Raises ValueError if loaded constants are no table."""
        return WordTable.of_places(value_of(self.encoder.row_of), value_of(self.encoder.column_of))

    @property
    def table_integers(self) -> int:
        """A row and a column for each word, and the codes that its second step reads, if it does."""
        return 2 * self.encoder.row_of.shape[0] + self.encoder.second.integers

    def check(self) -> None:
        """See LanguageModel: the table must have each word in a cell of its own, and codes be some."""
        self.encoder.second.check()
        self.output.check(self.table)

    def set_table(self, table: WordTable) -> None:
        """Put every word where `table` has it; parameters stay."""
        self.encoder.row_of.set_data(mx.nd.array(table.row_of, dtype="int32"))
        self.encoder.column_of.set_data(mx.nd.array(table.column_of, dtype="int32"))
        self.output.set_table(table)

    def begin(self, words: mx.nd.NDArray) -> Arrays:
        """The state after r(w[0]), read from a zero state."""
        return self.encoder.begin(words)

    def objective(self, inputs: mx.nd.NDArray, targets: mx.nd.NDArray, *state: mx.nd.NDArray) -> Arrays:
        """See LanguageModel. `predictors` are then the states that predicted rows, and columns, (T, B, H)."""
        *self.predictors, nll, state = self._predict(inputs, targets, *state)
        return [nll, *state]

    def multiplications(self) -> int:
        """See LanguageModel."""
        read = 2 * self.encoder.lstm.multiplications() + self.encoder.second.multiplications()
        return read + self.output.multiplications()

    def hybrid_forward(self, F: Any, inputs: Any, targets: Any, *state: Any) -> Any:  # noqa: D102
        _, _, nll, state = self._predict(inputs, targets, *state)
        return (nll, *state)

    def _predict(self, inputs: Any, targets: Any, *state: Any) -> Any:
        after_column, after_row, rows, columns, *state = self.encoder(inputs, targets, *state)
        row_nll, column_nll = self.output(after_column, after_row, rows, columns)
        return after_column, after_row, (row_nll + column_nll).reshape_like(inputs), state


class InterleavedLSTM(gluon.HybridBlock):
    """From words to the states that predict rows (after a column) and columns (after a row).

    Gives h_c[0..T-1] and h_r[1..T], both (T, B, H), the targets' rows and columns (T, B), and
    the carried state, that after r(w[T]).
    """

    def __init__(
        self, size: int, rows: int, second: gluon.HybridBlock, hidden: int, layers: int, dropout: float
    ) -> None:
        super().__init__()
        with self.name_scope():
            self.second = second
            self.lstm = StackedLSTM(layers, hidden, hidden, dropout)
            self.row_input = self.params.get("row_input", shape=(rows, hidden))
            self.row_of, self.column_of = (
                self.params.get(name, shape=(size,), dtype="int32", init="zeros", grad_req="null")
                for name in ("row_of", "column_of")
            )

    def begin(self, words: mx.nd.NDArray) -> Arrays:
        """See LightRNN.begin."""
        context = words.context
        vectors = self.row_input.data(context).take(self.row_of.data(context).take(words))
        _, *state = self.lstm(vectors.expand_dims(0), *self.lstm.zero_state(len(words), context))
        return state

    def hybrid_forward(  # noqa: D102
        self, F: Any, inputs: Any, targets: Any, *state: Any,
        row_input: Any, row_of: Any, column_of: Any,
    ) -> Any:  # fmt: skip
        rows, columns = F.take(row_of, targets), F.take(column_of, targets)
        vectors = F.stack(
            self.second(inputs, F.take(column_of, inputs)), F.take(row_input, rows), axis=1
        )  # (T, 2, B, E): a column, then the next word's row
        output, *state = self.lstm(F.reshape(vectors, shape=(-3, 0, 0)), *state)
        output = F.reshape(output, shape=(-4, -1, 2, 0, 0))
        after_column, after_row = F.split(output, num_outputs=2, axis=1, squeeze_axis=True)
        return (after_column, after_row, rows, columns, *state)
