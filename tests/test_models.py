"""The nets against the equations: values, probabilities, gradients, and learning."""

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd
from reference import full_softmax_nll, lightrnn_nll, lightrnn_steps

from lightrnn_gluon.likelihood import chunk_words, perplexity, token_nll
from lightrnn_gluon.models import MODELS
from lightrnn_gluon.sampling import StreamSampler
from lightrnn_gluon.table import WordTable

CPU = mx.cpu()


def make_net(model="lightrnn", size=23, hidden=6, layers=1, dropout=0.0, spread=0.7):
    net = MODELS[model](size, hidden, layers, dropout)
    net.initialize_from(3, CPU)
    generator = np.random.RandomState(5)
    for parameter in net.trained().values():
        parameter.set_data(mx.nd.array(generator.uniform(-spread, spread, parameter.shape)))
    net.hybridize(static_alloc=True)
    return net


def words_nd(*rows):
    return mx.nd.array(np.array(rows), dtype="int32")


def score(net, words, chunk):
    """Each word's NLL after the first, the text read in chunks with carried state."""
    state, result = net.begin(words_nd(words[0]).reshape(-1)), []
    for first in range(0, len(words) - 1, chunk):
        piece = words[first : first + chunk + 1]
        nll, *state = net(words_nd(*piece[:-1]).expand_dims(1), words_nd(*piece[1:]).expand_dims(1), *state)
        result.append(nll.asnumpy()[:, 0])
    return np.concatenate(result)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(
    ("model", "reference"), [("lightrnn", lightrnn_nll), ("full_softmax", full_softmax_nll)]
)
def test_forward_equals_step_by_step_lstm_over_2000_words_of_carried_state(model, reference, layers):
    net = make_net(model, layers=layers)
    words = np.random.RandomState(0).randint(0, 23, 2001)
    expected = reference(net, words)
    expected = expected if expected.ndim == 1 else expected.sum(axis=0)
    np.testing.assert_allclose(score(net, words, chunk=37), expected, atol=2e-5)


def test_rows_and_columns_are_each_scored_as_the_equations_say():
    net = make_net()
    words = np.random.RandomState(1).randint(0, 23, 50)
    state = net.begin(words_nd(words[0]).reshape(-1))
    inputs, targets = words_nd(*words[:-1]).expand_dims(1), words_nd(*words[1:]).expand_dims(1)
    after_column, after_row, rows, columns, *_ = net.encoder(inputs, targets, *state)
    parts = [part.asnumpy() for part in net.output(after_column, after_row, rows, columns)]
    np.testing.assert_allclose(parts, lightrnn_nll(net, words), atol=1e-5)


# Full tables (1, 4, 9, 25 words), short last rows, and sizes whose square has a whole empty row.
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7, 9, 12, 23, 25, 30, 31])
@pytest.mark.parametrize("model", sorted(MODELS))
def test_probabilities_over_the_vocabulary_sum_to_one(model, size):
    net = make_net(model, size, spread=1.5)
    every = np.arange(size)
    state = net.begin(words_nd(np.zeros(size)).reshape(-1))
    for context in np.random.RandomState(2).randint(0, size, 5):
        inputs = words_nd(np.full(size, context))
        nll, *_ = net(inputs, words_nd(every), *state)
        assert np.exp(-nll.asnumpy().astype(np.float64)).sum() == pytest.approx(1, abs=1e-5)
        _, *state = net(inputs, words_nd(np.full(size, context)), *state)


