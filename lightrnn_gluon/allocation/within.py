"""Words that change places with others of their group alone: of their row, or of their column."""

import numpy as np

from lightrnn_gluon.allocation.matching import allocate
from lightrnn_gluon.allocation.problem import Costs


def allocate_within(groups: np.ndarray, options: np.ndarray, costs: Costs) -> np.ndarray:
    """The words of each group share out anew, at nearly the least cost, the options that they have now.

    With a table's rows as groups and its columns as options, words move inside their rows.

    Args:
        groups: integers (V,), each word's group.
        options: integers (V,), each word's present option, another for each word of a group.
        costs: float32 or float64 (V, n), what each word would cost with each option, in nats.

    Returns:
        int32 (V,), the new options: of no group at a higher cost than before.
    """
    found = np.empty(len(groups), np.int32)
    order = np.argsort(groups, kind="stable")
    for words in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        present = options[words].astype(np.int32)
        shared = np.ascontiguousarray(costs[words][:, present])
        # A table of one row, in which every word has the cell of its own number now.
        whole_row = np.zeros((len(words), 1), shared.dtype)
        moved = allocate(whole_row, shared, current=np.arange(len(words), dtype=np.int32))
        found[words] = present[moved.cells]
    return found
