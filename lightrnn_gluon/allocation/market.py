"""Where words find cells: prices, short lists, and the costs that are at hand."""

import math

import numpy as np

from lightrnn_gluon.allocation.kernels import Lists, Market, Prices, Shelf, Workspace, below
from lightrnn_gluon.allocation.problem import Costs, Problem

LIST_SIZE = 32
_NARROW, _PART = 1024, 32  # columns
_SHELF_BLOCKS = 2  # of words whose costs are at hand; the fewer, the more often costs are read again


def open_market(problem: Problem, opening: np.ndarray | None = None) -> Market:
    """All prices zero, or those of `opening`, (rows, columns); no lists yet."""
    words, size = problem.words, min(LIST_SIZE, problem.words)
    prices = open_prices(problem, opening)
    lists = Lists(
        np.full((words, size), -1, np.int32),
        np.full((words, size), np.inf),
        np.zeros(words),  # no net cost is less: neither costs above the minima nor prices are negative
    )
    return Market(prices, workspace(prices, size), lists, _open_shelf(problem))


def _open_shelf(problem: Problem) -> Shelf:
    """All words on the shelf where their costs are in memory; else an empty one."""
    row_costs, column_costs = (_at_hand(part, problem) for part in (problem.row_costs, problem.column_costs))
    if row_costs is not None and column_costs is not None:
        every = np.arange(problem.words, dtype=np.int32)
        return Shelf(every, every, row_costs, column_costs)
    slots = min(problem.words, _SHELF_BLOCKS * problem.block)
    return Shelf(
        np.full(problem.words, -1, np.int32),
        np.full(slots, -1, np.int32),
        np.empty((slots, problem.rows), problem.dtype),
        np.empty((slots, problem.columns), problem.dtype),
    )


def _at_hand(costs: Costs, problem: Problem) -> np.ndarray | None:
    """Costs that the compiled loops can read as they are; None for others, read-only ones among them."""
    # A memory map is an array too, but reading it at random would be reading a disk at random.
    if not isinstance(costs, np.ndarray) or isinstance(costs, np.memmap):
        return None
    as_they_are = costs.dtype == problem.dtype and costs.flags.c_contiguous and costs.flags.writeable
    return np.asarray(costs) if as_they_are else None


def open_prices(problem: Problem, opening: np.ndarray | None = None) -> Prices:
    """Zero for each usable cell, or what `opening`, (rows, columns), says."""
    cells = np.zeros((problem.rows, problem.columns))
    if opening is not None:
        cells[:] = opening
    cells[-1, problem.last_row_length :] = np.inf
    return _priced(cells)


def close_cells(prices: Prices, taken: np.ndarray) -> Prices:
    """Other prices: zero for usable cells, but infinite where `taken`, bool (rows * columns,), is true."""
    return _priced(np.where(np.isinf(prices.cells) | taken.reshape(prices.cells.shape), np.inf, 0.0))


def _priced(cells: np.ndarray) -> Prices:
    near = cells.astype(np.float32)
    parts = np.minimum.reduceat(near, np.arange(0, cells.shape[1], _part_width(cells.shape[1])), axis=1)
    return Prices(cells, near, parts, below(parts.min(axis=1).astype(np.float64)))


def _part_width(columns: int) -> int:
    """How many columns make a part of a row: all, but in tables that outgrow a core's cache."""
    parts = 1 if columns <= _NARROW else math.ceil(columns / _PART)
    return math.ceil(columns / parts)


def workspace(prices: Prices, size: int) -> Workspace:
    """Room for making lists of `size` cells."""
    (rows, columns), parts = prices.cells.shape, prices.parts.shape[1]
    near, near_parts = np.zeros(columns, np.float32), np.zeros(parts, np.float32)
    return Workspace(np.zeros(rows), np.zeros(columns), near, near_parts, np.zeros(size))


def shelve(problem: Problem, shelf: Shelf, start: int, words: np.ndarray) -> int:
    """Put the costs of words, a block of them at most, on the shelf, in place of the oldest there.

    Returns where to start the next time.
    """
    words = words[shelf.slots[words] < 0]
    if start + len(words) > len(shelf.words):
        start = 0
    slots = slice(start, start + len(words))
    old = shelf.words[slots]
    shelf.slots[old[old >= 0]] = -1
    shelf.words[slots] = words
    shelf.slots[words] = np.arange(slots.start, slots.stop, dtype=np.int32)
    shelf.rows[slots] = problem.fetch_rows(words)
    shelf.columns[slots] = problem.fetch_columns(words)
    return slots.stop
