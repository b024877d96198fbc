"""Where words find cells: prices, short lists, and the costs that are at hand."""

import numpy as np

from lightrnn_gluon.allocation.kernels import BLOCK, Lists, Market, Prices, Shelf, Workspace
from lightrnn_gluon.allocation.problem import Problem

LIST_SIZE = 24
_SHELF_BLOCKS = 2  # of words whose costs are at hand; the fewer, the more often costs are read again
_SAMPLE = 64  # words by which columns are called alike


def open_market(problem: Problem) -> Market:
    """All prices zero, no lists, an empty shelf."""
    words, size = problem.words, min(LIST_SIZE, problem.words)
    prices = open_prices(problem)
    lists = Lists(
        np.full((words, size), -1, np.int32),
        np.full((words, size), np.inf),
        np.zeros(words),  # no net cost is less: neither costs above the minima nor prices are negative
    )
    slots = min(words, _SHELF_BLOCKS * problem.block)
    shelf = Shelf(
        np.full(words, -1, np.int32),
        np.full(slots, -1, np.int32),
        np.empty((slots, problem.rows), problem.dtype),
        np.empty((slots, problem.columns), problem.dtype),
    )
    return Market(prices, workspace(prices, size), lists, shelf)


def open_prices(problem: Problem) -> Prices:
    """Zero for each usable cell."""
    columns, order = problem.columns, _alike_columns(_profiles(problem))
    width = -(-columns // BLOCK) * BLOCK
    cells = np.full((problem.rows, width), np.inf)
    cells[:, :columns] = 0
    cells[-1, :columns][order >= problem.last_row_length] = np.inf
    return _priced(cells, order)


def close_cells(prices: Prices, taken: np.ndarray) -> Prices:
    """Other prices: zero for usable cells, but infinite where `taken`, bool (rows * width,), is true."""
    cells = np.where(np.isinf(prices.cells) | taken.reshape(prices.cells.shape), np.inf, 0.0)
    return _priced(cells, prices.columns)


def _priced(cells: np.ndarray, order: np.ndarray) -> Prices:
    blocks = cells.reshape(len(cells), -1, BLOCK).min(axis=2)
    return Prices(cells, blocks, blocks.min(axis=1), order)


def workspace(prices: Prices, size: int) -> Workspace:
    """Room for making lists of `size` cells."""
    rows, width = prices.cells.shape
    return Workspace(np.zeros(rows), np.zeros(width), np.zeros(width // BLOCK), np.zeros(size))


def table_cells(prices: Prices, cells: np.ndarray) -> np.ndarray:
    """int32: row * columns + column of cells that have the prices' numbers."""
    rows, places = np.divmod(cells, prices.cells.shape[1])
    return (rows * len(prices.columns) + prices.columns[places]).astype(np.int32)


def shelf_batch(market: Market) -> int:
    """How many words to put on the shelf at once, so that others stay there."""
    return -(-len(market.shelf.words) // _SHELF_BLOCKS)


def shelve(problem: Problem, shelf: Shelf, start: int, words: np.ndarray) -> int:
    """Put the costs of words, as many as a batch at most, on the shelf, in place of the oldest.

    Returns where to start the next time.
    """
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


def _profiles(problem: Problem) -> np.ndarray:
    """float64 (columns, S): each column's cost for a sample of words, in units of the word's mean."""
    sample = np.unique(np.linspace(0, problem.words - 1, min(_SAMPLE, problem.block)).astype(np.int64))
    costs = problem.fetch_columns(sample).astype(np.float64)
    costs -= costs.min(axis=1, keepdims=True)
    means = costs.mean(axis=1, keepdims=True)
    return (costs / np.where(means > 0, means, 1)).T


def _alike_columns(profiles: np.ndarray) -> np.ndarray:
    """int32 (columns,), the columns in an order in which alike ones share a block.

    The columns are halved along the direction in which they differ most, and so on each half.
    """
    parts, done = [np.arange(len(profiles), dtype=np.int32)], []
    while parts:
        part = parts.pop()
        if len(part) <= BLOCK:
            done.append(part)
            continue
        centred = profiles[part] - profiles[part].mean(axis=0)
        direction = np.linalg.eigh(centred.T @ centred)[1][:, -1]
        part = part[np.argsort(centred @ direction, kind="stable")]
        middle = -(-len(part) // (2 * BLOCK)) * BLOCK
        parts += [part[middle:], part[:middle]]
    return np.concatenate(done)
