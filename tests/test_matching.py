"""Matching of words and cells: against enumeration, SciPy's optimum and the lower bound."""

import itertools
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from lightrnn_gluon.allocation import allocate
from lightrnn_gluon.allocation.auction import LIST_SIZE, _make_list, _Market

# What the auction may lose: its epsilon is this share of the words' mean cost range (times V words).
EPSILON_SHARE = 1e-5


def shape(words):
    columns = int(np.ceil(np.sqrt(words)))
    return -(-words // columns), columns


def language_costs(words, seed=0, dtype=np.float32):
    """Costs like a trained model's, and the random table that they were made for.

    Zipf counts, word vectors from clusters, row vectors averaged over the table's rows (and
    columns alike); a word's cost in a row is its count times the row's surprise, with noise.
    """
    rng = np.random.default_rng(seed)
    counts = np.arange(1, words + 1) ** -1.05
    counts = np.maximum(1, np.round(counts * 1000 * words / counts.sum()))[:, None]
    clusters = rng.normal(size=(max(5, int(np.sqrt(words))), 20))
    vectors = clusters[rng.integers(len(clusters), size=words)] + 0.5 * rng.normal(size=(words, 20))
    table = rng.permutation(words)
    rows, columns = shape(words)
    costs = []
    for part, size in ((table // columns, rows), (table % columns, columns)):
        means = np.zeros((size, 20))
        np.add.at(means, part, counts**0.75 * vectors)
        means *= 5 / np.linalg.norm(means, axis=1, keepdims=True)
        seen = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        scores = (seen + 0.45 * rng.normal(size=seen.shape) / np.sqrt(counts)) @ means.T
        surprise = np.log(np.exp(scores).sum(axis=1, keepdims=True)) - scores
        noise = np.sqrt(counts) * np.abs(rng.normal(size=scores.shape))
        costs.append((counts * surprise + noise).astype(dtype))
    return costs[0], costs[1], table


def dense(row_costs, column_costs):
    """The costs of every word in every usable cell."""
    words, columns = len(row_costs), column_costs.shape[1]
    row_costs, column_costs = row_costs.astype(float), column_costs.astype(float)
    costs = np.empty((words, words))
    for cell in range(words):
        costs[:, cell] = row_costs[:, cell // columns] + column_costs[:, cell % columns]
    return costs


def optimum(row_costs, column_costs):
    costs = dense(row_costs, column_costs)
    return costs[linear_sum_assignment(costs)].sum()


def slack(row_costs, column_costs):
    """What the auction's table may cost above the optimum."""
    ranges = np.ptp(row_costs.astype(float), axis=1) + np.ptp(column_costs.astype(float), axis=1)
    return EPSILON_SHARE * ranges.sum() + 1e-9 * (np.abs(row_costs).sum() + np.abs(column_costs).sum())


def check(found, row_costs, column_costs):
    """A table with every word in a cell of its own; its cost as reported, and not below its bound."""
    words, columns = len(row_costs), column_costs.shape[1]
    assert found.cells.dtype == np.int32
    assert sorted(found.cells.tolist()) == list(range(words))
    costs = [
        float(row_costs[word, cell // columns]) + float(column_costs[word, cell % columns])
        for word, cell in enumerate(found.cells.tolist())
    ]
    assert found.cost == pytest.approx(sum(costs), rel=1e-12, abs=1e-12)
    assert found.lower_bound <= found.cost
    assert found.gap >= 0


@st.composite
def problems(draw):
    """Costs of any kind, of 1 to 400 words in tables of all shapes whose last row may be short."""
    rows = draw(st.integers(1, 20))
    columns = draw(st.integers(1, 20))
    words = rows * columns - draw(st.integers(0, columns - 1))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    kind = draw(st.sampled_from(["random", "tied", "alike", "unseen", "negative"]))
    row_costs, column_costs = rng.exponential(size=(words, rows)), rng.exponential(size=(words, columns))
    if kind == "tied":
        row_costs, column_costs = np.floor(2 * row_costs), np.floor(2 * column_costs)
    elif kind == "alike":
        row_costs[:], column_costs[:] = row_costs[0], column_costs[0]
    elif kind == "unseen":
        row_costs[words // 2 :] = column_costs[words // 2 :] = 0
    elif kind == "negative":
        row_costs, column_costs = row_costs - 3, column_costs - rng.normal(size=(words, 1))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    return row_costs.astype(dtype), column_costs.astype(dtype)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(problems())
def test_near_the_optimum_and_above_the_bound(problem):
    best = optimum(*problem)
    rounding = 1e-12 * (1 + np.abs(problem[0]).sum() + np.abs(problem[1]).sum())
    found = allocate(*problem, method="exact")
    check(found, *problem)
    assert found.cost == pytest.approx(best, rel=1e-12, abs=rounding)
    assert found.gap == 0
    found = allocate(*problem)
    check(found, *problem)
    assert best - rounding <= found.cost <= best + slack(*problem)
    assert best - slack(*problem) <= found.lower_bound <= best + rounding


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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_language_costs_within_two_hundredths_of_a_percent(dtype):
    row_costs, column_costs, table = language_costs(2500, dtype=dtype)
    found = allocate(row_costs, column_costs, table)
    check(found, row_costs, column_costs)
    assert found.gap <= 2e-4
    assert found.cost < 0.8 * found.initial_cost
    assert found.moved == pytest.approx(np.mean(found.cells != table))
    assert 0.9 < found.moved <= 1
    assert 0 < found.seconds < 30


def test_the_gap_is_that_of_the_optimum():
    row_costs, column_costs, _ = language_costs(390)
    best = allocate(row_costs, column_costs, method="exact")
    found = allocate(row_costs, column_costs)
    assert found.cost <= 1.0001 * best.cost
    assert 0.9999 * best.cost <= found.lower_bound <= best.cost


def test_a_list_holds_the_cheapest_cells():
    rng = np.random.default_rng(5)
    row_costs, column_costs, prices = rng.random((57, 8)), rng.random((57, 8)), np.zeros(57)
    lists = np.zeros((57, LIST_SIZE), np.int32), np.full((57, LIST_SIZE), np.inf), np.full(57, -np.inf)
    market = _Market(row_costs, column_costs, prices, *lists)
    costs = dense(row_costs, column_costs)[3]
    costs -= row_costs[3].min() + column_costs[3].min()
    for rises in (0, 0, 1, 16, 57):  # twice none; the dearest of the list alone, the whole list, all cells
        prices[market.list_cells[3, ::-1][:rises] if rises < 57 else slice(None)] += rng.random(rises)
        _make_list(market, 3)
        cheapest = np.argsort(costs + prices)[:LIST_SIZE]
        assert market.list_cells[3].tolist() == cheapest.tolist()
        assert market.list_costs[3] == pytest.approx(costs[cheapest])
        assert market.thresholds[3] == pytest.approx((costs + prices)[cheapest[-1]])


@pytest.mark.parametrize("words", [400, 2500])
def test_price_wars_end(words):
    """Words alike in everything: all want the same cells and outbid each other by epsilon."""
    rows, columns = shape(words)
    rng = np.random.default_rng(1)
    row_costs, column_costs = np.tile(rng.random(rows), (words, 1)), np.tile(rng.random(columns), (words, 1))
    found = allocate(row_costs, column_costs)
    check(found, row_costs, column_costs)
    assert found.gap <= 1e-4
    assert found.seconds < 30


@pytest.mark.parametrize("unit", [1, 1000])
def test_rounded_costs_and_words_never_seen(unit):
    row_costs, column_costs, table = language_costs(2500, seed=2)
    row_costs, column_costs = np.round(row_costs / unit), np.round(column_costs / unit)
    row_costs[1700:] = column_costs[1700:] = 0
    found = allocate(row_costs, column_costs, table)
    check(found, row_costs, column_costs)
    assert found.gap <= 1e-4
    assert found.seconds < 30


@pytest.mark.parametrize("constant", [0.0, 0.1, 7.0])
def test_words_that_do_not_care(constant):
    costs = np.full((90, 9), constant, np.float32), np.full((90, 10), constant, np.float32)
    found = allocate(*costs, current=np.arange(90)[::-1])
    check(found, *costs)
    assert found.gap == pytest.approx(0, abs=1e-12)
    assert found.moved == 0  # nothing to be gained


def test_rounding_never_puts_the_bound_above_the_cost():
    for seed in range(200):
        rng = np.random.default_rng(seed)
        costs = rng.random((2, 1)) * 1e6, rng.random((2, 2))
        check(allocate(*costs), *costs)


@pytest.mark.parametrize("method", ["auction", "exact"])
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


def test_without_a_present_table_and_repeatable():
    row_costs, column_costs, _ = language_costs(300)
    found, again = allocate(row_costs, column_costs), allocate(row_costs, column_costs)
    assert found.initial_cost is None
    assert found.moved is None
    assert np.array_equal(found.cells, again.cells)
    assert (found.cost, found.lower_bound) == (again.cost, again.lower_bound)
    with pytest.raises(FrozenInstanceError):
        found.cost = 0.0


def test_any_memory_layout_and_inputs_left_alone():
    row_costs, column_costs, _ = language_costs(300)
    expected = allocate(row_costs, column_costs).cells
    copies = np.asfortranarray(row_costs), np.repeat(column_costs, 2, axis=1)[:, ::2]
    assert np.array_equal(allocate(*copies).cells, expected)
    assert np.array_equal(copies[0], row_costs)
    assert np.array_equal(copies[1], column_costs)


def test_a_word_s_own_constant_changes_nothing():
    """A constant of each word's own moves the cost and its bound, not the table."""
    row_costs, column_costs, _ = language_costs(300, dtype=np.float64)
    row_costs = np.round(row_costs)
    column_costs = np.round(column_costs)
    constants = np.arange(300.0)[:, None] * 1000
    found, shifted = allocate(row_costs, column_costs), allocate(row_costs + constants, column_costs)
    assert np.array_equal(found.cells, shifted.cells)
    assert shifted.cost == pytest.approx(found.cost + constants.sum(), rel=1e-12)
    assert shifted.lower_bound == pytest.approx(found.lower_bound + constants.sum(), rel=1e-12)


def spoiled(name, value):
    costs = {"row_costs": np.ones((7, 3)), "column_costs": np.ones((7, 3))}
    costs[name][4, 1] = costs[name][5, 0] = value
    return costs


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "prices"}, r"'prices'.*auction, exact"),
        (spoiled("row_costs", np.nan), r"row_costs\[4, 1\] is nan"),
        (spoiled("column_costs", np.inf), r"column_costs\[4, 1\] is inf"),
        (spoiled("column_costs", -np.inf), r"column_costs\[4, 1\] is -inf"),
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
