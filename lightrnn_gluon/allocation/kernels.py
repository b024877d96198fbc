"""The compiled inner loops: prices of cells, and a word's short list, its cells of least net cost.

A net cost is a cost plus the cell's price. To find the least ones all cells would have to be
looked at; the least price in each row spares many rows, that of each part of a row many parts of
wide ones, and single precision with a margin for its rounding, in vectors, most cells of the others.

They stand in one file because Numba's cache does not notice that a function in another one changed.
"""

from typing import Any, NamedTuple

import numba
import numpy as np

_CHUNK = 32  # cells looked at together
# Sums of three numbers that are not negative, in single precision, are within this of the true ones.
_MARGIN = 1 + 1e-6
_TINY = np.finfo(np.float32).tiny


class Prices(NamedTuple):
    """A price for each cell, in nats, infinite where no word may go; a cell is row * columns + column."""

    cells: np.ndarray  # (rows, columns)
    near: np.ndarray  # float32 (rows, columns), the same, rounded
    parts: np.ndarray  # float32 (rows, parts), the least of each part of a row, rounded
    rows: np.ndarray  # (rows,) at most the least of each row


class Workspace(NamedTuple):
    """One word's costs above its minima, as its list is made."""

    rows: np.ndarray  # (rows,) nats
    columns: np.ndarray  # (columns,) nats
    near: np.ndarray  # float32 (columns,), those of columns, rounded
    parts: np.ndarray  # float32 (parts,), the least of each part of columns, rounded
    nets: np.ndarray  # (K,) the list's net costs, ascending


class Lists(NamedTuple):
    """Each word's K cells of least net cost when its list was made."""

    cells: np.ndarray  # int32 (V, K), the best first; -1 where there were fewer, or no list yet
    costs: np.ndarray  # (V, K) what the word costs there above its two minima, without the price
    thresholds: np.ndarray  # (V,) every cell off the list has at least this net cost, as prices only rise


class Shelf(NamedTuple):
    """The costs of some words, at hand."""

    slots: np.ndarray  # int32 (V,) where each word's costs are; -1 where they are not at hand
    words: np.ndarray  # int32 (S,) the word in each slot; -1 where there is none
    rows: np.ndarray  # (S, rows)
    columns: np.ndarray  # (S, columns)


class Market(NamedTuple):
    """All that lists are made from, and the lists."""

    prices: Prices
    work: Workspace
    lists: Lists
    shelf: Shelf


@numba.njit(cache=True)
def set_price(prices: Prices, cell: int, price: float) -> None:
    """Raise the price of a cell."""
    row, column = divmod(cell, prices.cells.shape[1])
    near, parts = prices.near[row], prices.parts[row]
    before = near[column]
    prices.cells[row, column] = near[column] = price
    width = _part_width(len(near), len(parts))
    part = column // width
    if before > parts[part]:
        return
    parts[part] = _least(near, part * width, (part + 1) * width)
    prices.rows[row] = below(_least(parts, 0, len(parts)))


@numba.njit(cache=True)
def below(rounded: Any) -> Any:
    """At most the number, or numbers, of which these in single precision are the roundings."""
    return rounded * (1 - 1e-7) - _TINY


