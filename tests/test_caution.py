"""Pooled and damped costs, against a sum over occurrences one by one."""

import numpy as np
import pytest
from nets import make_ids

from lightrnn_gluon.allocation import allocate
from lightrnn_gluon.caution import cautious
from lightrnn_gluon.table import WordTable


def made_costs(size=23, seed=0):
    """Occurrences with a cost for each row and each column; the costs summed up, and a table."""
    rng, table = np.random.default_rng(seed), WordTable.random(size, seed)
    words = make_ids(size)
    of_rows, of_columns = rng.random((len(words), table.rows)), rng.random((len(words), table.columns))
    summed = [
        np.stack([part[words == word].sum(axis=0) for word in range(size)]).astype(np.float32)
        for part in (of_rows, of_columns)
    ]
    return words, (of_rows, of_columns), tuple(summed), table


@pytest.mark.parametrize(("pooling", "damping"), [(3.0, 0.0), (0.0, 0.2), (2.5, 0.1)])
def test_costs_are_those_of_occurrences_seen_and_imagined(pooling, damping):
    words, each, summed, table = made_costs()
    counts = np.bincount(words, minlength=23)
    found = cautious(summed, counts, table, pooling, damping)
    for costs, of_each, present in zip(found, each, (table.row_of, table.column_of), strict=True):
        assert costs.shape == (23, of_each.shape[1])
        for word in range(23):
            like = of_each[table.row_of[words] == table.row_of[word]]
            expected = of_each[words == word].sum(axis=0) + pooling * (like.mean(axis=0) if len(like) else 0)
            expected += damping * (counts[word] + pooling) * (np.arange(len(expected)) != present[word])
            assert costs[word : word + 1][0] == pytest.approx(expected, rel=1e-5)
            assert costs[np.array([word])][0] == pytest.approx(expected, rel=1e-5)


def test_without_caution_costs_are_what_they_were():
    words, _, summed, table = made_costs()
    assert cautious(summed, np.bincount(words, minlength=23), table, 0.0, 0.0) is summed


def test_the_more_a_move_is_damped_the_fewer_words_move():
    words, _, summed, table = made_costs(size=90)
    counts = np.bincount(words, minlength=90)
    moved = [
        allocate(*cautious(summed, counts, table, 0.0, damping), current=table.cells).moved
        for damping in (0.0, 0.1, 0.3, 10.0)
    ]
    assert moved == sorted(moved, reverse=True)
    assert moved[0] > moved[2] > 0
    assert moved[3] == 0 or counts.min() == 0
