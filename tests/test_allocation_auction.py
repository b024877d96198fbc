"""The auction's parts: lists, prices and their bounds, price wars, stopping early."""

import itertools

import numpy as np
import pytest
from allocation_problems import check, dense, language_costs, optimum, problems, rounding
from hypothesis import given, settings
from hypothesis import strategies as st

from lightrnn_gluon.allocation import METHODS, allocate, auction, market, problem
from lightrnn_gluon.allocation.kernels import find_cheapest, lay_out, make_lists, set_price
from lightrnn_gluon.allocation.market import open_market, open_prices, shelve, workspace
from lightrnn_gluon.allocation.problem import Problem, survey
from lightrnn_gluon.table import table_shape


def surveyed(row_costs, column_costs):
    return survey(row_costs, column_costs, None, None, np.inf)


@pytest.mark.parametrize(("rows", "columns", "words"), [(8, 8, 57), (3, 70, 205), (70, 3, 208), (1, 5, 5)])
def test_a_list_holds_the_cheapest_cells(rows, columns, words):
    rng = np.random.default_rng(5)
    row_costs, column_costs = rng.random((words, rows)), rng.random((words, columns))
    problem = surveyed(row_costs, column_costs)
    market = open_market(problem)
    shelve(problem, market.shelf, 0, np.array([3], np.int32))
    full = dense(row_costs, column_costs)[3]
    full -= row_costs[3].min() + column_costs[3].min()
    lists, size = market.lists, market.lists.cells.shape[1]
    for rises in (0, 0, 1, size, words):  # twice none; the dearest of the list alone, the whole list, all
        if rises:
            cells = lists.cells[3, ::-1][:rises] if rises < words else range(words)
            for cell in cells:
                set_price(market.prices, cell, market.prices.cells.ravel()[cell] + rng.random())
        make_lists(market, np.array([3], np.int32))
        prices = market.prices.cells.ravel()[:words]
        cheapest = np.argsort(full + prices)[:size]
        assert lists.cells[3].tolist() == cheapest.tolist()
        assert lists.costs[3] == pytest.approx(full[cheapest])
        assert lists.thresholds[3] == pytest.approx((full + prices)[cheapest[-1]])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(problem=problems(), seed=st.integers(0, 100), size=st.integers(1, 30), part=st.integers(1, 9))
