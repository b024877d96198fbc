"""The nets against the equations: values, probabilities, gradients, and learning."""

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon
from nets import CASES, CPU, column, make_case, make_ids, make_net, make_words, score, words_nd
from reference import lightrnn_nll, lightrnn_steps, reference_nll, word_model_steps

from lightrnn_gluon.likelihood import chunk_words, perplexity, token_nll
from lightrnn_gluon.models import MODELS
from lightrnn_gluon.models.base import LSTM, SPREAD
from lightrnn_gluon.sampling import StreamSampler
from lightrnn_gluon.table import WordTable


def test_every_model_is_a_case():
    assert {model for model, _ in CASES.values()} == MODELS.keys()


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("case", CASES)
def test_forward_equals_step_by_step_lstm_over_2000_words_of_carried_state(case, layers):
    net = make_case(case, layers=layers)
    words = np.random.RandomState(0).randint(0, 23, 2001)
    np.testing.assert_allclose(score(net, words, chunk=37), reference_nll(net, words), atol=2e-5)


def test_rows_and_columns_are_each_scored_as_the_equations_say():
    net = make_net()
    words = np.random.RandomState(1).randint(0, 23, 50)
    state = net.begin(words_nd(words[0]).reshape(-1))
    after_column, after_row, rows, columns, *_ = net.encoder(column(words[:-1]), column(words[1:]), *state)
    parts = [part.asnumpy() for part in net.output(after_column, after_row, rows, columns)]
    np.testing.assert_allclose(parts, lightrnn_nll(net, words), atol=1e-5)


# Full tables (1, 4, 9, 25 words), short last rows and classes, sizes whose square has a whole empty
# row, vocabularies that end before a cutoff.
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7, 9, 12, 23, 25, 30, 31])
@pytest.mark.parametrize("case", CASES)
def test_probabilities_over_the_vocabulary_sum_to_one(case, size):
    net = make_case(case, size=size, spread=1.5)
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


@pytest.mark.parametrize("case", [case for case in CASES if "lightrnn" not in case])
def test_the_reference_itself_gives_probabilities_over_the_whole_vocabulary(case):
    net = make_case(case)
    for log_probabilities in word_model_steps(net, [4, 8, 15, 16, 22, 3]):
        assert np.exp(log_probabilities).sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_no_step_sees_what_it_must_predict(case):
    net = make_case(case)
    inputs, targets = np.random.RandomState(4).randint(0, 23, (2, 6, 3))
    changed = targets.copy()
    changed[3, 1] = (changed[3, 1] + 9) % 23
    state = net.begin(words_nd(*inputs[0]))
    before, after = (net(words_nd(*inputs), words_nd(*y), *state)[0].asnumpy() for y in (targets, changed))
    unlike = np.abs(after - before) > 1e-6
    if "lightrnn" in case:  # a target's row is read, after it has been predicted
        unlike[4:, 1] = False
    assert unlike.sum() == unlike[3, 1] == 1


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("case", [case for case in CASES if case != "blackout"])  # whose objective is another
def test_gradients_equal_finite_differences_of_the_reference(case, layers):
    net = make_case(case, size=7, hidden=4, layers=layers)
    words = np.array([1, 3, 6, 2, 6, 5, 0, 4])
    with autograd.record():
        state = net.begin(words_nd(words[0]).reshape(-1))
        nll, *_ = net.objective(column(words[:-1]), column(words[1:]), *state)
        loss = nll.sum()
    loss.backward()
    for name, parameter in net.trained().items():
        gradient, values = parameter.grad().asnumpy(), parameter.data().asnumpy().copy()
        largest = np.argsort(-np.abs(gradient), axis=None)[:3]
        assert gradient.flat[largest[0]] != 0, name
        for index in [*largest, *np.random.RandomState(0).permutation(values.size)[:2]]:
            place = np.unravel_index(index, values.shape)
            ends = []
            for sign in (1, -1):
                moved = values.copy()
                moved[place] += sign * 1e-4
                parameter.set_data(mx.nd.array(moved))
                # The step that float32 really took, so that the float64 reference divides by it.
                ends.append((float(parameter.data().asnumpy()[place]), reference_nll(net, words).sum()))
            (high, loss_high), (low, loss_low) = ends
            slope = (loss_high - loss_low) / (high - low)
            assert gradient[place] == pytest.approx(slope, abs=1e-5, rel=1e-4), (name, place)
        parameter.set_data(mx.nd.array(values))


