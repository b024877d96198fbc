"""Moves: how the words of a table change places, by what each would cost in each row and column.

The paper lets every word go to any cell (section 3.3). But a word's costs in columns are those of the row
that it has, for its column is predicted after that row: once the row changes they say little. Words that
change columns inside their rows alone cost what was promised, but for what reading them does to the states.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from lightrnn_gluon.allocation import Allocation, Costs, allocate, allocate_within
from lightrnn_gluon.allocation.problem import blocks
from lightrnn_gluon.table import WordTable

_BLOCK = 4096

# The costs of V words in rows and in columns, and their table; the cells that they get.
Step = Callable[[Costs, Costs, WordTable], Allocation]


def anywhere(row_costs: Costs, column_costs: Costs, table: WordTable, method: str = "auction") -> Allocation:
    """All words change places with all, by a method of `allocate`: the paper's move."""
    return allocate(row_costs, column_costs, table.cells, method)


def inside_rows(row_costs: Costs, column_costs: Costs, table: WordTable) -> Allocation:
    """The words of each row change columns with each other."""
    found = allocate_within(table.row_of, table.column_of, column_costs)
    cells = table.row_of * table.columns + found.cells
    return _with(found, cells, chosen_cost(row_costs, table.row_of))


def inside_columns(row_costs: Costs, column_costs: Costs, table: WordTable) -> Allocation:
    """The words of each column change rows with each other; column costs are not looked at for that."""
    found = allocate_within(table.column_of, table.row_of, row_costs)
    cells = found.cells * table.columns + table.column_of
    return _with(found, cells, chosen_cost(column_costs, table.column_of))


_INSIDE: dict[str, tuple[Step, ...]] = {"columns": (inside_rows,), "rows": (inside_columns, inside_rows)}
MOVES = ("joint", *_INSIDE)


def steps(move: str, method: str) -> tuple[Step, ...]:
    """What one of MOVES does, a step after another, each by fresh costs of the table that the last one left.

    The method is the joint move's; see `allocate`.
    """
    return (partial(anywhere, method=method),) if move == "joint" else _INSIDE[move]


def chosen_cost(costs: Costs, chosen: np.ndarray) -> float:
    """Nats: what all words cost together in the row (or column) that each of them has, integers (V,)."""
    total = 0.0
    for part in blocks(len(chosen), _BLOCK):
        block = costs[part]
        total += float(block[np.arange(len(block)), chosen[part]].sum(dtype=np.float64))
    return total


def _with(found: Allocation, cells: np.ndarray, other: float) -> Allocation:
    """An allocation of one component in these cells, with the nats that the other one costs."""
    assert found.initial_cost is not None
    return replace(
        found,
        cells=cells,
        cost=found.cost + other,
        initial_cost=found.initial_cost + other,
        lower_bound=found.lower_bound + other,
    )
