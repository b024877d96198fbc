"""Tables to start from: at random, by how often words occur, or by which words stand beside them.

The paper starts from a random table and leaves it to training to find out which words are alike (section
3.3). Counts of neighbours tell much of that beforehand.
"""

from collections.abc import Callable

import numpy as np

from lightrnn_gluon.allocation import allocate_within
from lightrnn_gluon.clusters import balanced_clusters
from lightrnn_gluon.table import WordTable, table_shape
from lightrnn_gluon.word_vectors import frequencies, word_vectors

_ROUNDS = 5
# A word's say in where a row's or a column's centre is: its count to this power.
_WEIGHT = 0.8

# A random table and a text's ids, integers (N,), make the table that training starts from.
Start = Callable[[WordTable, np.ndarray], WordTable]


def by_frequency(table: WordTable, ids: np.ndarray) -> WordTable:
    """Row by row, the most frequent words first; words of equal counts keep their order."""
    cells = np.empty(len(table), np.int32)
    cells[np.lexsort((table.cells, -frequencies(ids, len(table))))] = np.arange(len(table))
    return WordTable(cells)


def by_neighbours(table: WordTable, ids: np.ndarray) -> WordTable:
    """By the words' vectors (see word_vectors), whatever the random table; one word stays where it is."""
    if len(table) < 2:
        return table
    return by_vectors(word_vectors(ids, len(table)), frequencies(ids, len(table)))


STARTS: dict[str, Start] = {
    "random": lambda table, ids: table,
    "frequency": by_frequency,
    "spectral": by_neighbours,
}


def by_vectors(vectors: np.ndarray, counts: np.ndarray) -> WordTable:
    """A table in which a row's centre and a column's centre add up to about each word's vector.

    Rows begin as balanced clusters. Then words move, in turn, inside their rows and inside their columns
    to where the sum of squares that is left over, weighted by the words' counts, is least; after each
    turn the centres are what leaves least. So every step brings that sum down.

    Args:
        vectors: float32 (V, D), best of unit length.
        counts: integers (V,), how often each word occurs.
    """
    columns, rows = table_shape(len(vectors))
    weights = (np.maximum(counts, 1) ** _WEIGHT).astype(np.float32)[:, None]
    capacities = np.full(rows, columns)
    capacities[-1] -= rows * columns - len(vectors)
    row_of = balanced_clusters(vectors, counts, capacities)
    # Inside each row the most frequent first, so that columns begin with words alike in that.
    order = np.lexsort((-counts, row_of))
    column_of = np.empty(len(vectors), np.int32)
    column_of[order] = np.arange(len(vectors)) - row_of[order] * columns
    row_centres = _centres(vectors, weights, row_of, rows)
    column_centres = _centres(vectors - row_centres[row_of], weights, column_of, columns)
    for _ in range(_ROUNDS):
        left = vectors - row_centres[row_of]
        column_of = allocate_within(row_of, column_of, _Distances(left, weights, column_centres)).cells
        column_centres = _centres(left, weights, column_of, columns)
        left = vectors - column_centres[column_of]
        row_of = allocate_within(column_of, row_of, _Distances(left, weights, row_centres)).cells
        row_centres = _centres(left, weights, row_of, rows)
    return WordTable(row_of * columns + column_of)


class _Distances:
    """Weighted squared distances from vectors (V, D) to centres (n, D), less what all centres have alike."""

    def __init__(self, vectors: np.ndarray, weights: np.ndarray, centres: np.ndarray) -> None:
        self.shape = (len(vectors), len(centres))
        self._vectors, self._weights, self._centres = vectors, weights, centres

    def __getitem__(self, words: slice | np.ndarray) -> np.ndarray:
        squares = (self._centres**2).sum(axis=1)
        return self._weights[words] * (squares - 2 * self._vectors[words] @ self._centres.T)


def _centres(vectors: np.ndarray, weights: np.ndarray, part: np.ndarray, size: int) -> np.ndarray:
    """float32 (size, D): the weighted mean of the vectors of each part, zero for an empty one."""
    sums = np.zeros((size, vectors.shape[1]), np.float32)
    np.add.at(sums, part, weights * vectors)
    total = np.bincount(part, weights[:, 0], size)[:, None]
    return (sums / np.where(total > 0, total, 1)).astype(np.float32)
