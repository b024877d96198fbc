"""The auction: a nearly optimal cell for every word, with a proof of how nearly.

Bertsekas' auction algorithm (Annals of Operations Research 14, 1988). Every cell has a price,
zero at first. A word without a cell takes the one of least net cost (its cost there plus the
price), pushing out whoever holds it, and raises that price until its second choice would do as
well, plus epsilon; the word pushed out is next to bid. When all words have a cell, each is
within epsilon of its best net cost, so that the total is within V * epsilon of the optimum.

A word looks at a short list of cells rather than at all V of them. Prices only rise, so the
list stays good for as long as its best net cost is not above what the cheapest cell off the
list cost when the list was made.
"""

from typing import NamedTuple

import numba
import numpy as np

LIST_SIZE = 16
# Epsilon as a share of the words' mean cost range: a gap below 0.01 % on language-model costs.
EPSILON_SHARE = 1e-5
# Lists made per word placed before a phase counts as a price war; ordinary costs need 1 to 20.
PATIENCE = 32.0
# How much coarser (and then finer again) the next phase is in a price war.
EPSILON_STEP = 8.0
TINY = float(np.finfo(np.float64).tiny)


class _Market(NamedTuple):
    """What the bidding reads and writes."""

    row_costs: np.ndarray  # (V, rows), nats, as given
    column_costs: np.ndarray  # (V, columns), nats, as given
    prices: np.ndarray  # (V,) of the usable cells in row-major order, nats
    list_cells: np.ndarray  # (V, K) int32, each word's cheapest cells when its list was made
    list_costs: np.ndarray  # (V, K) what the word costs there above its two minima, without the price
    thresholds: np.ndarray  # (V,) every cell off a word's list has at least this net cost


def auction(row_costs: np.ndarray, column_costs: np.ndarray) -> tuple[np.ndarray, float]:
    """Assign words to cells at nearly the least total cost.

    Args:
        row_costs: float (V, rows), the cost in nats of each word in each row.
        column_costs: float (V, columns), the same for columns.

    Returns:
        Each word's cell, (V,) int32, and a lower bound in nats on the cost of any table.
    """
    words = len(row_costs)
    size = min(LIST_SIZE, words)
    market = _Market(
        row_costs,
        column_costs,
        prices=np.zeros(words),
        list_cells=np.zeros((words, size), np.int32),
        list_costs=np.full((words, size), np.inf),
        thresholds=np.full(words, -np.inf),
    )
    least = row_costs.min(axis=1).astype(np.float64) + column_costs.min(axis=1)
    most = row_costs.max(axis=1).astype(np.float64) + column_costs.max(axis=1)
    # Where every cell suits every word alike, any rise will do: hence the least positive number.
    target = max(EPSILON_SHARE * float((most - least).mean()), TINY)
    epsilon, patience = target, PATIENCE
    # One phase is enough, and fastest, unless many words have the same costs: those outbid each
    # other by epsilon a time. Then coarser phases come first, and leave prices near the end's.
    while True:
        owners = _bid(market, epsilon, patience)
        if owners.min() < 0:
            epsilon *= EPSILON_STEP
        elif epsilon > target:
            epsilon /= EPSILON_STEP
            patience = np.inf
        else:
            break
    cells = np.empty(words, np.int32)
    cells[owners] = np.arange(words, dtype=np.int32)
    # Where all words have their favourites, the bound at no prices at all is the better one.
    return cells, float(least.sum()) + max(_dual_value(market), 0.0)


@numba.njit(cache=True)
def _bid(market: _Market, epsilon: float, patience: float) -> np.ndarray:
    """One phase: let every word bid from the prices as they are, which are raised in place.

    Returns each cell's word, (V,) int32; -1 in some cells if the first n words to bid made more
    than n * `patience` lists, for any n: a price war, of which no end was in sight.
    """
    words = len(market.prices)
    owners = np.full(words, -1, np.int32)
    allowance = 0.0
    for newcomer in range(words):
        allowance += patience
        word = newcomer
        while word >= 0:
            place, best, second, lists = _choose(market, word)
            allowance -= lists
            if allowance < 0:
                return owners
            cell = market.list_cells[word, place]
            market.prices[cell] += second - best + epsilon
            word, owners[cell] = owners[cell], word
    return owners


@numba.njit(cache=True)
def _choose(market: _Market, word: int) -> tuple[int, float, float, int]:
    """A word's best cell at present prices.

    Returns its place in the word's list, its net cost above the word's two minima, a lower
    bound on the net cost of every other cell, and the number of lists made on the way (0 or 1).
    """
    lists = 0
    while True:
        place, best, second = 0, np.inf, market.thresholds[word]
        for k in range(market.list_cells.shape[1]):
            net = market.list_costs[word, k] + market.prices[market.list_cells[word, k]]
            if net < best:
                place, best, second = k, net, min(best, second)
            elif net < second:
                second = net
        if best <= market.thresholds[word]:
            return place, best, second, lists
        _make_list(market, word)
        lists += 1


@numba.njit(cache=True)
def _make_list(market: _Market, word: int) -> None:
    """Fill a word's list with its K cells of least net cost, and set its threshold."""
    cells, costs, prices = market.list_cells[word], market.list_costs[word], market.prices
    # Less the word's own minima, which change no choice: prices are then sums of small numbers.
    row_costs = market.row_costs[word].astype(np.float64)
    row_costs -= row_costs.min()
    column_costs = market.column_costs[word].astype(np.float64)
    column_costs -= column_costs.min()
    columns = len(column_costs)
    # The old list's K cells are still to be had: the new list has none dearer (all, at first).
    nets = np.full(len(cells), np.nextafter((costs + prices[cells]).max(), np.inf))
    for row in range(len(row_costs)):
        row_prices = prices[row * columns : (row + 1) * columns]
        # Few rows have a cell for the list. Counting has no branch, so that it runs in vectors.
        dearest = nets[-1]
        hits = 0
        for column in range(len(row_prices)):
            hits += row_costs[row] + column_costs[column] + row_prices[column] < dearest
        if hits == 0:
            continue
        for column in range(len(row_prices)):
            net = row_costs[row] + column_costs[column] + row_prices[column]
            if net < nets[-1]:
                place = len(nets) - 1
                while place > 0 and nets[place - 1] > net:
                    nets[place], cells[place] = nets[place - 1], cells[place - 1]
                    place -= 1
                nets[place], cells[place] = net, row * columns + column
    costs[:] = row_costs[cells // columns] + column_costs[cells % columns]
    market.thresholds[word] = nets[-1]


@numba.njit(cache=True)
def _dual_value(market: _Market) -> float:
    """The sum over words of the least net cost, less the sum of the prices, in nats.

    No table costs less above the words' minima, whatever the prices (weak duality): its words
    pay each price exactly once, and none pays less than its least net cost.
    """
    total = -market.prices.sum()
    for word in range(len(market.prices)):
        _, best, _, _ = _choose(market, word)
        total += best
    return total
