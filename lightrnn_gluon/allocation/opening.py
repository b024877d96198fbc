"""Prices to open an auction with: near those that it will end with, from a sample of the words.

An auction's prices only rise, so that what it takes is how far they have to rise. Words drawn at random,
in a table of as many rows and columns drawn at random, find prices for that table at a fraction of
the effort; and what these words would pay for all other cells is close to what these will cost.
"""

import numba
import numpy as np

from lightrnn_gluon.allocation.problem import Problem, blocks, survey

# A sample is a quarter of the words, within bounds: below, an auction is quick; above, memory is.
_SHARE, _LEAST, _MOST = 4, 250, 100_000
# An opening price that is too high costs more than one too low: all other cells must rise to meet it.
_CAUTION = 0.75


def draw(problem: Problem) -> np.ndarray:
    """int64 (S,), the words of a sample; none where there are so few that it is not worth while."""
    size = min(problem.words // _SHARE, _MOST)
    rng = np.random.Generator(np.random.PCG64(problem.words))
    return np.sort(rng.choice(problem.words, size if size >= _LEAST else 0, replace=False))


def shrink(problem: Problem, words: np.ndarray) -> Problem:
    """These words alone in a smaller table, of rows and columns drawn at random."""
    rng = np.random.Generator(np.random.PCG64(problem.words))
    share = (len(words) / problem.words) ** 0.5
    columns = max(round(problem.columns * share), -(-len(words) // problem.rows))
    rows = -(-len(words) // columns)
    chosen_rows = np.sort(rng.choice(problem.rows, rows, replace=False))
    chosen_columns = np.sort(rng.choice(problem.columns, columns, replace=False))
    row_costs = np.empty((len(words), rows), problem.dtype)
    column_costs = np.empty((len(words), columns), problem.dtype)
    for part in blocks(len(words), problem.block):
        row_costs[part] = problem.fetch_rows(words[part])[:, chosen_rows]
        column_costs[part] = problem.fetch_columns(words[part])[:, chosen_columns]
    return survey(row_costs, column_costs, None, None, problem.deadline)


def offers(problem: Problem, words: np.ndarray, nets: np.ndarray) -> np.ndarray:
    """(rows, columns), nats: for each cell, about the most that any of these words would pay for it.

    A word that is content with a net cost elsewhere pays for a cell what this exceeds its cost there by.
    Words with much to lose, the frequent ones, are left out: in the smaller table they are far from
    the cells that they will have in the whole one, and would bid too much for all that are near these.

    Args:
        problem: all words, rows and columns.
        words: integers (S,), the sample.
        nets: (S,) nats, each word's least net cost in the smaller table.
    """
    ranges = problem.most[words] - problem.least[words]
    ordinary = ranges <= np.median(ranges)
    words, nets = words[ordinary], nets[ordinary].astype(problem.dtype)
    prices = np.subtract.outer(
        nets[0] - problem.fetch_rows(words[:1])[0], problem.fetch_columns(words[:1])[0]
    )
    for part in blocks(len(words), problem.block):
        row_costs, column_costs = problem.fetch_rows(words[part]), problem.fetch_columns(words[part])
        _raise_to_offers(prices, nets[part], row_costs, column_costs)
    return problem.dtype.type(_CAUTION) * (prices - prices.min())


@numba.njit(cache=True)
def _raise_to_offers(
    prices: np.ndarray, nets: np.ndarray, row_costs: np.ndarray, column_costs: np.ndarray
) -> None:
    """Raise prices (rows, columns) to the offers of B words with these nets (B,) and costs."""
    for word in range(len(nets)):
        costs = column_costs[word]
        for row in range(len(prices)):
            most, row_prices = nets[word] - row_costs[word, row], prices[row]
            for k in range(len(costs)):
                # Without a branch, so that it runs in vectors.
                rise = most - costs[k] - row_prices[k]
                row_prices[k] += rise * np.float32(rise > 0)
