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
from lightrnn_gluon.word_vectors import neighbour_counts

_STEPS = 24  # more bring little
_WINDOW = 2
_SHUFFLES = 3  # of a step: words change rows with those of their column, which chance makes up
_SMOOTHING = 1000.0  # neighbours, as they are all over the text, that each row is taken to have had besides
_BLOCK = 4096  # words, whose neighbours are unpacked at a time


def informative_rows(table: WordTable, ids: np.ndarray) -> np.ndarray:
    """int32 (V,), each word's row, from the rows of a table and a text's ids, integers (N,).

    Deterministic; the rows are as long as the table's. Ids may be memory-mapped.
    """
    generator, row_of = np.random.Generator(np.random.PCG64(0)), table.row_of
    for _ in range(_STEPS):
        costs = _lost_nats(neighbour_counts(ids, row_of, table.rows, _WINDOW), row_of, table.rows)
        for _ in range(_SHUFFLES):
            mixed = WordTable.of_rows(row_of, generator.permutation(len(table)))
            row_of = allocate_within(mixed.column_of, row_of, costs).cells
    return row_of


def _lost_nats(counts: sparse.csr_matrix, row_of: np.ndarray, rows: int) -> np.ndarray:
    """float32 (V, rows): what is lost by each row for each word, less the least of the word's."""
    of_rows = (members(row_of, rows) @ counts).toarray().astype(np.float64)
    usual = of_rows.sum(axis=0) + 1e-3  # not zero where nothing was seen
    of_rows += _SMOOTHING * usual / usual.sum()
    totals = of_rows.sum(axis=1)
    lost = counts @ -np.log(of_rows / totals[:, None]).T.astype(np.float32)
    # In its present row, a word is foreseen by the others there.
    others_totals = totals[row_of] - np.asarray(counts.sum(axis=1)).ravel()
    for part in blocks(len(row_of), _BLOCK):
        own, present, totals_here = counts[part].tocoo(), row_of[part], others_totals[part]
        shares = (of_rows[present[own.row], own.col] - own.data) / totals_here[own.row]
        nats = np.bincount(own.row, -own.data * np.log(shares), len(present))
        lost[np.arange(part.start, part.stop), present] = nats
    lost -= lost.min(axis=1, keepdims=True)
    return lost
