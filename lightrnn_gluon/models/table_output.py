"""What predicts a word by its place in the table: a softmax over rows, one over the words of a row."""

from typing import Any

import numpy as np
from mxnet import gluon, nd

from lightrnn_gluon.models.base import absent_cells, pick_nll, value_of
from lightrnn_gluon.models.second_input import CodeInput, SecondInput
from lightrnn_gluon.table import WordTable, table_shape


class TableOutput(gluon.HybridBlock):
    """Negative log-likelihoods (N,) of rows and of columns, from the two states that predict them.

    The paper has a vector and a bias for each row and for each column (section 3.1), so that the words of
    one column are predicted alike in all rows. Where the net reads codes, the same vectors E tell the words
    of a row apart as well, and so do biases of their own:

        P(w | r, h) = softmax over the row's words of (Y_c[c(w)] + sum of E[code(w)]) . h + b_c[c(w)] + b[w]

    That E is read and predicted with is as Press and Wolf (2017) tie the vectors of words. `coded` says
    whether it is so.
    """

    def __init__(self, size: int, hidden: int, second: SecondInput) -> None:
        coded = isinstance(second, CodeInput)
        super().__init__(params=second.params if coded else None)
        self.coded = coded
        columns, rows = table_shape(size)
        self._last_row = rows - 1
        absent = absent_cells(size, rows, columns)
        with self.name_scope():
            self.row_weight = self.params.get("row_weight", shape=(rows, hidden))
            self.row_bias = self.params.get("row_bias", shape=(rows,), init="zeros")
            self.column_weight = self.params.get("column_weight", shape=(columns, hidden))
            self.column_bias = self.params.get("column_bias", shape=(columns,), init="zeros")
            if absent is not None:
                self.absent = self.params.get_constant("absent", absent)
            if isinstance(second, CodeInput):
                self.code_input = self.params.get("code_input", shape=second.code_input.shape)
                self.code_of = self.params.get("code_of", shape=second.code_of.shape)
                self.word_bias = self.params.get("word_bias", shape=(size,), init="zeros")
                self.word_in = self.params.get(
                    "word_in", shape=(rows, columns), dtype="int32", init="zeros", grad_req="null"
                )

    def set_table(self, table: WordTable) -> None:
        """Take note of where every word is."""
        if self.coded:
            self.word_in.set_data(nd.array(_words_in(table), dtype="int32"))

    def check(self, table: WordTable) -> None:
        """Raise ValueError where what was put in is of another table."""
        if self.coded and not np.array_equal(value_of(self.word_in), _words_in(table)):
            raise ValueError("the words of its cells are not those that its table has there")

    def multiplications(self) -> int:
        """How many multiplications one word costs."""
        tables = [self.row_weight, self.column_weight, *([self.code_input] if self.coded else [])]
        return sum(int(np.prod(table.shape)) for table in tables)

    def row_vectors(self) -> tuple[np.ndarray, np.ndarray]:
        """Y_r (rows, H) and b_r (rows,)."""
        return value_of(self.row_weight), value_of(self.row_bias)

    def column_vectors(self) -> tuple[np.ndarray, ...]:
        """Y_c (columns, H) and b_c (columns,); with codes also the words' sums of E (V, H), and b (V,)."""
        of_columns = value_of(self.column_weight), value_of(self.column_bias)
        if not self.coded:
            return of_columns
        vectors = value_of(self.code_input)[value_of(self.code_of)].sum(axis=1)
        return *of_columns, vectors, value_of(self.word_bias)

    def hybrid_forward(  # noqa: D102
        self, F: Any, after_column: Any, after_row: Any, rows: Any, columns: Any,
        row_weight: Any, row_bias: Any, column_weight: Any, column_bias: Any, absent: Any = None,
        code_input: Any = None, code_of: Any = None, word_bias: Any = None, word_in: Any = None,
    ) -> Any:  # fmt: skip
        flat = dict(shape=(-3, 0))
        rows, columns = F.reshape(rows, shape=-1), F.reshape(columns, shape=-1)
        after_column, after_row = F.reshape(after_column, **flat), F.reshape(after_row, **flat)
        n_rows, n_columns = self.row_bias.shape[0], self.column_bias.shape[0]
        row_logits = F.FullyConnected(after_column, row_weight, row_bias, num_hidden=n_rows)
        column_logits = F.FullyConnected(after_row, column_weight, column_bias, num_hidden=n_columns)
        if self.coded:
            # (N, columns); blocked, for MXNet 1.9.1 fails on the gradient of what is looked up by twice.
            words = F.BlockGrad(F.take(word_in, rows))
            column_logits = column_logits + F.take(word_bias, words)
            column_logits = column_logits + self._of_codes(F, after_row, code_input, F.take(code_of, words))
        if absent is not None:
            in_last_row = F.cast(rows == self._last_row, "float32")
            column_logits = column_logits + F.dot(F.expand_dims(in_last_row, 1), absent)
        return pick_nll(F, row_logits, rows), pick_nll(F, column_logits, columns)

    def _of_codes(self, F: Any, states: Any, vectors: Any, codes: Any) -> Any:
        """States (N, H) times the sums of the vectors (n, H) that codes (N, columns, K) name: (N, columns).

        Each state is multiplied by each vector once; words' scores are then looked up and added.
        """
        number = self.code_input.shape[0]
        scores = F.FullyConnected(states, vectors, None, num_hidden=number, no_bias=True)
        first = number * F.cast(F.contrib.arange_like(states, axis=0), "int32")  # of each state's scores
        places = F.BlockGrad(F.broadcast_add(F.reshape(first, shape=(-1, 1, 1)), codes))
        return F.sum(F.take(F.reshape(scores, shape=-1), places), axis=2)


def _words_in(table: WordTable) -> np.ndarray:
    """int32 (rows, columns): each cell's word, 0 where there is none, which no row ever asks for."""
    return np.maximum(table.words(), 0)
