"""The word table: every word in a cell of its own, and no hole but at the end of the last row."""

import math

import numpy as np
import pytest

from lightrnn_gluon.table import WordTable, table_shape

SIZES = range(1, 201)


def test_table_has_ceil_sqrt_columns_and_only_its_last_row_is_short():
    for size in SIZES:
        table = WordTable.random(size, seed=size)
        assert table.columns == math.isqrt(size - 1) + 1, size
        assert table_shape(size) == (table.columns, table.rows), size
        words_in_row = np.bincount(table.row_of, minlength=table.rows)
        assert len(words_in_row) == table.rows, size
        assert set(words_in_row[:-1]) <= {table.columns}, size
        assert 0 < words_in_row[-1] <= table.columns, size
        assert words_in_row[-1] == table.last_row_length, size


def test_words_rows_and_columns_agree():
    for size in SIZES:
        table = WordTable.random(size, seed=1)
        grid = table.words()
        assert len(table) == size
        assert grid.shape == (table.rows, table.columns), size
        np.testing.assert_array_equal(grid[table.row_of, table.column_of], np.arange(size))
        assert sorted(grid.ravel()[:size]) == list(range(size)), size
        assert set(grid.ravel()[size:]) <= {-1}, size


def test_shapes_of_large_vocabularies():
    assert table_shape(793_471) == (891, 891)
    assert table_shape(6_000) == (78, 77)
    for columns in (1000, 94_906, 94_907):
        assert table_shape(columns**2) == (columns, columns)
        assert table_shape(columns**2 + 1) == (columns + 1, columns)


def test_random_table_follows_from_its_seed():
    cells = WordTable.random(150, seed=3).cells
    np.random.seed(0)
    np.random.rand(5)
    np.testing.assert_array_equal(cells, WordTable.random(150, seed=3).cells)
    assert np.any(cells != WordTable.random(150, seed=4).cells)
    assert sorted(cells) == list(range(150))


@pytest.mark.parametrize(
    ("cells", "offender"),
    [([0, 1, 3], 3), ([0, -1, 1], -1), ([2, 0, 1, 2], 2), ([0, 1, 1], 1), ([5, 0], 5), ([0, 10**6], 10**6)],
)
def test_cells_that_are_no_permutation_are_refused_with_the_offender_named(cells, offender):
    with pytest.raises(ValueError, match=f"cell {offender} is out of range or taken twice"):
        WordTable(np.array(cells))
