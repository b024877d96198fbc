"""Matching of words and cells: against enumeration, SciPy's optimum and the lower bound."""

import itertools
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from allocation_problems import check, dense, language_costs, optimum, problems, rounding
from hypothesis import given, settings
from hypothesis import strategies as st

from lightrnn_gluon.allocation import METHODS, allocate

# What the auction may lose: its epsilon is this share of the words' mean cost range (times V words).
EPSILON_SHARE = 1e-5


def slack(row_costs, column_costs):
    """What the auction's table may cost above the optimum."""
    ranges = np.ptp(row_costs.astype(float), axis=1) + np.ptp(column_costs.astype(float), axis=1)
    return EPSILON_SHARE * ranges.sum() + 1000 * rounding(row_costs, column_costs)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(problems())
def test_near_the_optimum_and_above_the_bound(problem):
    best = optimum(*problem)
    found = allocate(*problem, method="exact")
    check(found, *problem)
    assert found.cost == pytest.approx(best, rel=1e-12, abs=rounding(*problem))
    assert found.gap == 0
    found = allocate(*problem)
    check(found, *problem)
    assert best - rounding(*problem) <= found.cost <= best + slack(*problem)
    assert best - slack(*problem) <= found.lower_bound <= best + rounding(*problem)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(problems(), st.sampled_from(sorted(METHODS)), st.randoms(use_true_random=False))
def test_every_method_gives_a_table_no_costlier_than_the_present_one(problem, method, random):
    current = np.array(random.sample(range(len(problem[0])), len(problem[0])))
    found = allocate(*problem, current, method)
    check(found, *problem)
    assert found.cost <= found.initial_cost
    assert found.initial_cost == pytest.approx(
        dense(*problem)[np.arange(len(current)), current].sum(), rel=1e-12, abs=rounding(*problem)
    )
    assert found.lower_bound <= optimum(*problem) + rounding(*problem)
    assert found.moved == np.mean(found.cells != current)
    again = allocate(*problem, found.cells, method)
    assert again.cost <= found.cost


