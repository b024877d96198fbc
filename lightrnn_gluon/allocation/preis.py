"""The paper's choice: a 1/2-approximation of the matching of maximum weight (Preis, STACS 1999).

Preis takes, one after the other, edges that are the heaviest at both of their ends, of those left,
and shows that they have half of the greatest possible weight at least: each edge of a best matching
touches a chosen one no lighter than itself (or it could still be chosen), and a chosen edge touches
two edges of it at most. The heaviest edge of all is one of these, so that taking edges in the order
of their weights gives the same guarantee, and, where no two weights are equal, the same matching.

All V^2 edges need never be sorted: the next one is the heaviest of the words' best free ones, which
a heap holds; a word whose best cell has been taken comes again with its next.

The guarantee is on weights, not on costs, and depends on how a cost becomes a weight.
"""

import heapq

import numpy as np

from lightrnn_gluon.allocation.greedy import fill
from lightrnn_gluon.allocation.kernels import make_lists, set_price
from lightrnn_gluon.allocation.market import open_market, shelve
from lightrnn_gluon.allocation.problem import Matching, Problem, blocks


def preis(problem: Problem) -> Matching:
    """The weight is the word's own greatest cost, in any row and any column, less its cost in the cell.

    So those words choose first which have most to lose: the frequent ones.
    """
    return _heaviest_first(problem, problem.least - problem.most)


def preis_global(problem: Problem) -> Matching:
    """The weight is one constant for all words, the greatest cost of any, less the cost in the cell.

    So those words choose first which cost least: the rare ones.
    """
    return _heaviest_first(problem, problem.least)


def _heaviest_first(problem: Problem, offsets: np.ndarray) -> Matching:
    """Edges by descending weight: a constant less the word's offset (V,) less its cost above its least."""
    words = problem.words
    market, shelf_end = open_market(problem), 0
    lists = market.lists
    for part in blocks(words, problem.block):
        if problem.late():
            return problem.fallback
        numbers = np.arange(part.start, part.stop, dtype=np.int32)
        shelf_end = shelve(problem, market.shelf, shelf_end, numbers)
        make_lists(market, numbers)
    heap = list(zip((offsets + lists.costs[:, 0]).tolist(), range(words), strict=True))
    heapq.heapify(heap)
    cells, above = lists.cells[:, 0].copy(), lists.costs[:, 0].copy()
    free = np.isfinite(market.prices.cells).ravel()
    while heap and not problem.late():
        word = heap[0][1]
        if free[cells[word]]:
            free[cells[word]] = False
            set_price(market.prices, cells[word], np.inf)
            heapq.heappop(heap)
            continue
        place = _first_free(lists.cells[word], free)
        if place < 0:
            number = np.array([word], np.int32)
            shelf_end = shelve(problem, market.shelf, shelf_end, number)
            make_lists(market, number)
            place = 0
        cells[word], above[word] = lists.cells[word, place], lists.costs[word, place]
        heapq.heapreplace(heap, (offsets[word] + above[word], word))
    rest = np.sort(np.array([word for _, word in heap], np.int64))
    cells[rest], above[rest] = fill(problem, market.prices, rest)
    return Matching(cells, above, 0.0)


def _first_free(cells: np.ndarray, free: np.ndarray) -> int:
    """The place of the first free cell on a list, or -1."""
    places = np.flatnonzero(free[cells])
    return int(places[0]) if len(places) else -1
