"""Tables to start from: at random, by how often words occur, by what stands beside them, by given vectors.

The paper starts from a random table and leaves it to training to find out which words are alike (section
3.3). Counts of neighbours tell much of that beforehand.
"""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from lightrnn_gluon.allocation import allocate_within
from lightrnn_gluon.allocation.problem import blocks
from lightrnn_gluon.allocation.sums import members
from lightrnn_gluon.clusters import balanced_clusters
from lightrnn_gluon.files import sha256_file
from lightrnn_gluon.informative_rows import informative_rows
from lightrnn_gluon.table import WordTable, table_shape
from lightrnn_gluon.vector_files import read_vectors
from lightrnn_gluon.word_vectors import TrainingText, at_unit_length

logger = logging.getLogger(__name__)

_ROUNDS = 5
_ITERATIONS = 20  # of k-means
_FITTED = 1 << 17  # words that centres are fitted to, the most frequent ones: rare ones weigh little
_BLOCK = 4096
# A word's say in where a row's or a column's centre is: its count to this power.
_WEIGHT = 0.8

# A random table and the training text make the table that training starts from.
Start = Callable[[WordTable, TrainingText], WordTable]


def by_frequency(table: WordTable, text: TrainingText) -> WordTable:
    """Row by row, the most frequent words first; words of equal counts keep their order."""
    cells = np.empty(len(table), np.int32)
    cells[np.lexsort((table.cells, -text.counts))] = np.arange(len(table))
    return WordTable(cells)


def by_neighbours(table: WordTable, text: TrainingText) -> WordTable:
    """By the words' vectors (see word_vectors), whatever the random table; one word stays where it is."""
    if len(table) < 2:
        return table
    return by_vectors(text.vectors, text.counts)


def by_information(table: WordTable, text: TrainingText) -> WordTable:
    """Rows that tell of each other (see informative_rows); columns of words that differ alike from theirs."""
    if len(table) < 2:
        return table
    clusters = WordTable.of_rows(_rows_alike(text.vectors, text.counts), -text.counts)
    row_of = informative_rows(clusters, text)
    weights = _weights_of_known(text.vectors, text.counts)
    left = text.vectors - _centres(text.vectors, weights, row_of, table.rows)[row_of]
    column_of = WordTable.of_rows(row_of, -text.counts).column_of
    for _ in range(_ROUNDS):
        column_of = _toward_centres(column_of, row_of, left, weights, table.columns)
    return WordTable.of_places(row_of, column_of)


def by_file(path: Path, table: WordTable, text: TrainingText) -> WordTable:
    """By vectors that a text file has for the words (see vector_files), taken at unit length."""
    vectors, found = read_vectors(path, text.words)
    known, checksum = found.sum(), sha256_file(path)
    logger.info("start: %s has vectors of %d of %d words (sha256 %s)", path, known, len(text.words), checksum)
    return by_vectors(at_unit_length(vectors), text.counts)


STARTS: dict[str, Start] = {
    "random": lambda table, text: table,
    "frequency": by_frequency,
    "spectral": by_neighbours,
    "information": by_information,
}


def find_start(name: str) -> Start:
    """One of STARTS, or that by a file of word vectors. Raises ValueError where there is neither."""
    if name in STARTS:
        return STARTS[name]
    if Path(name).is_file():
        return partial(by_file, Path(name))
    raise ValueError(f"start {name!r} is none of {', '.join(STARTS)}, nor a file of word vectors")