def test_a_new_table_replaces_the_old_one_without_a_new_net():
    net = make_net()
    words = np.random.RandomState(3).randint(0, 23, 30)
    before = score(net, words, 10)
    net.set_table(WordTable.random(23, seed=99))
    after = score(net, words, 10)
    assert not np.allclose(before, after)
    np.testing.assert_allclose(after, lightrnn_nll(net, words).sum(axis=0), atol=1e-5)


def test_a_table_starts_random_or_sorted_by_frequency():
    random, counts = make_net().table, np.bincount(make_ids(23), minlength=23)
    np.testing.assert_array_equal(make_net(start="random").table.cells, random.cells)
    assert np.any(np.diff(counts[np.argsort(random.cells)]) > 0)
    # Row by row, cell by cell; words of equal counts, such as those never seen, stay in random order.
    order = [(-counts[word], random.cells[word], word) for word in range(23)]
    found = np.argsort(make_net(start="frequency").table.cells)
    assert list(found) == [word for *_, word in sorted(order)]


@pytest.mark.parametrize("case", CASES)
def test_evaluation_drops_nothing(case):
    words = np.arange(20)
    exact = score(make_case(case, layers=2, dropout=0.0), words, 19)
    np.testing.assert_array_equal(score(make_case(case, layers=2, dropout=0.5), words, 19), exact)


def test_training_drops_between_layers():
    lstm = make_net(layers=2, dropout=0.5).encoder.lstm
    # The first layer does not look at its input, so only a mask between the layers can change the
    # values of the units that the last mask leaves.
    first = lstm.layers[0]
    first.weight.data()[: np.prod(first.matrices[0])] = 0
    seen = [set() for _ in range(6)]
    for seed in range(30):
        mx.random.seed(seed)
        with autograd.train_mode():
            output, *_ = lstm(mx.nd.ones((1, 1, 6)), *lstm.zero_state(1, CPU))
        for unit, value in enumerate(output.asnumpy().ravel()):
            seen[unit].add(round(float(value), 6))
    assert all(len(values - {0.0}) > 1 for values in seen)


def test_the_lstm_is_gluons_own():
    mx.random.seed(4)
    ours, theirs = LSTM(5, 3), gluon.rnn.LSTM(3, input_size=5)
    ours.initialize(mx.init.Uniform(SPREAD))
    mx.random.seed(4)
    theirs.initialize(mx.init.Uniform(SPREAD))
    x, h, c = (mx.nd.random.uniform(shape=shape) for shape in ((4, 2, 5), (1, 2, 3), (1, 2, 3)))
    found, (expected, carried) = ours(x, h, c), theirs(x, [h, c])
    for one, other in zip(found, [expected, *carried], strict=True):
        np.testing.assert_array_equal(one.asnumpy(), other.asnumpy())


@pytest.mark.parametrize("case", CASES)
def test_overfits_one_repeated_stream_of_200_words(case):
    ids = np.random.RandomState(0).randint(3, 30, 200).astype(np.int32)

    class Words:
        start, end = 1, 2

    sampler = StreamSampler(ids, Words, batch_size=1, length=50)
    model, options = CASES[case]
    rate, epochs = (0.006, 80) if model == "c_hsm" else (0.03, 50)  # its highway has wide sums
    net = MODELS[model](30, 48, 1, 0.0, **options)
    net.initialize_from(1, CPU)
    net.read_corpus(make_words(30), ids)
    net.hybridize(static_alloc=True)
    trainer = mx.gluon.Trainer(list(net.trained().values()), "adam", {"learning_rate": rate}, kvstore=None)
    for epoch in range(epochs):
        state = []
        for chunk in sampler.epoch(epoch):
            inputs, targets = chunk_words(chunk, CPU)
            with autograd.record():
                state = net.begin(inputs[0]) if chunk.starts else [array.detach() for array in state]
                objective, *state = net.objective(inputs, targets, *state)
            objective.backward()
            trainer.step(1)
    assert perplexity(token_nll(net, sampler, 200, CPU)) < 1.2
