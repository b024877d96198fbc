"""Moves against what they may change and what that costs, counted word by word."""

import numpy as np
import pytest
from allocation_problems import language_costs

from lightrnn_gluon.allocation import allocate
from lightrnn_gluon.moves import anywhere, chosen_cost, inside_columns, inside_rows
from lightrnn_gluon.table import WordTable


def total(row_costs, column_costs, table):
    return sum(
        float(row_costs[word, table.row_of[word]]) + float(column_costs[word, table.column_of[word]])
        for word in range(len(table))
    )


@pytest.mark.parametrize("words", [30, 90, 400])
@pytest.mark.parametrize("step", [anywhere, inside_rows, inside_columns])
def test_a_step_costs_what_it_says_and_moves_where_it_may(step, words):
    row_costs, column_costs, cells = language_costs(words)
    table = WordTable(cells)
    found = step(row_costs, column_costs, table)
    after = WordTable(found.cells)
    assert found.initial_cost == pytest.approx(total(row_costs, column_costs, table))
    assert found.cost == pytest.approx(total(row_costs, column_costs, after))
    assert found.lower_bound <= found.cost * (1 + 1e-9)
    assert found.moved == np.mean(after.cells != table.cells) > 0
    if step is inside_rows:
        assert np.array_equal(after.row_of, table.row_of)
        assert found.cost < found.initial_cost
    elif step is inside_columns:  # by rows' costs alone
        assert np.array_equal(after.column_of, table.column_of)
        assert chosen_cost(row_costs, after.row_of) < chosen_cost(row_costs, table.row_of)
    least = allocate(row_costs, column_costs).lower_bound
    assert found.cost >= least * (1 - 1e-9)


def test_costs_of_chosen_options_are_added_up_over_all_blocks():
    costs = np.random.default_rng(0).random((10_000, 3))
    chosen = np.random.default_rng(1).integers(3, size=10_000)
    assert chosen_cost(costs, chosen) == pytest.approx(sum(costs[k, chosen[k]] for k in range(10_000)))
