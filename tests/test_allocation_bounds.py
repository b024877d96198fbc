"""Bounds of what words cost in other columns of their rows, against every occurrence counted by itself."""

import numpy as np
import pytest
from nets import CPU, Marks, make_ids, make_net

from lightrnn_gluon.allocation.bounds import ColumnBounds
from lightrnn_gluon.moves import chosen_cost, inside_rows
from lightrnn_gluon.refinement import accumulate, output_vectors
from lightrnn_gluon.sampling import StreamSampler
from lightrnn_gluon.table import WordTable


def problem(size=23, hidden=6, occurrences=400, seed=0):
    """A table, occurrences (words, states), and vectors and biases of columns and of words."""
    rng = np.random.default_rng(seed)
    table = WordTable.random(size, seed)
    vectors = [
        rng.normal(size=shape).astype(np.float32)
        for shape in ((table.columns, hidden), table.columns, (size, hidden), size)
    ]
    states = rng.normal(size=(occurrences, hidden)).astype(np.float32)
    return table, rng.integers(size, size=occurrences), states, vectors


def nats(table, words, states, vectors):
    """What the occurrences cost in a table, one at a time in float64."""
    weight, bias, word_weight, word_bias = (array.astype(np.float64) for array in vectors)
    total = 0.0
    for word, state in zip(words, states.astype(np.float64), strict=True):
        scores = {
            other: weight[table.column_of[other]] @ state + bias[table.column_of[other]]
            + word_weight[other] @ state + word_bias[other]
            for other in np.flatnonzero(table.row_of == table.row_of[word])
        }  # fmt: skip
        total += np.log(sum(np.exp(score) for score in scores.values())) - scores[word]
    return total


def bounds(table, words, states, vectors, parts=1):
    found = ColumnBounds(table)
    for part in np.array_split(np.arange(len(words)), parts):
        found.add(words[part], states[part], *vectors)
    return found.costs(*vectors)


def shuffled_inside_rows(table, rng):
    return WordTable.of_rows(table.row_of, rng.permutation(len(table)))


@pytest.mark.parametrize("size", [1, 2, 5, 23, 25])
def test_where_words_stay_the_bound_is_what_they_cost(size):
    table, *occurred = problem(size)
    costs = bounds(table, *occurred)
    assert costs.shape == (size, table.columns)
    assert chosen_cost(costs, table.column_of) == pytest.approx(nats(table, *occurred), rel=1e-5, abs=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_columns_cost_more_than_the_bound(seed):
    table, *occurred = problem(seed=seed)
    costs, rng = bounds(table, *occurred), np.random.default_rng(seed)
    for _ in range(20):
        other = shuffled_inside_rows(table, rng)
        assert nats(other, *occurred) <= chosen_cost(costs, other.column_of) + 1e-3


def test_the_bound_is_the_equation_word_by_word():
    table, words, states, vectors = problem(size=7, occurrences=30)
    weight, bias, word_weight, word_bias = (array.astype(np.float64) for array in vectors)
    expected = np.zeros((7, table.columns))
    for word, state in zip(words, states.astype(np.float64), strict=True):
        row = np.flatnonzero(table.row_of == table.row_of[word])
        own = {other: word_weight[other] @ state + word_bias[other] for other in row}
        logits = weight @ state + bias
        normaliser = sum(np.exp(own[other] + logits[table.column_of[other]]) for other in row)
        expected[word] += np.log(normaliser) - own[word] - logits - 1
        for other in row:
            expected[other] += np.exp(own[other] + logits) / normaliser
    np.testing.assert_allclose(bounds(table, words, states, vectors), expected, rtol=1e-4, atol=1e-4)


def test_parts_of_a_text_add_up():
    table, *occurred = problem()
    whole = bounds(table, *occurred)
    np.testing.assert_allclose(bounds(table, *occurred, parts=7), whole, rtol=1e-4, atol=1e-3)


def test_large_scores_do_not_overflow():
    table, words, states, vectors = problem()
    vectors = [30 * array for array in vectors]
    costs = bounds(table, words, states, vectors)
    assert np.isfinite(chosen_cost(costs, table.column_of))
    exact = nats(table, words, states, vectors)
    assert chosen_cost(costs, table.column_of) == pytest.approx(exact, rel=1e-4)


@pytest.mark.parametrize("codes", [1, 3])
def test_a_move_of_a_net_keeps_its_promise(codes):
    net = make_net(size=30, codes=codes)
    text = StreamSampler(make_ids(30).astype(np.int32), Marks, batch_size=4, length=10)
    vectors = output_vectors(net)
    sums = accumulate(net, text, CPU)
    before = sums.nats(net.table, vectors)
    found = inside_rows(*sums.costs(vectors), net.table)
    moved = WordTable(found.cells)
    promised = sums.nats(moved, vectors)
    net.set_table(moved)
    real = accumulate(net, text, CPU).nats(moved, vectors)
    assert found.moved > 0 and promised[1] < before[1]
    assert real[0] == pytest.approx(before[0], rel=1e-5), "nothing that is read has changed"
    assert real[1] <= promised[1] + 1e-5
