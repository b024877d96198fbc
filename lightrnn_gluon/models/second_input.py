"""What the second of a word's two steps reads, once the first has read the vector of its row.

The paper reads the vector of the word's column in the table (section 3.1), so that a word that changes its
column is read as another than the net was trained on. At that step the whole word is known: any vector of it
may be read. All below but the paper's are left alone when words move.
"""

from typing import Any

import numpy as np
from mxnet import gluon

from lightrnn_gluon.models.base import value_of
from lightrnn_gluon.starts import codes
from lightrnn_gluon.table import WordTable
from lightrnn_gluon.word_vectors import TrainingText


class SecondInput(gluon.HybridBlock):
    """From words and their columns in the table, both integers (T, B), to vectors (T, B, H)."""

    integers = 0  # how many, other than trained numbers, it keeps of the words

    def begin(self, table: WordTable, text: TrainingText) -> None:
        """Take what it takes from the table that training starts from, and from the text."""

    def check(self) -> None:
        """Raise ValueError where what it keeps of the words, having been put in, can be nothing of them."""

    def multiplications(self) -> int:
        """How many one word costs; none where vectors are looked up."""
        return 0


class ColumnInput(SecondInput):
    """The vector of the word's column, (columns, H): the paper's way."""

    def __init__(self, columns: int, hidden: int) -> None:
        super().__init__()
        with self.name_scope():
            self.column_input = self.params.get("column_input", shape=(columns, hidden))

    def hybrid_forward(self, F: Any, words: Any, columns: Any, column_input: Any) -> Any:  # noqa: D102
        return F.take(column_input, columns)


class FirstColumnInput(SecondInput):
    """The vector of the column that the word had in the table that training started from."""

    def __init__(self, size: int, columns: int, hidden: int) -> None:
        super().__init__()
        self.integers = size
        with self.name_scope():
            self.column_input = self.params.get("column_input", shape=(columns, hidden))
            self.first_column_of = self.params.get(
                "first_column_of", shape=(size,), dtype="int32", init="zeros", grad_req="null"
            )

    def begin(self, table: WordTable, text: TrainingText) -> None:
        """See SecondInput."""
        self.first_column_of.set_data(table.column_of)

    def check(self) -> None:
        """See SecondInput."""
        _check_range(value_of(self.first_column_of), self.column_input.shape[0], "first column")

    def hybrid_forward(  # noqa: D102
        self, F: Any, words: Any, columns: Any, column_input: Any, first_column_of: Any
    ) -> Any:
        return F.take(column_input, F.take(first_column_of, words))


class CodeInput(SecondInput):
    """The sum of one vector from each of `codes` input tables, of `vectors` each.

    A word's codes say which, and part the words of a row by what counts of neighbours tell of them (see
    starts.codes). The output layer shares the tables.
    """

    def __init__(self, size: int, hidden: int, codes: int, vectors: int) -> None:
        super().__init__()
        self.integers, self._vectors = size * codes, vectors
        with self.name_scope():
            self.code_input = self.params.get("code_input", shape=(codes * vectors, hidden))
            self.code_of = self.params.get(
                "code_of", shape=(size, codes), dtype="int32", init="zeros", grad_req="null"
            )

    def begin(self, table: WordTable, text: TrainingText) -> None:
        """See SecondInput."""
        number = self.code_of.shape[1]
        offsets = self._vectors * np.arange(number, dtype=np.int32)
        self.code_of.set_data(codes(table, text, number, self._vectors) + offsets)

    def check(self) -> None:
        """See SecondInput."""
        _check_range(value_of(self.code_of), self.code_input.shape[0], "code")

    def hybrid_forward(  # noqa: D102
        self, F: Any, words: Any, columns: Any, code_input: Any, code_of: Any
    ) -> Any:
        number = self.code_of.shape[1]
        vectors = F.take(code_input, F.take(code_of, words))  # (T, B, codes, H)
        parts = F.split(vectors, num_outputs=number, axis=2, squeeze_axis=True)
        return F.add_n(*parts) if number > 1 else parts  # several times as fast as a sum over that axis


class LowRankInput(SecondInput):
    """A vector of the word's own, of `rank` numbers, times a matrix (rank, H)."""

    def __init__(self, size: int, hidden: int, rank: int) -> None:
        super().__init__()
        self._hidden = hidden
        with self.name_scope():
            self.word_input = self.params.get("word_input", shape=(size, rank))
            self.widening_input = self.params.get("widening_input", shape=(hidden, rank))

    def multiplications(self) -> int:
        """See SecondInput."""
        return int(np.prod(self.widening_input.shape))

    def hybrid_forward(  # noqa: D102
        self, F: Any, words: Any, columns: Any, word_input: Any, widening_input: Any
    ) -> Any:
        vectors = F.take(word_input, words)
        return F.FullyConnected(
            vectors, widening_input, None, num_hidden=self._hidden, no_bias=True, flatten=False
        )


def _check_range(values: np.ndarray, number: int, what: str) -> None:
    """Raise ValueError where one of the values, integers, is not from 0 on and below `number`."""
    if ((values < 0) | (values >= number)).any():
        raise ValueError(f"a word's {what} is none of 0 to {number - 1}")


def second_input(
    size: int, columns: int, hidden: int, first_column: bool, codes: int, code_size: int, rank: int
) -> SecondInput:
    """The one that is asked for: the word's first column, so many codes, or that rank; else the paper's.

    A code is one of `code_size` times as many vectors as the table has columns, but no more than there are
    words. Raises ValueError where two of them are asked for, or less than none.
    """
    if min(codes, rank) < 0 or first_column + (codes > 0) + (rank > 0) > 1 or code_size < 1:
        raise ValueError(
            f"first_column is {first_column}, codes {codes}, code_size {code_size}, rank {rank}: one of "
            "first_column, codes and rank may be asked for, none be below 0, and code_size must be 1 at least"
        )
    if first_column:
        return FirstColumnInput(size, columns, hidden)
    if codes:
        return CodeInput(size, hidden, codes, vectors=min(code_size * columns, size))
    if rank:
        return LowRankInput(size, hidden, rank)
    return ColumnInput(columns, hidden)