def test_the_reference_itself_gives_probabilities_over_the_whole_table():
    net = make_net(size=23)
    words = [4, 8, 15, 16, 22, 3]
    grid = net.table.words()
    for position, (rows, _) in enumerate(lightrnn_steps(net, words)):
        total = 0.0
        for word in range(23):
            *_, (_, columns) = lightrnn_steps(net, [*words[: position + 1], word])
            total += np.exp(rows[net.table.row_of[word]] + columns[net.table.column_of[word]])
        assert total == pytest.approx(1, abs=1e-12)
    assert (grid[-1] < 0).any()


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(
    ("model", "reference"), [("lightrnn", lightrnn_nll), ("full_softmax", full_softmax_nll)]
)
def test_gradients_equal_finite_differences_of_the_reference(model, reference, layers):
    net = make_net(model, size=7, hidden=3, layers=layers)
    words = np.array([1, 3, 6, 2, 6, 5, 0, 4])
    with autograd.record():
        state = net.begin(words_nd(words[0]).reshape(-1))
        inputs, targets = words_nd(*words[:-1]).expand_dims(1), words_nd(*words[1:]).expand_dims(1)
        nll, *_ = net(inputs, targets, *state)
        loss = nll.sum()
    loss.backward()
    for name, parameter in net.trained().items():
        gradient, values = parameter.grad().asnumpy(), parameter.data().asnumpy().copy()
        step = 1e-3
        for index in np.random.RandomState(0).permutation(values.size)[:6]:
            place = np.unravel_index(index, values.shape)
            ends = []
            for sign in (1, -1):
                moved = values.copy()
                moved[place] += sign * step
                parameter.set_data(mx.nd.array(moved))
                # The step that float32 really took, so that the float64 reference divides by it.
                ends.append((float(parameter.data().asnumpy()[place]), reference(net, words).sum()))
            (high, loss_high), (low, loss_low) = ends
            slope = (loss_high - loss_low) / (high - low)
            assert gradient[place] == pytest.approx(slope, abs=2e-4), (name, place)
        parameter.set_data(mx.nd.array(values))


def test_a_new_table_replaces_the_old_one_without_a_new_net():
    net = make_net()
    words = np.random.RandomState(3).randint(0, 23, 30)
    before = score(net, words, 10)
    net.set_table(WordTable.random(23, seed=99))
    after = score(net, words, 10)
    assert not np.allclose(before, after)
    np.testing.assert_allclose(after, lightrnn_nll(net, words).sum(axis=0), atol=1e-5)


def test_evaluation_drops_nothing():
    words = np.arange(20)
    exact = score(make_net(layers=2, dropout=0.0), words, 19)
    np.testing.assert_array_equal(score(make_net(layers=2, dropout=0.5), words, 19), exact)


def test_training_drops_between_layers():
    lstm = make_net(layers=2, dropout=0.5).encoder.lstm
    # The first layer does not look at its input, so only a mask between the layers can change the
    # values of the units that the last mask leaves.
    first = lstm.layers[0].collect_params()
    (weight,) = [p for name, p in first.items() if name.endswith("i2h_weight")]
    weight.set_data(mx.nd.zeros(weight.shape))
    seen = [set() for _ in range(6)]
    for seed in range(30):
        mx.random.seed(seed)
        with autograd.train_mode():
            output, *_ = lstm(mx.nd.ones((1, 1, 6)), *lstm.zero_state(1, CPU))
        for unit, value in enumerate(output.asnumpy().ravel()):
            seen[unit].add(round(float(value), 6))
    assert all(len(values - {0.0}) > 1 for values in seen)


@pytest.mark.parametrize("model", sorted(MODELS))
def test_overfits_one_repeated_stream_of_200_words(model):
    generator = np.random.RandomState(0)
    ids = generator.randint(3, 30, 200).astype(np.int32)

    class Words:
        start, end = 1, 2

    sampler = StreamSampler(ids, Words, batch_size=1, length=50)
    net = MODELS[model](30, 48, 1, 0.0)
    net.initialize_from(1, CPU)
    net.hybridize(static_alloc=True)
    trainer = mx.gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.02}, kvstore=None)
    for epoch in range(120):
        state = []
        for chunk in sampler.epoch(epoch):
            inputs, targets = chunk_words(chunk, CPU)
            with autograd.record():
                state = net.begin(inputs[0]) if chunk.starts else [array.detach() for array in state]
                nll, *state = net(inputs, targets, *state)
            nll.backward()
            trainer.step(1)
    assert perplexity(token_nll(net, sampler, 200, CPU)) < 1.1
