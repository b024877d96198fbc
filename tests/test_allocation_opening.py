"""Prices to open an auction with: samples of all shapes, what they offer, and that it is worth while."""

import numpy as np
import pytest
from allocation_problems import check, language_costs, optimum, problems, rounding
from hypothesis import given, settings

from lightrnn_gluon.allocation import allocate, auction, opening
from lightrnn_gluon.allocation.problem import survey


def surveyed(row_costs, column_costs):
    return survey(row_costs, column_costs, None, None, np.inf)


@pytest.mark.parametrize(
    ("rows", "columns", "words"),
    [(40, 40, 1600), (2, 900, 1701), (900, 2, 1800), (1, 1200, 1200), (45, 30, 1321)],
)
def test_a_sample_is_a_smaller_table(rows, columns, words):
    rng = np.random.default_rng(0)
    row_costs, column_costs = rng.random((words, rows)), rng.random((words, columns))
    problem = surveyed(row_costs, column_costs)
    sample = opening.draw(problem)
    assert len(sample) == len(set(sample.tolist())) == words // 4
    small = opening.shrink(problem, sample)
    assert (small.rows - 1) * small.columns < len(sample) <= small.rows * small.columns
    for costs, full in ((small.row_costs, row_costs), (small.column_costs, column_costs)):
        chosen = [int(np.flatnonzero((full[sample] == option[:, None]).all(axis=0))[0]) for option in costs.T]
        assert len(set(chosen)) == costs.shape[1]  # each a row (or column) of the whole table


def test_few_words_have_no_sample():
    assert len(opening.draw(surveyed(*language_costs(999)[:2]))) == 0


def test_offers_are_what_ordinary_words_would_pay():
    row_costs, column_costs, _ = language_costs(1200)
    problem = surveyed(row_costs, column_costs)
    words, nets = np.arange(0, 1200, 7), np.random.default_rng(0).random(172) * 1000
    ranges = problem.most[words] - problem.least[words]
    expected = np.full((problem.rows, problem.columns), -np.inf)
    for word, net, its_range in zip(words, nets, ranges, strict=True):
        if its_range <= np.median(ranges):
            expected = np.maximum(expected, net - row_costs[word][:, None] - column_costs[word])
    expected = opening._CAUTION * (expected - expected.min())
    assert opening.offers(problem, words, nets) == pytest.approx(expected, rel=1e-4, abs=1e-2)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(problem=problems())
def test_any_opening_leads_to_the_optimum(problem):
    """Also samples of a word or two, at every level."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "_LEAST", 1)
        found = allocate(*problem)
    check(found, *problem)
    best = optimum(*problem)
    ranges = np.ptp(problem[0].astype(float), axis=1) + np.ptp(problem[1].astype(float), axis=1)
    slack = auction.FIRST_PHASE * auction.PATIENCE * auction.EPSILON_SHARE * ranges.sum()
    assert best - rounding(*problem) <= found.cost <= best + slack + 1000 * rounding(*problem)
    assert found.lower_bound <= best + rounding(*problem)


def test_a_good_opening_saves_effort(monkeypatch):
    row_costs, column_costs, _ = language_costs(10_000, "hard")
    lists = []
    bid = auction.bid

    def counted(market, *arguments):
        result = bid(market, *arguments)
        if len(market.lists.cells) == 10_000:
            lists[-1] += result[2]
        return result

    monkeypatch.setattr(auction, "bid", counted)
    for least in (opening._LEAST, 10_000):  # with samples, and without any
        lists.append(0)
        monkeypatch.setattr(opening, "_LEAST", least)
        assert allocate(row_costs, column_costs).gap <= 1e-4
    assert lists[0] < 0.9 * lists[1]
