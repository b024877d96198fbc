"""Rows that tell of the rows beside them, against counts token by token."""

import numpy as np
import pytest
from nets import make_words

from lightrnn_gluon import informative_rows as module
from lightrnn_gluon.informative_rows import informative_rows
from lightrnn_gluon.starts import STARTS
from lightrnn_gluon.table import WordTable
from lightrnn_gluon.word_vectors import TrainingText, neighbour_counts

WORDS = [f"w{k}" for k in range(36)]


def text_of_kinds(length=12_000, seed=1):
    """Six kinds of six words; what follows a word depends on its kind alone, in a cycle of kinds."""
    kinds = np.arange(length) % 6
    return 6 * kinds + np.random.default_rng(seed).integers(6, size=length)


def lost_by_hand(ids, row_of, rows, window):
    """What each word would lose with the others of each row, less the least, from pairs counted singly."""
    places = [s for s in range(-window, window + 1) if s]
    counts = np.zeros((len(row_of), len(places) * rows))
    for t, word in enumerate(ids):
        for place, shift in enumerate(places):
            if 0 <= t + shift < len(ids):
                counts[word, place * rows + row_of[ids[t + shift]]] += 1
    usual = counts.sum(axis=0) + 1e-3
    lost = np.zeros((len(row_of), rows))
    for word in range(len(row_of)):
        for row in range(rows):
            others = [other for other in np.flatnonzero(row_of == row) if other != word]
            of_row = counts[others].sum(axis=0) + module._SMOOTHING * usual / usual.sum()
            lost[word, row] = -(counts[word] * np.log(of_row / of_row.sum())).sum()
    return lost - lost.min(axis=1, keepdims=True)


@pytest.mark.parametrize("window", [1, 2])
def test_lost_nats_are_those_of_counted_pairs(window, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", 10)  # of 23 words
    ids, table = np.random.default_rng(0).integers(22, size=500), WordTable.random(23, 0)
    beside = neighbour_counts(ids, np.arange(23), 23, window)
    found = module._lost_nats(beside, table.row_of, table.rows)
    expected = lost_by_hand(ids, table.row_of, table.rows, window)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-2)


def information(ids, row_of, rows):
    """Mutual information of the rows of neighbours, in nats."""
    joint = np.zeros((rows, rows))
    np.add.at(joint, (row_of[ids[:-1]], row_of[ids[1:]]), 1 / (len(ids) - 1))
    seen = joint > 0
    return (joint[seen] * np.log(joint / np.outer(joint.sum(axis=1), joint.sum(axis=0)))[seen]).sum()


@pytest.mark.parametrize("together", [400, 4])  # of a column's ten words, all or some
def test_rows_tell_more_with_every_step_from_a_random_table(together, monkeypatch):
    monkeypatch.setattr(module, "_TOGETHER", together)
    rng = np.random.default_rng(3)
    ids = rng.permutation(100)[np.minimum(rng.geometric(0.05, 30_000) - 1, 99)]
    ids[1::2] = (3 * ids[::2] + rng.integers(7, size=15_000)) % 100
    table, text, found = WordTable.random(100, 0), TrainingText(make_words(100), ids), []
    for steps in (0, 1, 8):
        monkeypatch.setattr(module, "_STEPS", steps)
        found.append(information(ids, informative_rows(table, text), table.rows))
    assert found[0] < found[1] < found[2]
    assert found[2] > 1.5 * found[0]


def test_rows_stay_as_long_as_they_are_and_come_out_the_same_again():
    text, table = TrainingText(make_words(38), text_of_kinds()), WordTable.random(38, 4)
    rows = informative_rows(table, text)
    assert np.array_equal(np.bincount(rows), np.bincount(table.row_of))
    assert np.array_equal(rows, informative_rows(table, text))


@pytest.mark.parametrize("start", ["spectral", "information"])
def test_words_with_the_same_neighbours_share_a_row(start):
    table = STARTS[start](WordTable.random(36, 0), TrainingText(WORDS, text_of_kinds()))
    assert all(len(set(table.row_of[6 * kind : 6 * kind + 6])) == 1 for kind in range(6))


def test_a_row_of_informative_rows_has_its_most_frequent_words_first():
    ids = np.concatenate([text_of_kinds(), np.repeat(np.arange(36), np.arange(36))])
    table, counts = STARTS["information"](WordTable.random(36, 0), TrainingText(WORDS, ids)), np.bincount(ids)
    assert (np.diff(counts[table.words()], axis=1) <= 0).all()
