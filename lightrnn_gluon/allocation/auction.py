"""The auction: a nearly optimal cell for every word, with a proof of how nearly.

Bertsekas' auction algorithm (Annals of Operations Research 14, 1988). Every cell has a price,
at first a guess (see opening). A word without a cell takes the one of least net cost (its cost there plus the
price), pushing out whoever holds it, and raises that price until its second choice would do as
well, plus epsilon; the word pushed out is next to bid. When all words have a cell, each is
within epsilon of its best net cost, so that the total is within V * epsilon of the optimum.

A word looks at a short list of cells rather than at all V of them. Prices only rise, so the
list stays good for as long as its best net cost is not above what the cheapest cell off the
list cost when the list was made. Then the word makes another list: at once if its costs are at
hand; else it waits until those of many words are read together.

A first phase with a coarse epsilon brings prices near those of the end at less effort. In each
phase that follows epsilon is finer, and words that are not within it of their best bid again.
"""

import time

import numpy as np

from lightrnn_gluon.allocation.greedy import fill
from lightrnn_gluon.allocation.kernels import Market, bid, least_nets
from lightrnn_gluon.allocation.market import close_cells, open_market, shelve
from lightrnn_gluon.allocation.opening import draw, offers, shrink
from lightrnn_gluon.allocation.problem import Matching, Problem

# Epsilon as a share of the words' mean cost range: a gap below 0.01 % on language-model costs.
EPSILON_SHARE = 1e-5
# The least that is tried for the sake of a `gap`.
LEAST_SHARE = 1e-7
# How much coarser epsilon is in the first phase, and how much finer it gets from phase to phase.
FIRST_PHASE, EPSILON_STEP = 4.0, 4.0
# The effort per word, in lists made, that counts as a price war; ordinary costs need 1 to 20.
PATIENCE = 64.0
_BIDS_PER_LIST = 32  # of equal effort
_ALLOWANCE = 100_000  # bids before the time and the effort are looked at
_TINY = float(np.finfo(np.float64).tiny)


def auction(problem: Problem) -> Matching:
    """Words into cells at nearly the least total cost.

    It ends when each word is within a fine epsilon of its best net cost; or as soon as a table is
    within the problem's `gap`; or shortly before the deadline, so that words without a cell can
    still get the cheapest free ones.
    """
    state = _Auction(problem, _opening(problem))
    epsilon = finest = _epsilon(problem, EPSILON_SHARE)
    epsilon *= FIRST_PHASE
    if problem.gap is not None:
        finest = _epsilon(problem, LEAST_SHARE)
        # Enough for the gap, given that the bound is not below the one at no prices.
        epsilon = max(epsilon, problem.gap * abs(float(problem.least.sum())) / problem.words)
    queue, patience = np.arange(problem.words, dtype=np.int32), PATIENCE
    while True:
        epsilon = state.place(queue, epsilon, patience)
        nets = least_nets(state.market)
        best = state.best_table(nets)
        if state.unplaced or epsilon <= finest or problem.near_enough(best):
            return best
        epsilon, patience = max(epsilon / EPSILON_STEP, finest), np.inf
        queue = state.release(nets, epsilon)


def _epsilon(problem: Problem, share: float) -> float:
    """Nats: this share of the words' mean range of costs."""
    # Where every cell suits every word alike, any rise will do: hence the least positive number.
    return max(share * float((problem.most - problem.least).mean()), _TINY)


def _opening(problem: Problem) -> np.ndarray | None:
    """(rows, columns), nats: what a sample of the words would pay; None where that is not known."""
    words = draw(problem)
    if not len(words):
        return None
    sample = shrink(problem, words)
    state = _Auction(sample, _opening(sample))
    state.place(
        np.arange(sample.words, dtype=np.int32), FIRST_PHASE * _epsilon(sample, EPSILON_SHARE), PATIENCE
    )
    return None if state.unplaced else offers(problem, words, sample.least + least_nets(state.market))