@pytest.mark.parametrize("method", ["auction", "exact"])
@pytest.mark.parametrize("words", range(1, 7))
def test_against_enumeration(words, method):
    rng = np.random.default_rng(words)
    everything = list(itertools.permutations(range(words)))
    for columns in range(1, words + 1):
        row_costs = rng.integers(0, 9, (words, -(-words // columns))).astype(float)
        column_costs = rng.integers(0, 9, (words, columns)).astype(float)
        costs = dense(row_costs, column_costs)
        best = min(sum(costs[word, cell] for word, cell in enumerate(table)) for table in everything)
        found = allocate(row_costs, column_costs, method=method)
        check(found, row_costs, column_costs)
        assert found.cost == best  # costs are whole numbers, V * epsilon is below one
        assert found.lower_bound == pytest.approx(best, abs=0.01)


@pytest.mark.parametrize("form", ["easy", "hard"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_language_costs_within_a_hundredth_of_a_percent(dtype, form):
    row_costs, column_costs, table = language_costs(2500, form)
    row_costs, column_costs = row_costs.astype(dtype), column_costs.astype(dtype)
    found = allocate(row_costs, column_costs, table)
    check(found, row_costs, column_costs)
    assert found.gap <= 1e-4
    assert found.cost < 0.7 * found.initial_cost
    assert 0.9 < found.moved <= 1
    assert found.seconds > 0
    assert found.process_peak_bytes > 2**20


def test_the_gap_is_that_of_the_optimum():
    row_costs, column_costs, _ = language_costs(390)
    best = allocate(row_costs, column_costs, method="exact")
    found = allocate(row_costs, column_costs)
    assert found.cost <= 1.0001 * best.cost
    assert 0.9999 * best.cost <= found.lower_bound <= best.cost


def test_methods_from_the_best_to_the_worst():
    """On such costs the official example's greedy gains least, and weights by the global maximum nothing."""
    row_costs, column_costs, table = language_costs(2500)
    order = ["auction", "preis", "frequency", "regret", "preis-global"]
    costs = [allocate(row_costs, column_costs, method=method).cost for method in order]
    assert costs == sorted(costs)
    bound = allocate(row_costs, column_costs).lower_bound
    above = [cost / bound - 1 for cost in costs]
    assert above[2] < 0.02 < 0.04 < above[3] < 0.1 < 0.5 < above[4]
    assert allocate(row_costs, column_costs, table, "preis-global").moved == 0


@pytest.mark.parametrize("method", sorted(METHODS))
def test_never_above_the_present_table(method):
    rng = np.random.default_rng(3)
    row_costs, column_costs, _ = language_costs(157)
    best = allocate(row_costs, column_costs, method="exact")
    for swaps in range(4):
        current = best.cells.copy()
        for _ in range(swaps):
            pair = rng.choice(157, 2, replace=False)
            current[pair] = current[pair[::-1]]
        before = current.copy()
        found = allocate(row_costs, column_costs, current, method)
        check(found, row_costs, column_costs)
        assert found.cost <= found.initial_cost
        assert np.array_equal(current, before)
        if swaps == 0:  # as good as can be: nothing moves
            assert np.array_equal(found.cells, current)
            assert found.moved == 0
            assert found.cost == found.initial_cost


def test_keeps_a_present_table_that_the_auction_does_not_find():
    """One word's enormous range makes epsilon coarse, so that the others' small gains are lost."""
    rng = np.random.default_rng(4)
    row_costs, column_costs = rng.random((100, 10)), rng.random((100, 10))
    row_costs[0, 1:] += 1e8
    best = allocate(row_costs, column_costs, method="exact")
    alone = allocate(row_costs, column_costs)
    assert alone.cost > best.cost
    found = allocate(row_costs, column_costs, best.cells)
    assert found.cost == best.cost
    assert found.moved == 0
    assert found.lower_bound == alone.lower_bound


@pytest.mark.parametrize("method", sorted(METHODS))
def test_without_a_present_table_and_repeatable(method):
    row_costs, column_costs, _ = language_costs(300)
    found, again = (allocate(row_costs, column_costs, method=method) for _ in range(2))
    assert found.initial_cost is None
    assert found.moved is None
    assert np.array_equal(found.cells, again.cells)
    assert (found.cost, found.lower_bound) == (again.cost, again.lower_bound)
    with pytest.raises(FrozenInstanceError):
        found.cost = 0.0


@pytest.mark.parametrize("method", sorted(METHODS))
def test_any_memory_layout_and_inputs_left_alone(method):
    row_costs, column_costs, _ = language_costs(300)
    expected = allocate(row_costs, column_costs, method=method).cells
    copies = np.asfortranarray(row_costs), np.repeat(column_costs, 2, axis=1)[:, ::2]
    for costs in copies:
        costs.flags.writeable = False
    assert np.array_equal(allocate(*copies, method=method).cells, expected)
    mixed = allocate(row_costs, column_costs.astype(np.float64), method=method)
    assert np.array_equal(mixed.cells, expected)


def test_a_word_s_own_constant_changes_nothing():
    """A constant of each word's own moves the cost and its bound, not the table."""
    row_costs, column_costs, _ = language_costs(300)
    row_costs, column_costs = np.round(row_costs).astype(float), np.round(column_costs).astype(float)
    constants = np.arange(300.0)[:, None] * 1000
    found, shifted = allocate(row_costs, column_costs), allocate(row_costs + constants, column_costs)
    assert np.array_equal(found.cells, shifted.cells)
    assert shifted.cost == pytest.approx(found.cost + constants.sum(), rel=1e-12)
    assert shifted.lower_bound == pytest.approx(found.lower_bound + constants.sum(), rel=1e-12)


def test_rounding_never_puts_the_bound_above_the_cost():
    for seed in range(200):
        rng = np.random.default_rng(seed)
        costs = rng.random((2, 1)) * 1e6, rng.random((2, 2))
        check(allocate(*costs), *costs)


def spoiled(name, value):
    costs = {"row_costs": np.ones((7, 3)), "column_costs": np.ones((7, 3))}
    costs[name][4, 1] = costs[name][5, 0] = value
    return costs


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "prices"}, r"'prices'.*auction, exact, frequency, preis, preis-global, regret"),
        ({"gap": -0.1}, r"gap is -0\.1"),
        ({"time_limit": float("nan")}, r"time_limit is nan"),
        (spoiled("row_costs", np.nan), r"row_costs\[4, 1\] is nan"),
        (spoiled("column_costs", np.inf), r"column_costs\[4, 1\] is inf"),
        (spoiled("column_costs", -np.inf), r"column_costs\[4, 1\] is -inf"),
        (spoiled("column_costs", 1.5e308), r"costs are too large"),
        ({"row_costs": np.ones((7, 3), int)}, r"row_costs must be float32 or float64, not int64"),
        ({"column_costs": np.ones(7)}, r"column_costs must be a matrix.*\(7,\)"),
        ({"column_costs": np.ones((7, 0))}, r"column_costs must be a matrix.*\(7, 0\)"),
        ({"column_costs": np.ones((6, 3))}, r"row_costs has 7 words, column_costs 6"),
        ({"row_costs": np.ones((7, 2))}, r"7 words do not fill a table of 2 x 3"),
        ({"row_costs": np.ones((7, 4))}, r"7 words do not fill a table of 4 x 3"),
        ({"row_costs": np.ones((7, 8)), "column_costs": np.ones((7, 1))}, r"do not fill a table of 8 x 1"),
        ({"current": np.arange(6)}, r"current must be 7 integers.*\(6,\)"),
        ({"current": np.arange(7.0)}, r"current must be 7 integers, not float64"),
        ({"current": np.array([0, 1, 7, 3, 4, 9, 6])}, r"current\[2\] is 7: usable cells are 0 to 6"),
        ({"current": np.array([0, -1, 2, 3, 4, 5, 6])}, r"current\[1\] is -1: usable cells"),
        ({"current": np.array([0, 3, 2, 3, 4, 4, 6])}, r"current\[3\] is 3, the cell of an earlier word"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        allocate(**{"row_costs": np.ones((7, 3)), "column_costs": np.ones((7, 3)), **arguments})