@numba.njit(cache=True)
def _part_width(columns: int, parts: int) -> int:
    """How many columns make a part."""
    return -(-columns // parts)


@numba.njit(cache=True)
def _least(numbers: np.ndarray, start: int, end: int) -> np.floating:
    least = numbers[start]
    for k in range(start + 1, min(end, len(numbers))):
        least = min(least, numbers[k])
    return least


@numba.njit(cache=True)
def lay_out(work: Workspace, row_costs: np.ndarray, column_costs: np.ndarray) -> None:
    """Put a word's costs in rows and columns into the workspace.

    They are taken less their minima, which changes no choice: net costs are then sums of small numbers.
    """
    least = np.float64(_least(row_costs, 0, len(row_costs)))
    for row in range(len(row_costs)):
        work.rows[row] = row_costs[row] - least
    least = np.float64(_least(column_costs, 0, len(column_costs)))
    for column in range(len(column_costs)):
        work.columns[column] = work.near[column] = column_costs[column] - least
    width = _part_width(len(column_costs), len(work.parts))
    for part in range(len(work.parts)):
        work.parts[part] = _least(work.near, part * width, (part + 1) * width)


@numba.njit(cache=True)
def find_cheapest(prices: Prices, work: Workspace, cells: np.ndarray) -> float:
    """The K cells of least net cost for the word in the workspace.

    Args:
        prices: as they are; a cell with an infinite price is never found.
        work: after lay_out; its `nets` are filled.
        cells: int32 (K,), filled, the best first. If it holds K cells of this table when it comes, the
            search is shorter; else it must hold -1, which stays in places for which no cell is found.

    Returns:
        The K-th net cost: every cell that is not among them has at least that.
    """
    rows, columns = prices.cells.shape
    nets, last = work.nets, len(cells) - 1
    nets[:] = np.inf
    held = cells[last] >= 0
    if held:
        for k in range(len(cells)):
            row, column = divmod(cells[k], columns)
            net = work.rows[row] + work.columns[column] + prices.cells[row, column]
            _insert(nets, cells, k, net, cells[k])
    dearest = nets[last]
    width = _part_width(columns, len(work.parts))
    divided = len(work.parts) > 1
    first, least = 0, np.inf
    for row in range(rows):
        if work.rows[row] + prices.rows[row] < least:
            first, least = row, work.rows[row] + prices.rows[row]
    for step in range(rows):
        row = first + step if first + step < rows else first + step - rows
        cost = work.rows[row]
        if cost + prices.rows[row] >= dearest:
            continue
        part_prices = prices.parts[row]
        if divided and not _any_below(work.parts, part_prices, 0, len(part_prices), _ceiling(dearest, cost)):
            continue
        for part in range(len(part_prices)):
            if divided and work.parts[part] + part_prices[part] >= _ceiling(dearest, cost):
                continue
            stop = min((part + 1) * width, columns)
            dearest = _search(prices, work, cells, held, row, part * width, stop)
    return dearest


@numba.njit(cache=True, inline="always")
def _search(
    prices: Prices, work: Workspace, cells: np.ndarray, held: bool, row: int, start: int, stop: int
) -> float:
    """Put on the list what belongs there of the columns from start to stop of a row; its K-th net cost."""
    costs, row_prices, nets, last = work.near, prices.near[row], work.nets, len(cells) - 1
    cost, dearest = work.rows[row], work.nets[len(cells) - 1]
    if not _any_below(costs, row_prices, start, stop, _ceiling(dearest, cost)):
        return dearest
    for chunk in range(start, stop, _CHUNK):
        end = min(chunk + _CHUNK, stop)
        if not _any_below(costs, row_prices, chunk, end, _ceiling(dearest, cost)):
            continue
        for column in range(chunk, end):
            net = cost + work.columns[column] + prices.cells[row, column]
            if net < dearest:
                cell = row * len(row_prices) + column
                if held and _holds(cells, cell):
                    continue
                _insert(nets, cells, last, net, cell)
                dearest = nets[last]
    return dearest


@numba.njit(cache=True)
def _ceiling(dearest: float, cost: float) -> np.float32:
    """What no sum of rounded column cost and price is above, if with `cost` it is below `dearest`."""
    return np.float32(dearest * _MARGIN - cost + _TINY)


@numba.njit(cache=True, fastmath={"reassoc"})
def _any_below(costs: np.ndarray, prices: np.ndarray, start: int, end: int, ceiling: np.float32) -> bool:
    """Whether any sum of float32 numbers (columns,), from start to end, is below the ceiling."""
    hits = np.float32(0)  # counting has no branch, and floats are counted in vectors of floats
    for k in range(start, end):
        hits += np.float32(costs[np.uintp(k)] + prices[np.uintp(k)] < ceiling)
    return bool(hits > 0)


@numba.njit(cache=True)
def _insert(nets: np.ndarray, cells: np.ndarray, end: int, net: float, cell: int) -> None:
    """Put a cell where it belongs among the first `end` ones, in place of what comes after these."""
    rank = end
    while rank > 0 and nets[rank - 1] > net:
        nets[rank], cells[rank] = nets[rank - 1], cells[rank - 1]
        rank -= 1
    nets[rank], cells[rank] = net, cell


@numba.njit(cache=True)
def _holds(cells: np.ndarray, cell: int) -> bool:
    """Whether a cell is among these."""
    hits = 0
    for k in range(len(cells)):
        hits += cells[k] == cell
    return hits > 0


@numba.njit(cache=True)
def make_list(market: Market, word: int) -> None:
    """Make the list of a word whose costs are on the shelf, at present prices."""
    work, lists, shelf = market.work, market.lists, market.shelf
    slot, cells = shelf.slots[word], lists.cells[word]
    lay_out(work, shelf.rows[slot], shelf.columns[slot])
    lists.thresholds[word] = find_cheapest(market.prices, work, cells)
    for k in range(len(cells)):
        row, column = divmod(cells[k], len(work.columns))
        lists.costs[word, k] = work.rows[row] + work.columns[column] if cells[k] >= 0 else np.inf


@numba.njit(cache=True)
def make_lists(market: Market, words: np.ndarray) -> None:
    """The same for each of these words, integers (B,)."""
    for word in words:
        make_list(market, word)


@numba.njit(cache=True)
def choose(market: Market, word: int) -> tuple[int, float, float]:
    """A word's best place on its list, its net cost there, and a lower bound on that of all other cells."""
    lists, prices = market.lists, market.prices.cells.reshape(-1)
    place, best, second = 0, np.inf, lists.thresholds[word]
    for k in range(lists.cells.shape[1]):
        net = lists.costs[word, k] + prices[lists.cells[word, k]]
        if net < best:
            place, best, second = k, net, min(best, second)
        elif net < second:
            second = net
    return place, best, second


@numba.njit(cache=True)
def bid(
    market: Market,
    owners: np.ndarray,
    places: np.ndarray,
    words: np.ndarray,
    epsilon: float,
    allowance: int,
    waiting: np.ndarray,
) -> tuple[int, int, int, int]:
    """Words take cells, and those that they push out take others, until none can or too many did.

    Args:
        market: prices and lists, which change.
        owners: int32 (rows * columns,), the word in each cell, -1 where there is none; changes.
        places: int8 (V,), where on its list each word's cell is, -1 without a cell; changes.
        words: int32 (B,), words without a cell, whose costs are on the shelf.
        epsilon: nats, what a bid adds to a price for its own sake.
        allowance: how many bids at most, about.
        waiting: int32 (B,), filled with the words that need a list, and whose costs are not on the shelf.

    Returns:
        How many of the words are done with, how many are waiting, and how many lists and bids were made.
    """
    waits, lists, bids = 0, 0, 0
    prices = market.prices.cells.reshape(-1)
    for n in range(len(words)):
        word = words[n]
        while word >= 0:
            if bids >= allowance:
                waiting[waits] = word
                return n + 1, waits + 1, lists, bids
            place, best, second = choose(market, word)
            if best > market.lists.thresholds[word]:
                if market.shelf.slots[word] < 0:
                    waiting[waits] = word
                    waits += 1
                    break
                make_list(market, word)
                lists += 1
                place, best, second = choose(market, word)
            bids += 1
            cell = market.lists.cells[word, place]
            set_price(market.prices, cell, prices[cell] + (second - best) + epsilon)
            pushed, owners[cell], places[word] = owners[cell], word, place
            word = pushed
            if word >= 0:
                places[word] = -1
    return len(words), waits, lists, bids


@numba.njit(cache=True)
def least_nets(market: Market) -> np.ndarray:
    """(V,): a lower bound on each word's least net cost."""
    nets = market.lists.thresholds.copy()
    for word in range(len(nets)):
        nets[word] = min(nets[word], choose(market, word)[1])
    return nets


@numba.njit(cache=True)
def take_free(
    prices: Prices, work: Workspace, row_costs: np.ndarray, column_costs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Words one after the other take their cheapest cell of those whose price is not infinite yet.

    Takes the costs (B, rows) and (B, columns) of B words; returns their cells, int32 (B,), and what
    they cost there above the words' minima.
    """
    cells, above = np.empty(len(row_costs), np.int32), np.empty(len(row_costs))
    found = np.empty(1, np.int32)
    for k in range(len(row_costs)):
        found[0] = -1
        lay_out(work, row_costs[k], column_costs[k])
        above[k] = find_cheapest(prices, work, found)
        cells[k] = found[0]
        set_price(prices, found[0], np.inf)
    return cells, above