class _Auction:
    """The market, who has which cell, and the best complete table so far."""

    def __init__(self, problem: Problem, opening: np.ndarray | None) -> None:
        self.problem = problem
        self.market: Market = open_market(problem, opening)
        self.owners = np.full(self.market.prices.cells.size, -1, np.int32)
        self.places = np.full(problem.words, -1, np.int8)  # of each word's cell on its list
        self.unplaced = problem.words
        self._best: Matching | None = None
        self._shelf_end = 0

    def place(self, queue: np.ndarray, epsilon: float, patience: float) -> float:
        """One phase: the words of the queue, int32, bid until all have cells or time is short.

        Where many words have the same costs they outbid each other by epsilon a time: a price war, of
        which no end is in sight. Epsilon is then made coarser; the prices stay near those of the end.

        Returns the epsilon that all words are within at the end.
        """
        started = time.perf_counter()
        batch, waiting = self.problem.block, np.empty(0, np.int32)
        begun = lists = 0
        effort = 0.0
        while begun < len(queue) or len(waiting):
            self.unplaced = len(queue) - begun + len(waiting)
            # In the first phase, stop while those without a cell can still look for one.
            seconds = (time.perf_counter() - started) / max(lists, 1) * self.unplaced
            if self.problem.late(0.0 if self._best else seconds):
                return epsilon
            words, waiting = waiting[:batch], waiting[batch:]
            new = queue[begun : begun + batch - len(words)]
            begun += len(new)
            words = np.sort(np.concatenate([words, new]))
            self._shelf_end = shelve(self.problem, self.market.shelf, self._shelf_end, words)
            out = np.empty(len(words), np.int32)
            done, waits, made, bids = bid(
                self.market, self.owners, self.places, words, epsilon, _ALLOWANCE, out
            )
            waiting = np.concatenate([waiting, out[:waits], words[done:]])
            lists += made
            effort += made + bids / _BIDS_PER_LIST
            if effort > patience * begun:
                epsilon, effort = epsilon * EPSILON_STEP, 0.0
        self.unplaced = 0
        return epsilon

    def release(self, least: np.ndarray, epsilon: float) -> np.ndarray:
        """Take their cells from words that are not within epsilon of their least nets; int32, these words."""
        lists, prices = self.market.lists, self.market.prices.cells.ravel()
        every = np.arange(self.problem.words, dtype=np.int32)
        nets = lists.costs[every, self.places] + prices[lists.cells[every, self.places]]
        words = every[nets > least + epsilon]
        self.owners[lists.cells[words, self.places[words]]] = -1
        self.places[words] = -1
        return words

    def best_table(self, nets: np.ndarray) -> Matching:
        """The cheapest table so far, with the best bound so far, given the words' least net costs (V,)."""
        if self._best is None or not self.unplaced:
            found = self._table()
            if self._best is None or found.above.sum() < self._best.above.sum():
                self._best = found._replace(bound=self._best.bound if self._best else 0.0)
        self._best = self._best._replace(bound=max(self._best.bound, self._bound(nets)))
        return self._best

    def _table(self) -> Matching:
        """The cells that words have, and the cheapest free ones for those without."""
        lists, words = self.market.lists, np.arange(self.problem.words)
        cells, above = lists.cells[words, self.places], lists.costs[words, self.places]
        rest = np.flatnonzero(self.places < 0)
        if len(rest):
            free = close_cells(self.market.prices, self.owners >= 0)
            cells[rest], above[rest] = fill(self.problem, free, rest)
        return Matching(cells, above, 0.0)

    def _bound(self, nets: np.ndarray) -> float:
        """The sum of the words' least net costs (V,) less that of the prices, in nats.

        No table costs less above the words' minima, whatever the prices (weak duality): its words
        pay each price exactly once, and none pays less than its least net cost.
        """
        prices = self.market.prices.cells
        return float(nets.sum() - prices[np.isfinite(prices)].sum())
