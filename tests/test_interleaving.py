"""Every prediction of a hand-made corpus of four words, enumerated by hand, in both samplers.

The table is a b / c d: rows 0 0 1 1, columns 0 1 0 1. `<S>` is the word a, `</S>` the word b. A net
whose LSTM is replaced by a recorder shows which vector is read at each step, and which output is
asked for which row or column.
"""

import mxnet as mx
import numpy as np
import pytest

from lightrnn_gluon.likelihood import chunk_words
from lightrnn_gluon.models import LightRNN
from lightrnn_gluon.models.base import StackedLSTM
from lightrnn_gluon.sampling import SentenceSampler, StreamSampler
from lightrnn_gluon.table import WordTable

A, B, C, D = range(4)
IDS = np.array([C, D, D, B, D, B], dtype=np.int32)  # "c d d </S>", "d </S>"


class Words:
    start, end = A, B


class Recorder(StackedLSTM):
    """Stands for the LSTM: counts its steps as state, gives what it reads as output."""

    def zero_state(self, batch, context):
        return [mx.nd.zeros((1, batch, 1), ctx=context)]

    def hybrid_forward(self, F, inputs, steps):
        return inputs, steps + inputs.shape[0]


def recording_net():
    net = LightRNN(4, 1, 1, 0.0)
    net.initialize_from(0, mx.cpu())
    net.set_table(WordTable(np.arange(4)))
    net.encoder.row_input.set_data(mx.nd.array([[10], [11]]))  # r(a) = r(b) = 10, r(c) = r(d) = 11
    net.encoder.second.column_input.set_data(mx.nd.array([[20], [21]]))  # c(a) = c(c) = 20, c(b) = c(d) = 21
    net.encoder.lstm = Recorder(1, 1, 1, 0.0)
    return net


def trace(sampler):
    """Each chunk's row of (vector read, what it predicts) pairs, and the steps read before it."""
    net, state, chunks = recording_net(), [], []
    for chunk in sampler.epoch(None):
        inputs, targets = chunk_words(chunk, mx.cpu())
        state = net.begin(inputs[0]) if chunk.starts else state
        before = state[0].asnumpy().ravel().astype(int)
        after_column, after_row, rows, columns, *state = net.encoder(inputs, targets, *state)
        arrays = [array.asnumpy().squeeze(-1).astype(int) for array in (after_column, after_row)]
        asked = [rows.asnumpy(), columns.asnumpy()]
        for b in range(chunk.inputs.shape[1]):
            pairs = []
            for t in np.flatnonzero(chunk.positions[:, b] >= 0):
                pairs += [
                    (arrays[0][t, b], f"row {asked[0][t, b]}"),
                    (arrays[1][t, b], f"column {asked[1][t, b]}"),
                ]
            chunks.append((chunk.starts, before[b], pairs))
    return chunks


# c(<S>) predicts r(c); r(c) predicts c(c); c(c) predicts r(d); ... ; r(</S>) predicts c(</S>).
FIRST = [
    (20, "row 1"), (11, "column 0"),  # c after <S>
    (20, "row 1"), (11, "column 1"),  # d after c
    (21, "row 1"), (11, "column 1"),  # d after d
    (21, "row 0"), (10, "column 1"),  # </S> after d
]  # fmt: skip
SECOND = [
    (20, "row 1"), (11, "column 1"),  # d after <S>
    (21, "row 0"), (10, "column 1"),  # </S> after d
]  # fmt: skip
# In a stream the second sentence begins behind the </S> of the first.
SECOND_IN_STREAM = [(21, "row 1"), *SECOND[1:]]


def test_sentences_whole():
    chunks = trace(SentenceSampler(IDS, Words, batch_size=1, length=10))
    # r(<S>) is read first, from a zero state: one step before the first prediction.
    assert sorted(chunks) == sorted([(True, 1, FIRST), (True, 1, SECOND)])


def test_sentences_across_a_chunk_border():
    chunks = trace(SentenceSampler(IDS, Words, batch_size=1, length=2))
    assert sorted(chunks) == sorted([(True, 1, FIRST[:4]), (False, 5, FIRST[4:]), (True, 1, SECOND)])


def test_sentences_side_by_side_are_padded_not_mixed():
    ids = np.array([C, D, B, D, D, B], dtype=np.int32)
    chunks = trace(SentenceSampler(ids, Words, batch_size=2, length=10))
    expected = [
        (20, "row 1"),
        (11, "column 0"),
        (20, "row 1"),
        (11, "column 1"),
        (21, "row 0"),
        (10, "column 1"),
    ]
    other = [
        (20, "row 1"),
        (11, "column 1"),
        (21, "row 1"),
        (11, "column 1"),
        (21, "row 0"),
        (10, "column 1"),
    ]
    assert sorted(chunks) == sorted([(True, 1, expected), (True, 1, other)])


def test_one_stream_across_chunk_borders():
    everything = [*FIRST, *SECOND_IN_STREAM]
    chunks = trace(StreamSampler(IDS, Words, batch_size=1, length=4))
    assert chunks == [(True, 1, everything[:8]), (False, 9, everything[8:])]


def test_two_streams_each_begin_behind_the_word_before_them():
    # Streams "c d d" and "</S> d </S>"; the second one's context is the d that precedes it.
    everything = [*FIRST, *SECOND_IN_STREAM]
    chunks = trace(StreamSampler(IDS, Words, batch_size=2, length=2))
    assert sorted(chunks) == sorted(
        [
            (True, 1, everything[0:4]),
            (True, 1, everything[6:10]),
            (False, 5, everything[4:6]),
            (False, 5, everything[10:12]),
        ]
    )


@pytest.mark.parametrize("sampler", [SentenceSampler, StreamSampler])
@pytest.mark.parametrize("length", [1, 2, 3, 10])
def test_a_chunk_border_changes_no_prediction(sampler, length):
    whole = trace(sampler(IDS, Words, batch_size=1, length=100))
    cut = trace(sampler(IDS, Words, batch_size=1, length=length))
    assert sorted(p for *_, pairs in whole for p in pairs) == sorted(p for *_, pairs in cut for p in pairs)