def by_vectors(vectors: np.ndarray, counts: np.ndarray) -> WordTable:
    """A table in which a row's centre and a column's centre add up to about each word's vector.

    Rows begin as balanced clusters. Then words move, in turn, inside their rows and inside their columns
    to where the sum of squares that is left over, weighted by the words' counts, is least; after each
    turn the centres are what leaves least. So every step brings that sum down. Words without a vector get
    what the others leave.

    Args:
        vectors: float32 (V, D), best of unit length, or zero for want of one.
        counts: integers (V,), how often each word occurs.
    """
    columns, rows = table_shape(len(vectors))
    weights = _weights_of_known(vectors, counts)
    row_of = _rows_alike(vectors, counts)
    # Inside each row the most frequent first, so that columns begin with words alike in that.
    column_of = WordTable.of_rows(row_of, -counts).column_of
    row_centres = _centres(vectors, weights, row_of, rows)
    for _ in range(_ROUNDS):
        left = vectors - row_centres[row_of]
        column_of = _toward_centres(column_of, row_of, left, weights, columns)
        left = vectors - _centres(left, weights, column_of, columns)[column_of]
        row_of = _toward_centres(row_of, column_of, left, weights, rows)
        row_centres = _centres(left, weights, row_of, rows)
    return WordTable.of_places(row_of, column_of)


def _toward_centres(
    part_of: np.ndarray, inside: np.ndarray, vectors: np.ndarray, weights: np.ndarray, size: int
) -> np.ndarray:
    """int32 (V,), each word's part of `size` with a nearer centre, all that is `inside` of one being kept."""
    distances = _Distances(vectors, weights, _centres(vectors, weights, part_of, size))
    return allocate_within(inside, part_of, distances).cells


def _rows_alike(vectors: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """int32 (V,), each word's row, with all but the last full: balanced clusters of vectors (V, D)."""
    columns, rows = table_shape(len(vectors))
    capacities = np.full(rows, columns)
    capacities[-1] -= rows * columns - len(vectors)
    return balanced_clusters(vectors, counts, capacities)


def codes(table: WordTable, text: TrainingText, number: int, size: int) -> np.ndarray:
    """int32 (V, number), each below `size`, which is V at most: what tells apart the words of a row.

    Words' vectors (see word_vectors) less the centres of their rows are parted by k-means, what its
    centres leave over again, as often as there are codes to find (residual vector quantisation).
    """
    found = np.zeros((len(table), number), np.int32)
    if len(table) < 2:
        return found
    weights = _weights(text.counts)
    left = text.vectors - _centres(text.vectors, weights, table.row_of, table.rows)[table.row_of]
    for code in range(number):
        found[:, code] = _clusters(left, weights, size)
        left -= _centres(left, weights, found[:, code], size)[found[:, code]]
    return found


def _clusters(vectors: np.ndarray, weights: np.ndarray, size: int) -> np.ndarray:
    """Integers (V,), each vector's part of `size`, by k-means with weights (V, 1); parts differ in size."""
    rng = np.random.Generator(np.random.PCG64(0))
    frequent = np.sort(np.argsort(-weights[:, 0], kind="stable")[: max(_FITTED, size)])
    fitted, their_weights = vectors[frequent], weights[frequent]
    shares = their_weights[:, 0].astype(np.float64) / their_weights.sum(dtype=np.float64)
    centres = fitted[rng.choice(len(fitted), size, replace=False, p=shares)]
    for _ in range(_ITERATIONS - 1):
        centres = _centres(fitted, their_weights, _nearest(fitted, centres), size)
    return _nearest(vectors, centres)


def _nearest(vectors: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Integers (V,): which of the centres (n, D) is nearest to each vector (V, D)."""
    squares, nearest = (centres**2).sum(axis=1), np.empty(len(vectors), np.int32)
    for part in blocks(len(vectors), _BLOCK):
        nearest[part] = (squares - 2 * vectors[part] @ centres.T).argmin(axis=1)
    return nearest


def _weights(counts: np.ndarray) -> np.ndarray:
    """float32 (V, 1): words' say in where centres are."""
    return (np.maximum(counts, 1) ** _WEIGHT).astype(np.float32)[:, None]


def _weights_of_known(vectors: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """float32 (V, 1): words' weights, zero where the vector (V, D) is.

    Words that cost the same wherever they are would make allocation slow, unless they cost nothing.
    """
    return _weights(counts) * vectors.any(axis=1, keepdims=True)


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
    sums = members(part, size) @ (weights * vectors)
    total = np.bincount(part, weights[:, 0], size)[:, None]
    return (sums / np.where(total > 0, total, 1)).astype(np.float32)
