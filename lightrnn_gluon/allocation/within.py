"""Words that change places with others of their group alone: of their row, or of their column."""

import time

import numpy as np
from scipy.optimize import linear_sum_assignment

from lightrnn_gluon.allocation.matching import Allocation
from lightrnn_gluon.allocation.problem import Costs
from lightrnn_gluon.environment import peak_bytes


def allocate_within(groups: np.ndarray, options: np.ndarray, costs: Costs) -> Allocation:
    """The words of each group share out anew, at the least cost, the options that they have now.

    With a table's rows as groups and its columns as options, words move inside their rows. Groups are small
    enough to be solved exactly, by SciPy: n words take 8 n^2 bytes, and n^3 time at most.

    Args:
        groups: integers (V,), each word's group.
        options: integers (V,), each word's present option, another for each word of a group.
        costs: float32 or float64 (V, n), what each word would cost with each option, in nats.

    Returns:
        All groups together; `cells`, int32 (V,), are the new options. A group where nothing is to be gained
        stays as it is.

    Raises:
        ValueError: where one of the costs that matter is no finite number.
    """
    started = time.perf_counter()
    chosen = options.astype(np.int32)
    before = after = 0.0
    order = np.argsort(groups, kind="stable")
    for words in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        shared = costs[words][:, options[words]].astype(np.float64)
        if not np.isfinite(shared).all():
            raise ValueError("what words cost with the options of their group must be finite")
        places = linear_sum_assignment(shared)[1]
        present, least = np.trace(shared), shared[np.arange(len(words)), places].sum()
        if least < present:
            chosen[words] = options[words[places]]
        before, after = before + present, after + min(least, present)
    return Allocation(
        cells=chosen,
        cost=after,
        initial_cost=before,
        lower_bound=after,
        moved=float(np.mean(chosen != options)),
        seconds=time.perf_counter() - started,
        process_peak_bytes=peak_bytes(),
    )
