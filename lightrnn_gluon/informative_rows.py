"""Rows of a table that tell as much as rows can of the rows beside them.

Which row comes next is foreseen from those before it, so a row's words had better be followed, and led, by
the same rows. With n(w, k) counts of word w's neighbours of kind k, a row at one of the places beside it, and
q(k | r) their shares over all words of row r, what is lost by knowing no more of words than their rows is

    the sum of -n(w, k) log q(k | r(w)), less what does not depend on the table.

Words move to where that is least, in turn with the shares that they move by: k-means by the divergence of
Kullback and Leibler (Dhillon, Mallela and Kumar 2003), with as many words a row as the table has columns.
A word's own neighbours do not count in the shares of its row, which rare words would else never leave.
"""

import numpy as np
from scipy import sparse

from lightrnn_gluon.allocation import allocate_within
from lightrnn_gluon.allocation.problem import blocks
from lightrnn_gluon.allocation.sums import members
from lightrnn_gluon.table import WordTable
from lightrnn_gluon.word_vectors import TrainingText

_STEPS = 24  # more bring little
_WINDOW = 2
_SHUFFLES = 3  # of a step: words change rows with those of their column, which chance makes up
_TOGETHER = 400  # of a column, which longer ones are parted for: n words take time n^3 to exchange rows
_SMOOTHING = 1000.0  # neighbours, as they are all over the text, that each row is taken to have had besides
_BLOCK = 4096  # words, whose neighbours are unpacked at a time


def informative_rows(table: WordTable, text: TrainingText) -> np.ndarray:
    """int32 (V,), each word's row, from the rows of a table and the training text.

    Deterministic; the rows are as long as the table's. Memory is that of what words would cost in each row,
    4 bytes a word and row, and of how often words stand beside each other.
    """
    generator, row_of = np.random.Generator(np.random.PCG64(0)), table.row_of
    beside = text.neighbours(np.arange(len(table)), len(table), _WINDOW)
    for _ in range(_STEPS):
        row_of = _exchanged(row_of, _lost_nats(beside, row_of, table.rows), generator)
    return row_of


def _exchanged(row_of: np.ndarray, costs: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """int32 (V,), each word's row, after exchanges that bring the sum of costs, (V, rows), down."""
    parts = -(-costs.shape[1] // _TOGETHER)
    for _ in range(_SHUFFLES):
        order = generator.permutation(len(row_of))
        column_of = WordTable.of_rows(row_of, order).column_of
        row_of = allocate_within(column_of * parts + order % parts, row_of, costs).cells
    return row_of


def _lost_nats(beside: sparse.csr_matrix, row_of: np.ndarray, rows: int) -> np.ndarray:
    """float32 (V, rows): what is lost by each row for each word, less the least of the word's.

    `beside`, float32 (V, places V), counts the words beside each word, place by place.
    """
    words = len(row_of)
    places = sparse.identity(beside.shape[1] // words, np.float32)
    to_rows = sparse.kron(places, members(row_of, rows).T, "csr")
    of_rows = (members(row_of, rows) @ beside @ to_rows).toarray().astype(np.float64)
    usual = of_rows.sum(axis=0) + 1e-3  # not zero where nothing was seen
    of_rows += _SMOOTHING * usual / usual.sum()
    totals = of_rows.sum(axis=1)
    nats = -np.log(of_rows / totals[:, None]).T.astype(np.float32)
    lost = np.empty((words, rows), np.float32)
    for part in blocks(words, _BLOCK):
        counts, present = beside[part] @ to_rows, row_of[part]
        counts.sort_indices()  # so that sums are in one order
        lost[part] = counts @ nats
        # In its present row, a word is foreseen by the others there.
        own, others = counts.tocoo(), totals[present] - np.asarray(counts.sum(axis=1)).ravel()
        shares = (of_rows[present[own.row], own.col] - own.data) / others[own.row]
        lost[np.arange(part.start, part.stop), present] = np.bincount(
            own.row, -own.data * np.log(shares), len(present)
        )
        lost[part] -= lost[part].min(axis=1, keepdims=True)
    return lost
