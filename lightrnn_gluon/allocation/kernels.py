"""The compiled inner loops: prices of cells, and a word's short list, its cells of least net cost.

A net cost is a cost plus the cell's price. To find the least ones all cells would have to be
looked at; bounds spare most of it. Columns stand in blocks of 32 alike ones, and the least price in
each block of each row is kept: no cell of a block has a lower net cost than the word's cost in the
row, plus its least in the block's columns, plus that price.

They stand in one file because Numba's cache does not notice that a function in another one changed.
"""

from typing import NamedTuple

import numba
import numpy as np

BLOCK = 32


class Prices(NamedTuple):
    """A price for each cell, in nats; here a cell's number is row * width + place of its column."""

    cells: np.ndarray  # (rows, width), columns in the order of `columns`; inf where no word may go
    blocks: np.ndarray  # (rows, width / 32) the least price in each block
    rows: np.ndarray  # (rows,) the least price in each row
    columns: np.ndarray  # int32 (columns,) the column at each place; places after these are padding


class Workspace(NamedTuple):
    """One word's costs above its minima, in the order of the prices, as its list is made."""

    rows: np.ndarray  # (rows,) nats
    columns: np.ndarray  # (width,) nats
    blocks: np.ndarray  # (width / 32,) the least in each block of columns
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
    row, place = divmod(cell, prices.cells.shape[1])
    block = place // BLOCK
    before = prices.cells[row, place]
    prices.cells[row, place] = price
    if before > prices.blocks[row, block]:
        return
    least = np.inf
    for k in range(block * BLOCK, (block + 1) * BLOCK):
        least = min(least, prices.cells[row, k])
    prices.blocks[row, block] = least
    if before > prices.rows[row]:
        return
    least = np.inf
    for k in range(prices.blocks.shape[1]):
        least = min(least, prices.blocks[row, k])
    prices.rows[row] = least


@numba.njit(cache=True)
def lay_out(prices: Prices, work: Workspace, row_costs: np.ndarray, column_costs: np.ndarray) -> None:
    """Put a word's costs in rows and columns into the workspace.

    They are taken less their minima, which changes no choice: net costs are then sums of small numbers.
    """
    least = np.inf
    for row in range(len(row_costs)):
        least = min(least, row_costs[row])
    for row in range(len(row_costs)):
        work.rows[row] = row_costs[row] - least
    least = np.inf
    for column in range(len(column_costs)):
        least = min(least, column_costs[column])
    work.blocks[:] = np.inf
    for place in range(len(column_costs)):
        cost = column_costs[prices.columns[place]] - least
        work.columns[place] = cost
        work.blocks[place // BLOCK] = min(work.blocks[place // BLOCK], cost)


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
    rows, width = prices.cells.shape
    blocks, last = len(work.blocks), len(cells) - 1
    size = width // blocks  # BLOCK; loops over so few are vectorised only if it is not a constant
    nets = work.nets
    nets[:] = np.inf
    held = cells[last] >= 0
    if held:
        for k in range(len(cells)):
            row, place = divmod(cells[k], width)
            _insert(nets, cells, k, work.rows[row] + work.columns[place] + prices.cells[row, place], cells[k])
    dearest = nets[last]
    start, least = 0, np.inf
    for row in range(rows):
        if work.rows[row] + prices.rows[row] < least:
            start, least = row, work.rows[row] + prices.rows[row]
    for step in range(rows):
        row = start + step if start + step < rows else start + step - rows
        cost = work.rows[row]
        if cost + prices.rows[row] >= dearest:
            continue
        # Few blocks have a cell for the list. Counting has no branch, so that it runs in vectors.
        row_blocks = prices.blocks[row]
        hits = 0
        for block in range(blocks):
            hits += cost + work.blocks[block] + row_blocks[block] < dearest
        if hits == 0:
            continue
        row_prices = prices.cells[row]
        for block in range(blocks):
            if cost + work.blocks[block] + row_blocks[block] >= dearest:
                continue
            hits = 0
            for k in range(size):
                place = np.uintp(block * size + k)
                hits += cost + work.columns[place] + row_prices[place] < dearest
            if hits == 0:
                continue
            for k in range(size):
                place = np.uintp(block * size + k)
                net = cost + work.columns[place] + row_prices[place]
                if net < dearest:
                    cell = row * width + block * size + k
                    if held and _holds(cells, cell):
                        continue
                    _insert(nets, cells, last, net, cell)
                    dearest = nets[last]
    return dearest


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
    prices, work, lists, shelf = market.prices, market.work, market.lists, market.shelf
    slot, width = shelf.slots[word], prices.cells.shape[1]
    lay_out(prices, work, shelf.rows[slot], shelf.columns[slot])
    cells = lists.cells[word]
    lists.thresholds[word] = find_cheapest(prices, work, cells)
    for k in range(len(cells)):
        row, place = divmod(cells[k], width)
        lists.costs[word, k] = work.rows[row] + work.columns[place] if cells[k] >= 0 else np.inf


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
        owners: int32 (rows * width,), the word in each cell, -1 where there is none; changes.
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
        lay_out(prices, work, row_costs[k], column_costs[k])
        above[k] = find_cheapest(prices, work, found)
        cells[k] = found[0]
        set_price(prices, found[0], np.inf)
    return cells, above
