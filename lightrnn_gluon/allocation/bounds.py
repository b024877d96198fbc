"""What words would cost in other columns of their rows, at most, where each has a score of its own as well.

With the scores s_w(h) + Y[c(w)] . h + b[c(w)] for the words w of a row, the normaliser Z(h), the sum of
their exponentials, depends on which words have which columns. But log Z' <= log Z + Z'/Z - 1, and Z' is a sum
over words: so all words of a row together never cost more, in new columns, than the sum of

    l(w, c) = sum over w's occurrences of [log Z - s_w - Y[c] . h - b[c] - 1]
            + sum over all occurrences of the row of exp(s_w + Y[c] . h + b[c]) / Z,

which is what they do cost where every word stays. A move that brings this sum down keeps its promise.
"""

from pathlib import Path

import numpy as np
from scipy.special import logsumexp

from lightrnn_gluon.allocation.sums import AddUp, members, zeros
from lightrnn_gluon.files import let_go
from lightrnn_gluon.table import WordTable

_MOST = 1e30  # nats, of those of one `add`: no word goes where this is near, and sums of it stay finite


class ColumnBounds:
    """l(w, c) of V words in all columns, summed over the occurrences that are added."""

    def __init__(self, table: WordTable, directory: Path | None = None) -> None:
        """Nothing summed yet, for the words in the places that they have in `table`.

        Raises UserError where the disk has no room for V numbers a column, if they are too many for memory.
        """
        self._row_of, self._column_of, self._words = table.row_of, table.column_of, table.words()
        self._costs = zeros((len(table), table.columns), directory)

    def add(
        self,
        words: np.ndarray,
        states: np.ndarray,
        weight: np.ndarray,
        bias: np.ndarray,
        word_weight: np.ndarray,
        word_bias: np.ndarray,
    ) -> None:
        """Count N occurrences in.

        Args:
            words: int (N,), the words that occurred.
            states: float32 (N, H), the states that predicted their columns.
            weight: float32 (n, H), the columns' output vectors Y.
            bias: float32 (n,), their biases b.
            word_weight: float32 (V, H), with s_w(h) = word_weight[w] . h + word_bias[w].
            word_bias: float32 (V,).
        """
        order = np.argsort(self._row_of[words], kind="stable")
        rows, first = np.unique(self._row_of[words][order], return_index=True)
        for row, part in zip(rows, np.split(order, first[1:]), strict=True):
            inside = self._words[row][self._words[row] >= 0]
            # float64: a word may score more than e^88 times what all do together, in a column unlike its own.
            of_words = (states[part] @ word_weight[inside].T + word_bias[inside]).astype(np.float64)
            of_columns = (states[part] @ weight.T + bias).astype(np.float64)
            place = self._column_of[words[part]]
            normaliser = logsumexp(of_words + of_columns[:, : len(inside)], axis=1)
            # Of every word of the row in every column.
            highest = of_columns.max(axis=1)
            shares = np.exp(of_words + (highest - normaliser)[:, None])
            costs = np.minimum(shares.T @ np.exp(of_columns - highest[:, None]), _MOST)
            known = (normaliser - of_words[np.arange(len(part)), place] - 1)[:, None]
            self._costs[inside] += costs + members(place, len(inside)) @ (known - of_columns)
        let_go(self._costs)

    def gather(self, add_up: AddUp) -> None:
        """See ComponentSums."""
        add_up(self._costs)

    def costs(self, *vectors: np.ndarray) -> np.ndarray:
        """float32 (V, n), nats over all occurrences, by the vectors that were added with."""
        return self._costs
