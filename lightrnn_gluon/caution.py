"""Costs that make words think twice before they move.

A word's costs come from its occurrences in the training text, of which a rare word has few: the cell
that suits these best need not suit those to come. Pooling adds to each word's costs those of so many
imagined occurrences, each at the mean cost of the words that share its row. Damping asks that a move be
worth so many nats an occurrence.
"""

import numpy as np

from lightrnn_gluon.allocation import Costs
from lightrnn_gluon.allocation.problem import blocks
from lightrnn_gluon.table import WordTable

_BLOCK = 4096


def cautious(
    costs: tuple[Costs, Costs], counts: np.ndarray, table: WordTable, pooling: float, damping: float
) -> tuple[Costs, Costs]:
    """Costs in rows and in columns, with CautiousCosts' pooling and damping; the same where both are 0."""
    if not pooling and not damping:
        return costs
    row_costs, column_costs = costs
    row_of, column_of = table.row_of, table.column_of
    return (
        CautiousCosts(row_costs, counts, row_of, row_of, pooling, damping),
        CautiousCosts(column_costs, counts, column_of, row_of, pooling, damping),
    )


class CautiousCosts:
    """What V words cost in each of n rows (or columns), pooled and damped."""

    def __init__(
        self,
        costs: Costs,
        counts: np.ndarray,
        present: np.ndarray,
        row_of: np.ndarray,
        pooling: float,
        damping: float,
    ) -> None:
        """Wrap costs.

        Args:
            costs: (V, n), nats over all occurrences.
            counts: integers (V,), how many occurrences.
            present: integers (V,), the row (or column) that each word has now.
            row_of: integers (V,), the row that each word has now.
            pooling: how many occurrences like those of its row's words are added to each word.
            damping: nats an occurrence, imagined ones included, that leaving the present one costs.
        """
        self.shape = costs.shape
        self._costs, self._present, self._row_of = costs, present, row_of
        self._pooling, self._fines = pooling, damping * (counts + pooling)
        means = np.zeros((row_of.max() + 1, costs.shape[1]))
        for part in blocks(len(row_of), _BLOCK):
            np.add.at(means, row_of[part], costs[part])
        occurrences = np.bincount(row_of, counts)[:, None]
        self._means = (means / np.maximum(occurrences, 1)).astype(np.float32)

    def __getitem__(self, words: slice | np.ndarray) -> np.ndarray:
        """float32 (len(words), n)."""
        fines = self._fines[words].astype(np.float32)
        costs = self._costs[words] + np.float32(self._pooling) * self._means[self._row_of[words]]
        costs += fines[:, None]
        costs[np.arange(len(costs)), self._present[words]] -= fines
        return costs
