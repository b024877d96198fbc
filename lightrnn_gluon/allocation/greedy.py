"""Greedy allocations, each word choosing once: for comparison, and to complete a table in a hurry."""

from collections.abc import Callable

import numba
import numpy as np

from lightrnn_gluon.allocation.kernels import Prices, take_free
from lightrnn_gluon.allocation.market import open_prices, workspace
from lightrnn_gluon.allocation.problem import Matching, Problem, blocks


def frequency(problem: Problem) -> Matching:
    """One word after the other takes its cheapest free cell.

    The order is the words' own: where they are numbered by frequency, as in this package's
    vocabularies, the most frequent chooses first.
    """
    prices = open_prices(problem)
    cells, above = fill(problem, prices, np.arange(problem.words))
    return Matching(cells, above, 0.0)


def fill(problem: Problem, prices: Prices, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cheapest free cell for one word after the other; any free cells once the time is over.

    Args:
        problem: the costs.
        prices: zero where a cell is free, infinite where it is not; changed.
        words: integers (B,), in the order in which they choose; as many cells are free at least.

    Returns:
        Cells (B,), numbered as the prices are, and what each word costs there above its least.
    """
    cells, above = np.empty(len(words), np.int32), np.empty(len(words))
    work = workspace(prices, 1)
    for part in blocks(len(words), problem.block):
        if problem.late():
            rest = slice(part.start, len(words))
            cells[rest] = np.flatnonzero(np.isfinite(prices.cells))[: len(words) - part.start]
            above[rest] = problem.above(words[rest], cells[rest])
            break
        block = problem.fetch_rows(words[part]), problem.fetch_columns(words[part])
        cells[part], above[part] = take_free(prices, work, *block)
    return cells, above


def regret(problem: Problem) -> Matching:
    """The greedy of LightRNN's official example (CNTK, Examples/Text/LightRNN): rows first, then columns.

    The example sorts each word's rows by cost and offers it the cheapest. The word that would lose
    most is served first, by the sum of its dearer rows' costs over their number less one: of the
    k-th cheapest of n rows, c_(k+1) + ... + c_n over n - k - 1. If the row is full, the word comes
    again with its next one, which for costs that are not negative means at once, since leaving out
    the smallest term raises that quotient; only with its last two rows is the word served at the very
    end, where it has nothing to lose. Inside each row words get columns likewise. Words that tie are
    served in their order.
    """
    words, rows, columns = problem.words, problem.rows, problem.columns
    stakes = np.empty((2, words))
    for part in blocks(words, problem.block):
        if problem.late():
            return problem.fallback
        stakes[0, part] = _stakes(problem.fetch_rows(part))
        stakes[1, part] = _stakes(problem.fetch_columns(part))
    room = np.full((1, rows), columns, np.int32)
    room[0, -1] = problem.last_row_length
    chosen_rows = _in_turn(problem, problem.fetch_rows, stakes[0], np.zeros(words, np.int32), room)
    if chosen_rows is None:
        return problem.fallback
    room = np.ones((rows, columns), np.int32)
    room[-1, problem.last_row_length :] = 0
    chosen_columns = _in_turn(problem, problem.fetch_columns, stakes[1], chosen_rows, room)
    if chosen_columns is None:
        return problem.fallback
    cells = chosen_rows * np.int32(columns) + chosen_columns
    return Matching(cells, problem.above(np.arange(words), cells), 0.0)


def _stakes(costs: np.ndarray) -> np.ndarray:
    """(B,): how early words get their choice: the sum of all costs but the least, over n - 2."""
    if costs.shape[1] <= 2:  # the cheapest is one of the last two already
        return np.zeros(len(costs))
    return (costs.sum(axis=1, dtype=np.float64) - costs.min(axis=1)) / (costs.shape[1] - 2)


def _in_turn(
    problem: Problem,
    fetch: Callable[[np.ndarray], np.ndarray],
    stakes: np.ndarray,
    groups: np.ndarray,
    room: np.ndarray,
) -> np.ndarray | None:
    """int32 (V,): each word's row or column, chosen by descending stakes; None if time is over."""
    chosen = np.full(problem.words, -1, np.int32)
    turns = np.argsort(-stakes, kind="stable")
    turns = turns[stakes[turns] > 0]
    for defer in (True, False):
        for part in blocks(len(turns), problem.block):
            if problem.late():
                return None
            words = turns[part]
            chosen[words] = _take_in_turn(fetch(words), groups[words], room, defer)
        turns = np.flatnonzero(chosen < 0)
    return chosen


@numba.njit(cache=True)
def _take_in_turn(costs: np.ndarray, groups: np.ndarray, room: np.ndarray, defer: bool) -> np.ndarray:
    """Words one after the other take the cheapest of n options that their group has room in.

    Args:
        costs: (B, n), of B words.
        groups: integers (B,), each word's row of `room`.
        room: int32 (groups, n), how many words each option still holds; it falls.
        defer: leave out a word for which only (some of) its two dearest options have room.

    Returns:
        int32 (B,), the options; -1 for a word left out.
    """
    options = np.full(len(costs), -1, np.int32)
    for k in range(len(costs)):
        word_costs, left = costs[k], room[groups[k]]
        best, least = -1, np.inf
        for option in range(len(left)):
            if left[option] > 0 and word_costs[option] < least:
                best, least = option, word_costs[option]
        if defer:
            cheaper = 0
            for option in range(len(left)):
                cheaper += word_costs[option] < least or (word_costs[option] == least and option < best)
            if cheaper >= len(left) - 2:
                continue
        options[k] = best
        left[best] -= 1
    return options
