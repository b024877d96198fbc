"""The greedy methods against slow statements of what they do, and Preis's guarantee against the optimum."""

import heapq
from fractions import Fraction

import numpy as np
import pytest
from allocation_problems import check, dense, language_costs, problems
from hypothesis import given, settings
from scipy.optimize import linear_sum_assignment

from lightrnn_gluon.allocation import allocate


def weights(row_costs, column_costs, method):
    """Each word's weight in each cell: its own greatest cost, or that of all words, less the cost."""
    most = row_costs.max(axis=1).astype(float) + column_costs.max(axis=1)
    if method == "preis-global":
        most[:] = most.max()
    return most[:, None] - dense(row_costs, column_costs)


@pytest.mark.parametrize("method", ["preis", "preis-global"])
@settings(max_examples=60, deadline=None, derandomize=True)
@given(problem=problems())
def test_preis_has_half_of_the_greatest_weight(method, problem):
    weight = weights(*problem, method)
    best = weight[linear_sum_assignment(weight, maximize=True)].sum()
    found = allocate(*problem, method=method)
    check(found, *problem)
    chosen = weight[np.arange(len(weight)), found.cells].sum()
    assert best / 2 <= chosen * (1 + 1e-9)


@pytest.mark.parametrize("method", ["preis", "preis-global"])
@settings(max_examples=30, deadline=None, derandomize=True)
@given(problem=problems(kinds=("random", "negative")))
def test_preis_takes_the_heaviest_edge_of_those_left(method, problem):
    problem = [costs.astype(float) for costs in problem]
    weight = weights(*problem, method)
    table = np.full(len(weight), -1)
    for _ in range(len(weight)):
        word, cell = np.unravel_index(np.argmax(weight), weight.shape)
        table[word] = cell
        weight[word], weight[:, cell] = -np.inf, -np.inf
    assert np.array_equal(allocate(*problem, method=method).cells, table)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(problem=problems())
def test_frequency_takes_the_cheapest_free_cell_in_turn(problem):
    problem = [costs.astype(float) for costs in problem]
    costs = dense(*problem)
    found = allocate(*problem, method="frequency")
    check(found, *problem)
    free = np.ones(len(costs), bool)
    for word, cell in enumerate(found.cells):
        assert free[cell]
        cheapest = costs[word, free].min()
        assert costs[word, cell] == pytest.approx(cheapest, rel=1e-12, abs=1e-12 * np.abs(costs).max())
        free[cell] = False


def serve(costs, room):
    """The official example's procedure, as its program goes about it, for costs {word: list}.

    A queue holds each word with its next option; the one with the greatest stake comes first. What
    is full when it comes is passed over: the word queues again with its next option.
    """
    n = len(room)
    options = {word: sorted(range(n), key=lambda i, of=of: (of[i], i)) for word, of in costs.items()}

    def entry(word, k):
        dearer = [costs[word][option] for option in options[word][k + 1 :]]
        return (-Fraction(sum(dearer), len(dearer) - 1) if len(dearer) > 1 else Fraction(0), word, k)

    queue, chosen = [entry(word, 0) for word in costs], {}
    heapq.heapify(queue)
    while queue:
        _, word, k = heapq.heappop(queue)
        option = options[word][k]
        if room[option]:
            room[option] -= 1
            chosen[word] = option
        else:
            heapq.heappush(queue, entry(word, k + 1))
    return chosen


@settings(max_examples=60, deadline=None, derandomize=True)
@given(problem=problems(kinds=("random", "tied", "alike", "unseen")))
def test_regret_is_the_official_example(problem):
    # Whole numbers, so that sums and hence ties are exact.
    row_costs, column_costs = (np.floor(64 * costs.astype(float)) for costs in problem)
    in_rows, in_columns = row_costs.astype(int).tolist(), column_costs.astype(int).tolist()
    words, columns = column_costs.shape
    last = words - (row_costs.shape[1] - 1) * columns
    rows = serve(dict(enumerate(in_rows)), [columns] * (row_costs.shape[1] - 1) + [last])
    table = np.full(words, -1)
    for row in range(row_costs.shape[1]):
        inside = {word: in_columns[word] for word in range(words) if rows[word] == row}
        length = last if row == row_costs.shape[1] - 1 else columns
        for word, column in serve(inside, [1] * length + [0] * (columns - length)).items():
            table[word] = row * columns + column
    found = allocate(row_costs, column_costs, method="regret")
    check(found, row_costs, column_costs)
    assert np.array_equal(found.cells, table)


def test_any_table_will_do_where_all_costs_are_alike():
    costs = np.ones((12, 3)), np.ones((12, 4))
    for method in ("regret", "frequency", "preis", "preis-global"):
        found = allocate(*costs, method=method)
        check(found, *costs)
        assert found.gap == 0


def test_bounds_at_no_prices():
    """The greedy methods prove no more than that no word can do better than its best row and column."""
    row_costs, column_costs, _ = language_costs(200)
    least = row_costs.min(axis=1).astype(float).sum() + column_costs.min(axis=1).astype(float).sum()
    for method in ("regret", "frequency", "preis", "preis-global"):
        assert allocate(row_costs, column_costs, method=method).lower_bound == pytest.approx(least)
    assert allocate(row_costs, column_costs).lower_bound > least