def test_the_cheapest_at_any_prices(problem, seed, size, part):
    """Also where some cells, or nearly all, are closed, and however rows are divided."""
    words, size = len(problem[0]), min(size, len(problem[0]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(market, "_NARROW", 5)
        patch.setattr(market, "_PART", part)
        prices, rng = open_prices(surveyed(*problem)), np.random.default_rng(seed)
    scale = float(np.ptp(problem[0]) + np.ptp(problem[1]))
    for cell in range(rng.integers(words)):
        set_price(prices, cell, rng.choice([np.inf, rng.random() * scale]))
    assert np.array_equal(prices.near, prices.cells.astype(np.float32))
    assert np.array_equal(prices.parts.min(axis=1), prices.near.min(axis=1))
    assert (prices.rows <= prices.cells.min(axis=1)).all()
    assert prices.rows == pytest.approx(prices.cells.min(axis=1), rel=1e-6, abs=1e-37)
    word = rng.integers(words)
    work, found = workspace(prices, size), np.full(size, -1, np.int32)
    lay_out(work, problem[0][word], problem[1][word])
    threshold = find_cheapest(prices, work, found)
    full = dense(*problem)[word] - float(problem[0][word].min()) - float(problem[1][word].min())
    nets = full + prices.cells.ravel()[:words]
    expected = np.sort(nets)[:size]
    count = int(np.isfinite(expected).sum())
    assert (found >= 0).tolist() == [True] * count + [False] * (size - count)
    assert len(set(found[:count])) == count
    tolerance = {"rel": 1e-9, "abs": 1e-9 * float(np.abs(problem[0]).max() + np.abs(problem[1]).max())}
    assert nets[found[:count]] == pytest.approx(expected[:count], **tolerance)
    assert threshold == pytest.approx(expected[-1], **tolerance)


@pytest.mark.parametrize(("columns", "parts"), [(30, [30]), (41, [21, 20]), (100, [25] * 4)])
def test_rows_are_divided_evenly(columns, parts, monkeypatch):
    monkeypatch.setattr(market, "_NARROW", 40)
    costs = np.zeros((columns, 1)), np.zeros((columns, columns))
    prices = open_prices(surveyed(*costs))
    for column in range(columns):
        set_price(prices, column, 1.0 + column)
    assert prices.parts[0].tolist() == [1.0 + sum(parts[:part]) for part in range(len(parts))]


@pytest.mark.parametrize("words", [400, 2500])
def test_price_wars_end(words):
    """Words alike in everything: all want the same cells and outbid each other by epsilon."""
    columns, rows = table_shape(words)
    rng = np.random.default_rng(1)
    row_costs, column_costs = np.tile(rng.random(rows), (words, 1)), np.tile(rng.random(columns), (words, 1))
    found = allocate(row_costs, column_costs)
    check(found, row_costs, column_costs)
    assert found.gap <= 1e-4


def test_wars_in_groups_end():
    """Ten kinds of words, each alike in everything but how often they are seen."""
    rng = np.random.default_rng(2)
    kinds, counts = rng.integers(10, size=1600), 1 + rng.integers(3, size=(1600, 1))
    row_costs, column_costs = counts * rng.random((10, 40))[kinds], counts * rng.random((10, 40))[kinds]
    found = allocate(row_costs, column_costs)
    check(found, row_costs, column_costs)
    assert found.gap <= 1e-4


@pytest.mark.parametrize("unit", [1, 1000])
def test_rounded_costs_and_words_never_seen(unit):
    row_costs, column_costs, table = language_costs(2500, seed=2)
    row_costs, column_costs = np.round(row_costs / unit), np.round(column_costs / unit)
    row_costs[1700:] = column_costs[1700:] = 0
    found = allocate(row_costs, column_costs, table)
    check(found, row_costs, column_costs)
    assert found.gap <= 1e-4


@pytest.mark.parametrize("constant", [0.0, 0.1, 7.0])
def test_words_that_do_not_care(constant):
    words = np.full((90, 9), constant, np.float32), np.full((90, 10), constant, np.float32)
    found = allocate(*words, current=np.arange(90)[::-1])
    check(found, *words)
    assert found.gap == pytest.approx(0, abs=1e-12)
    assert found.moved == 0  # nothing to be gained


def test_a_gap_to_stop_at():
    row_costs, column_costs, _ = language_costs(1600, "hard")
    gaps = [0.1, 1e-2, 1e-3, 1e-4, 1e-6]
    found = [allocate(row_costs, column_costs, gap=gap) for gap in gaps]
    for wanted, allocation in zip(gaps, found, strict=True):
        check(allocation, row_costs, column_costs)
        assert allocation.gap <= wanted
    reached = [allocation.gap for allocation in found]
    assert reached[0] > 1e-3  # it does stop
    assert reached[1] > 1e-4
    assert reached[-1] < allocate(row_costs, column_costs).gap


@settings(max_examples=40, deadline=None, derandomize=True)
@given(problem=problems(kinds=("random", "tied", "negative", "unseen")))
def test_a_gap_of_nothing_comes_to_an_end(problem):
    found = allocate(*problem, gap=0.0)
    check(found, *problem)
    best = optimum(*problem)
    ranges = np.ptp(problem[0].astype(float), axis=1) + np.ptp(problem[1].astype(float), axis=1)
    slack = auction.LEAST_SHARE * ranges.sum() + 1000 * rounding(*problem)
    assert best - rounding(*problem) <= found.cost <= best + slack
    assert found.lower_bound >= best - slack


def clock(n):
    """In place of Problem.late: says that the time is over from the n-th time on that it is asked."""
    asked = itertools.count()
    return lambda problem, seconds=0.0: next(asked) >= n


@pytest.mark.parametrize("form", ["easy", "hard"])
@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_valid_table_whenever_it_is_stopped(method, form, monkeypatch):
    row_costs, column_costs, table = language_costs(200, form)
    best = optimum(row_costs, column_costs)
    monkeypatch.setattr(problem, "_BLOCK_BYTES", 13 * 4 * 29)
    monkeypatch.setattr(auction, "_ALLOWANCE", 40)
    costs_found = []
    for n in itertools.chain(range(40), range(40, 400, 40), [10**9]):
        monkeypatch.setattr(Problem, "late", clock(n))
        found = allocate(row_costs, column_costs, method=method)
        check(found, row_costs, column_costs)
        assert found.lower_bound <= best + rounding(row_costs, column_costs)
        costs_found.append(found.cost)
        monkeypatch.setattr(Problem, "late", clock(n))
        found = allocate(row_costs, column_costs, table, method)
        check(found, row_costs, column_costs)
        assert found.cost <= found.initial_cost
        assert found.lower_bound <= best + rounding(row_costs, column_costs)
    assert costs_found[-1] < costs_found[0]
    if method == "auction":
        assert costs_found[-1] == min(costs_found)


@pytest.mark.parametrize("method", sorted(METHODS))
@pytest.mark.parametrize("time_limit", [0, 1e-9, 1e-3, 1e6])
def test_time_limits(time_limit, method):
    row_costs, column_costs, table = language_costs(900, "hard")
    for current in (None, table):
        found = allocate(row_costs, column_costs, current, method, time_limit=time_limit)
        check(found, row_costs, column_costs)
        if time_limit == 0:
            assert np.array_equal(found.cells, np.arange(900) if current is None else table)


def test_words_without_a_cell_get_the_cheapest_free_ones(monkeypatch):
    """Stopped after its first block of words, the auction gives the others what `frequency` would."""
    row_costs, column_costs, _ = language_costs(300)
    monkeypatch.setattr(problem, "_BLOCK_BYTES", 38 * 4 * 35)
    # Asked: before the auction, in its first phase, and there again; then the time is said not to be over.
    answers = iter([False, False, True])
    monkeypatch.setattr(Problem, "late", lambda problem, seconds=0.0: next(answers, False))
    found = allocate(row_costs, column_costs)
    check(found, row_costs, column_costs)
    costs_in_cells = dense(row_costs, column_costs)
    free = np.ones(300, bool)
    free[found.cells[:38]] = False
    for word in range(38, 300):
        assert costs_in_cells[word, found.cells[word]] == pytest.approx(costs_in_cells[word, free].min())
        free[found.cells[word]] = False
