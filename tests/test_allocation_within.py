"""Words that move inside their groups alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from lightrnn_gluon.allocation import allocate_within
from lightrnn_gluon.table import WordTable


@settings(max_examples=50, deadline=None, derandomize=True)
@given(words=st.integers(1, 120), seed=st.integers(0, 1000), by_rows=st.booleans())
def test_each_group_shares_its_options_out_at_the_least_cost(words, seed, by_rows):
    table, rng = WordTable.random(words, seed), np.random.default_rng(seed)
    groups, options = table.row_of, table.column_of
    if not by_rows:  # the last row may be short: some columns then have fewer words
        groups, options = options, groups
    costs = rng.exponential(size=(words, options.max() + 1)).astype(np.float32)
    allocation = allocate_within(groups, options, costs)
    found = allocation.cells
    assert found.dtype == np.int32
    totals = np.zeros(3)
    for group in np.unique(groups):
        inside = np.flatnonzero(groups == group)
        assert sorted(found[inside]) == sorted(options[inside])
        square = costs[inside][:, options[inside]].astype(float)
        best = square[linear_sum_assignment(square)].sum()
        cost = costs[inside, found[inside]].astype(float).sum()
        before = costs[inside, options[inside]].astype(float).sum()
        assert best <= cost * (1 + 1e-6)
        assert cost <= before * (1 + 1e-6)
        assert cost == pytest.approx(best, rel=1e-3, abs=1e-6)
        totals += best, cost, before
    assert (allocation.cost, allocation.initial_cost) == pytest.approx(tuple(totals[1:]))
    assert allocation.lower_bound <= totals[0] * (1 + 1e-6)
    assert allocation.moved == pytest.approx((found != options).mean())


def test_costs_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="must be finite"):
        allocate_within(np.zeros(3, int), np.arange(3), np.full((3, 3), np.nan))
