"""Words into cells at the least total cost: the reallocation step of LightRNN (section 3.2 of the paper).

Li, Qin, Yang and Liu (NIPS 2016) state it as a minimum-weight perfect matching of words and
cells. Word w costs row_costs[w, i] + column_costs[w, j] in cell (i, j), so that the V x V costs
never need to be in memory at once.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from lightrnn_gluon.allocation.auction import auction


@dataclass(frozen=True, eq=False)
class Allocation:
    """A table, what it costs, and how much better any table could be."""

    cells: np.ndarray  # (V,) int32, each word's row * columns + column
    cost: float  # nats, the sum over all words
    initial_cost: float | None  # nats, of the present table, if there was one
    lower_bound: float  # nats; no table costs less
    moved: float | None  # share of the words whose cell changed, if there was a present table
    seconds: float  # the time it took

    @property
    def gap(self) -> float:
        """How far the cost is above the lower bound, as a share of the bound."""
        if self.cost == self.lower_bound:
            return 0.0
        return (self.cost - self.lower_bound) / abs(self.lower_bound) if self.lower_bound else float("inf")


def allocate(
    row_costs: np.ndarray,
    column_costs: np.ndarray,
    current: np.ndarray | None = None,
    method: str = "auction",
) -> Allocation:
    """Give each word a cell of its own, at a total cost no higher than the present table's.

    The usable cells are the first V in row-major order: all rows but the last are full. The
    result depends on the arguments alone.

    Args:
        row_costs: float32 or float64 (V, rows), what each word would cost in each row, in nats
            summed over its occurrences.
        column_costs: float32 or float64 (V, columns), the same for columns.
        current: integers (V,), each word's present cell, row * columns + column. It is kept
            where the method finds nothing cheaper.
        method: "auction" (nearly optimal, for tables of any size) or "exact" (optimal; builds
            the V x V matrix and takes O(V^3) time: for small tables).

    Raises:
        ValueError: an unknown method; costs of a wrong type or shape, NaN or infinite; `current`
            not a permutation of the cells. The message names the first offender.
    """
    started = time.perf_counter()
    if method not in METHODS:
        raise ValueError(f"unknown allocation method {method!r}: choose from {', '.join(sorted(METHODS))}")
    row_costs, column_costs = np.ascontiguousarray(row_costs), np.ascontiguousarray(column_costs)
    _check_costs("row_costs", row_costs)
    _check_costs("column_costs", column_costs)
    _check_shape(row_costs, column_costs)
    if current is not None:
        current = np.asarray(current)
        _check_table(current, len(row_costs))

    cells, lower_bound = METHODS[method](row_costs, column_costs)
    cost = table_cost(row_costs, column_costs, cells)
    initial_cost = moved = None
    if current is not None:
        initial_cost = table_cost(row_costs, column_costs, current)
        if initial_cost <= cost:
            cells, cost = current.astype(np.int32), initial_cost
        moved = float(np.mean(cells != current))
    return Allocation(
        cells=cells,
        cost=cost,
        initial_cost=initial_cost,
        lower_bound=min(lower_bound, cost),  # rounding may put the bound of an optimal table above it
        moved=moved,
        seconds=time.perf_counter() - started,
    )


def exact(row_costs: np.ndarray, column_costs: np.ndarray) -> tuple[np.ndarray, float]:
    """Each word's cell, (V,) int32, in a cheapest table; and its cost in nats, the lower bound.

    Takes float costs (V, rows) and (V, columns) in nats; solved by SciPy, in 8 V^2 bytes.
    """
    rows, columns = np.divmod(np.arange(len(row_costs)), column_costs.shape[1])
    _, cells = linear_sum_assignment(row_costs[:, rows].astype(np.float64) + column_costs[:, columns])
    return cells.astype(np.int32), table_cost(row_costs, column_costs, cells)


# name -> function(row_costs, column_costs) -> (cells, lower_bound), for checked costs
METHODS: dict[str, Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, float]]] = {
    "auction": auction,
    "exact": exact,
}


def table_cost(row_costs: np.ndarray, column_costs: np.ndarray, cells: np.ndarray) -> float:
    """What a table costs in nats, summed in float64; `cells` is (V,), each word's cell."""
    words = np.arange(len(cells))
    rows, columns = np.divmod(cells, column_costs.shape[1])
    return float((row_costs[words, rows].astype(np.float64) + column_costs[words, columns]).sum())


def _check_costs(name: str, costs: np.ndarray) -> None:
    """Raise ValueError unless `costs` is a float matrix without NaN and infinities."""
    if costs.dtype not in (np.float32, np.float64):
        raise ValueError(f"{name} must be float32 or float64, not {costs.dtype}")
    if costs.ndim != 2 or 0 in costs.shape:
        raise ValueError(f"{name} must be a matrix with a row for each word, not of shape {costs.shape}")
    # Extremes show NaN and infinities without a mask as large as the costs.
    finite = np.isfinite(costs.min(axis=1)) & np.isfinite(costs.max(axis=1))
    if not finite.all():
        word = int(np.argmin(finite))
        column = int(np.argmin(np.isfinite(costs[word])))
        raise ValueError(f"{name}[{word}, {column}] is {costs[word, column]}: costs must be finite")


def _check_shape(row_costs: np.ndarray, column_costs: np.ndarray) -> None:
    """Raise ValueError unless the words fill the table, but for the end of its last row."""
    (words, rows), columns = row_costs.shape, column_costs.shape[1]
    if len(column_costs) != words:
        raise ValueError(f"row_costs has {words} words, column_costs {len(column_costs)}")
    if not (rows - 1) * columns < words <= rows * columns:
        raise ValueError(
            f"{words} words do not fill a table of {rows} x {columns}: only its last row may be short"
        )


def _check_table(current: np.ndarray, words: int) -> None:
    """Raise ValueError unless `current` holds each cell below `words` exactly once."""
    if current.shape != (words,) or current.dtype.kind not in "iu":
        raise ValueError(f"current must be {words} integers, not {current.dtype} of shape {current.shape}")
    outside = (current < 0) | (current >= words)
    if outside.any():
        word = int(np.argmax(outside))
        raise ValueError(f"current[{word}] is {current[word]}: usable cells are 0 to {words - 1}")
    repeated = np.ones(words, bool)
    repeated[np.unique(current, return_index=True)[1]] = False
    if repeated.any():
        word = int(np.argmax(repeated))
        raise ValueError(f"current[{word}] is {current[word]}, the cell of an earlier word")
