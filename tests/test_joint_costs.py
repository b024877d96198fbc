"""The measurement of a joint move's promise: what it reads, against the equations step by step."""

import sys

import numpy as np
import pytest
from nets import Marks, make_ids, make_net
from reference import lightrnn_steps
from scripts import ROOT

from lightrnn_gluon.refinement import accumulate, output_vectors
from lightrnn_gluon.sampling import StreamSampler
from lightrnn_gluon.table import WordTable

sys.path.insert(0, str(ROOT / "reproduce" / "bench"))

from joint_costs import _CPU, _read_with_other_rows


def make_reader(size):
    return StreamSampler(make_ids(size, 60).astype(np.int32), Marks, batch_size=1, length=20)


def test_with_the_rows_that_words_have_columns_cost_what_they_do():
    net = make_net(size=25)
    reader = make_reader(25)
    expected = accumulate(net, reader, _CPU).nats(net.table, output_vectors(net))[1]
    assert _read_with_other_rows(net, reader, net.table)[0] == pytest.approx(expected, rel=1e-5)


def test_a_word_alone_is_read_with_its_other_row():
    """Word by word: history in the net's own table, the next word's row, and its column, in the other."""
    net, size = make_net(size=25), 25
    own, moved = net.table, WordTable.random(size, 77)
    text = [Marks.start, *make_ids(size, 60)]
    total = 0.0
    for place in range(1, len(text)):
        word, there = text[place], np.flatnonzero(own.row_of == moved.row_of[text[place]])[0]
        # Any word of that row in its place: its row is read, and columns are predicted after it.
        *_, (_, columns) = lightrnn_steps(net, [*text[:place], there])
        total -= columns[moved.column_of[word]]
    found, _ = _read_with_other_rows(net, make_reader(size), moved)
    assert found == pytest.approx(total / (len(text) - 1), rel=1e-4)
