"""Tables to start from: what `spectral` finds again of what was planted."""

import numpy as np
import pytest

from lightrnn_gluon import starts
from lightrnn_gluon.starts import STARTS, by_vectors
from lightrnn_gluon.table import WordTable


def planted(rows=9, columns=9, missing=4, noise=0.1, seed=0):
    """Vectors that are a row's plus a column's and noise, the table that they were made by, and counts."""
    rng = np.random.default_rng(seed)
    table = WordTable.random(rows * columns - missing, seed)
    made = rng.normal(size=(rows, 12))[table.row_of] + 0.5 * rng.normal(size=(columns, 12))[table.column_of]
    vectors = made + noise * rng.normal(size=made.shape)
    return vectors.astype(np.float32), table, rng.integers(1, 1000, size=len(table))


def left_over(table, vectors, counts):
    """The weighted squares that the best centres leave, by least squares over all of them together."""
    size = len(table)
    design = np.zeros((size, table.rows + table.columns))
    design[np.arange(size), table.row_of] = 1
    design[np.arange(size), table.rows + table.column_of] = 1
    root = np.sqrt(counts**0.8)[:, None]
    centres = np.linalg.lstsq(root * design, root * vectors, rcond=None)[0]
    return float(((root * (vectors - design @ centres)) ** 2).sum())


@pytest.mark.parametrize("seed", range(3))
def test_what_was_planted_is_found_again(seed, monkeypatch):
    vectors, table, counts = planted(seed=seed)
    least = left_over(table, vectors, counts)
    found = []
    for rounds in (0, 1, 5):
        monkeypatch.setattr(starts, "_ROUNDS", rounds)
        found.append(left_over(by_vectors(vectors, counts), vectors, counts))
    random = left_over(WordTable.random(len(table), 99), vectors, counts)
    assert found[2] < found[1] < found[0]
    assert least < found[2] < 0.25 * random


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 30])
@pytest.mark.parametrize("start", sorted(STARTS))
def test_every_start_makes_a_table_of_any_size_the_same_each_time(start, size):
    ids = np.random.default_rng(size).integers(max(1, size - 2), size=200)  # some words are never seen
    table = WordTable.random(size, 5)
    made = STARTS[start](table, ids)
    assert sorted(made.cells) == list(range(size))
    assert np.array_equal(made.cells, STARTS[start](table, ids).cells)
    if start != "frequency" or size < 3:
        return
    counts = np.bincount(ids, minlength=size)
    assert (np.diff(counts[np.argsort(made.cells)]) <= 0).all()


def test_words_with_the_same_neighbours_share_a_row():
    """Six kinds of six words; what follows a word depends on its kind alone, in a cycle of kinds."""
    rng = np.random.default_rng(1)
    kinds = np.arange(12_000) % 6
    ids = 6 * kinds + rng.integers(6, size=len(kinds))
    table = STARTS["spectral"](WordTable.random(36, 0), ids)
    assert all(len(set(table.row_of[6 * kind : 6 * kind + 6])) == 1 for kind in range(6))
