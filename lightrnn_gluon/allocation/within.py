"""Words that change places with others of their group alone: of their row, or of their column."""

import numpy as np

from lightrnn_gluon.allocation.matching import Allocation, allocate
from lightrnn_gluon.allocation.problem import Costs


def allocate_within(
    groups: np.ndarray, options: np.ndarray, costs: Costs, method: str = "auction"
) -> Allocation:
    """The words of each group share out anew, at nearly the least cost, the options that they have now.

    With a table's rows as groups and its columns as options, words move inside their rows.

    Args:
        groups: integers (V,), each word's group.
        options: integers (V,), each word's present option, another for each word of a group.
        costs: float32 or float64 (V, n), what each word would cost with each option, in nats.
        method: see `allocate`.

    Returns:
        What `allocate` says of each group, all together; `cells`, int32 (V,), are the new options. No group's
        cost is higher than before.
    """
    chosen = np.empty(len(groups), np.int32)
    order = np.argsort(groups, kind="stable")
    parts = []
    for words in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        present = options[words].astype(np.int32)
        shared = np.ascontiguousarray(costs[words][:, present])
        # A table of one row, in which every word has the cell of its own number now.
        whole_row = np.zeros((len(words), 1), shared.dtype)
        parts.append(allocate(whole_row, shared, np.arange(len(words), dtype=np.int32), method))
        chosen[words] = present[parts[-1].cells]
    return Allocation(
        cells=chosen,
        cost=sum(part.cost for part in parts),
        initial_cost=sum(part.initial_cost or 0.0 for part in parts),
        lower_bound=sum(part.lower_bound for part in parts),
        moved=float(np.mean(chosen != options)),
        seconds=sum(part.seconds for part in parts),
        process_peak_bytes=max(part.process_peak_bytes for part in parts),
    )
