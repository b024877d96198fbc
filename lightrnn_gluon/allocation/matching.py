"""Words into cells at the least total cost: the reallocation step of LightRNN (section 3.2 of the paper).

Li, Qin, Yang and Liu (NIPS 2016) state it as a minimum-weight perfect matching of words and
cells. Word w costs row_costs[w, i] + column_costs[w, j] in cell (i, j), so that the V x V costs
never need to be in memory at once, nor all of these two.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from lightrnn_gluon.allocation.auction import auction
from lightrnn_gluon.allocation.greedy import frequency, regret
from lightrnn_gluon.allocation.preis import preis, preis_global
from lightrnn_gluon.allocation.problem import Costs, Matching, Problem, blocks, survey
from lightrnn_gluon.environment import peak_bytes


@dataclass(frozen=True, eq=False)
class Allocation:
    """A table, what it costs, and how much better any table could be."""

    cells: np.ndarray  # int32 (V,), each word's row * columns + column
    cost: float  # nats, the sum over all words
    initial_cost: float | None  # nats, of the present table, if there was one
    lower_bound: float  # nats; no table costs less
    moved: float | None  # share of the words whose cell changed, if there was a present table
    seconds: float  # the time it took
    process_peak_bytes: int  # the most memory that the process has had resident in all its life so far

    @property
    def gap(self) -> float:
        """How far the cost is above the lower bound, as a share of the bound."""
        if self.cost == self.lower_bound:
            return 0.0
        return (self.cost - self.lower_bound) / abs(self.lower_bound) if self.lower_bound else float("inf")


def allocate(
    row_costs: Costs,
    column_costs: Costs,
    current: np.ndarray | None = None,
    method: str = "auction",
    gap: float | None = None,
    time_limit: float | None = None,
) -> Allocation:
    """Give each word a cell of its own, at a total cost no higher than the present table's.

    The usable cells are the first V in row-major order: all rows but the last are full. The
    result depends on the arguments alone, unless a time limit cuts it short. The auction has costs that
    are in memory at hand and waits for others, so that between these its table, not its gap, may differ.

    Args:
        row_costs: float32 or float64 (V, rows), what each word would cost in each row, in nats
            summed over its occurrences: an array, a memory map, or any object that has a shape and
            makes the costs of a block of words when indexed with a slice or an array of words.
        column_costs: the same for columns, (V, columns).
        current: integers (V,), each word's present cell, row * columns + column. It is kept
            where the method finds nothing cheaper.
        method: one of METHODS: "auction", nearly optimal, for tables of any size; "exact", which
            builds the V x V matrix and takes O(V^3) time; for comparison, the 1/2-approximation
            that the paper uses, "preis" and "preis-global", by how a cost becomes a weight;
            "regret", the greedy of the official example; "frequency", each word in turn.
        gap: stop as soon as the cost is known to be within this share of the lower bound; for the
            auction alone, which else goes on to within about 0.01 %.
        time_limit: seconds, after which the best table so far is returned, shortly. What cannot be
            cut short is the pass over the costs that checks them, and "exact" once it has begun.

    Raises:
        ValueError: an unknown method; a negative gap or time; costs of a wrong type or shape, NaN
            or infinite; `current` not a permutation of the cells. The message names the first offender.
    """
    started = time.perf_counter()
    if method not in METHODS:
        raise ValueError(f"unknown allocation method {method!r}: choose from {', '.join(sorted(METHODS))}")
    for name, value in (("gap", gap), ("time_limit", time_limit)):
        if value is not None and not value >= 0:
            raise ValueError(f"{name} is {value}: it must be zero or above")
    deadline = float("inf") if time_limit is None else started + time_limit
    problem = survey(row_costs, column_costs, current, gap, deadline)
    found = problem.fallback if problem.late() else METHODS[method](problem)
    initial_cost = moved = None
    if current is not None:
        initial_cost = problem.cost(problem.fallback)
        if problem.fallback.above.sum() <= found.above.sum():
            found = problem.fallback._replace(bound=found.bound)
        moved = float(np.mean(found.cells != current))
    cost = problem.cost(found)
    return Allocation(
        cells=found.cells,
        cost=cost,
        initial_cost=initial_cost,
        # Rounding may put the bound of an optimal table above it.
        lower_bound=min(float(problem.least.sum()) + found.bound, cost),
        moved=moved,
        seconds=time.perf_counter() - started,
        process_peak_bytes=peak_bytes(),
    )


def exact(problem: Problem) -> Matching:
    """A cheapest table, by SciPy, in 8 V^2 bytes."""
    words = problem.words
    rows, columns = np.divmod(np.arange(words), problem.columns)
    costs = np.empty((words, words))
    for part in blocks(words, problem.block):
        costs[part] = problem.fetch_rows(part)[:, rows]
        costs[part] += problem.fetch_columns(part)[:, columns]
    cells = linear_sum_assignment(costs)[1].astype(np.int32)
    above = problem.above(np.arange(words), cells)
    return Matching(cells, above, float(above.sum()))


METHODS: dict[str, Callable[[Problem], Matching]] = {
    "auction": auction,
    "exact": exact,
    "frequency": frequency,
    "preis": preis,
    "preis-global": preis_global,
    "regret": regret,
}
