"""BlackOut against its definition (Ji et al. 2016, section 3), and gluonnlp's sampled softmax."""

import mxnet as mx
import numpy as np
import pytest
from gluonnlp.model import ISDense
from mxnet import autograd
from nets import CPU, make_ids, make_net, make_words, score, words_nd
from reference import StepLSTM, embedding, float64, full_softmax, reference_nll
from scipy import stats

from lightrnn_gluon.errors import UserError
from lightrnn_gluon.models import BlackOut
from lightrnn_gluon.models.blackout import SampledSoftmax

SIZE, HIDDEN, COUNT = 23, 6, 12


def some_states(count=9, seed=0):
    generator = np.random.RandomState(seed)
    return generator.uniform(-1, 1, (count, HIDDEN)).astype(np.float32), generator.randint(0, SIZE, count)


def proposal(power=0.4):
    """Q(w) ~ count(w) ^ power, with a count of one for words never seen."""
    weights = np.array([max(int((make_ids(SIZE) == word).sum()), 1) ** power for word in range(SIZE)])
    return weights / weights.sum()


def definition(h, target, samples, weight, bias, q):
    """-log p(target) - sum of log(1 - p(j)) over the samples j that are not the target, token by token."""
    samples = [j for j in samples if j != target]
    weighted = {w: np.exp(weight[w] @ h + bias[w]) / q[w] for w in {target, *samples}}
    total = weighted[target] + sum(weighted[j] for j in samples)
    result = -np.log(weighted[target] / total)
    for j in samples:
        result -= np.log(1 - weighted[j] / total)
    return result


def objectives(states, targets, samples, weight, bias, q):
    pairs = zip(states, targets, strict=True)
    return np.array([definition(h, target, samples, weight, bias, q) for h, target in pairs])


def output_arrays(net):
    arrays = float64(net)
    return arrays["output.weight"], arrays["output.bias"].ravel()


def sampled(net, states, targets, samples, q=None):
    """The net's objective on these samples."""
    log_q = mx.nd.array(np.log(proposal() if q is None else q))
    return net.sampled_output(mx.nd.array(states), words_nd(*targets), words_nd(*samples), log_q)


def differentiate(net, states, targets, samples):
    """The objective, and the gradients of its sum: of states, output vectors and biases."""
    read = mx.nd.array(states)
    read.attach_grad()
    log_q = mx.nd.array(np.log(proposal()))
    with autograd.record():
        values = net.sampled_output(read, words_nd(*targets), words_nd(*samples), log_q)
    values.backward()
    gradients = read.grad, net.output.weight.grad(), net.output.bias.grad()
    return values.asnumpy(), [gradient.asnumpy() for gradient in gradients]


SAMPLES = {
    "different words": np.arange(3, 15),
    "some of them twice": np.array([1, 1, 5, 5, 5, 8, 9, 0, 22, 22, 3, 7]),
    "all the same": np.full(COUNT, 4),
}


@pytest.mark.parametrize("samples", SAMPLES.values(), ids=SAMPLES)
def test_objective_is_the_definition(samples):
    net, (states, targets) = make_net("blackout", samples=COUNT), some_states()
    targets[:3] = samples[0], samples[-1], samples[0]  # samples that are the target are left out
    expected = objectives(states, targets, samples, *output_arrays(net), proposal())
    found = sampled(net, states, targets, samples).asnumpy()
    np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize("samples", SAMPLES.values(), ids=SAMPLES)
def test_gradients_equal_finite_differences_of_the_definition(samples):
    net, (states, targets), q = make_net("blackout", samples=COUNT), some_states(5), proposal()
    targets[:3] = samples[0], samples[-1], samples[0]
    _, gradients = differentiate(net, states, targets, samples)
    arrays = [states.astype(np.float64), *output_arrays(net)]
    for which, (array, gradient) in enumerate(zip(arrays, gradients, strict=True)):
        gradient = gradient.reshape(array.shape)
        for place in np.ndindex(array.shape):
            ends = []
            for sign in (1, -1):
                moved = [a.copy() for a in arrays]
                moved[which][place] += sign * 1e-5
                ends.append(objectives(moved[0], targets, samples, moved[1], moved[2], q).sum())
            assert gradient[place] == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=5e-5), (which, place)


def test_with_every_word_a_sample_and_even_odds_it_is_made_of_the_full_softmax():
    net, (states, targets) = make_net("blackout", samples=SIZE), some_states()
    found = sampled(net, states, targets, np.arange(SIZE), np.full(SIZE, 1 / SIZE)).asnumpy()
    predict = full_softmax(float64(net))
    for value, h, target in zip(found, states.astype(np.float64), targets, strict=True):
        log_p = predict(h)
        others = np.delete(np.exp(log_p), target)
        assert value == pytest.approx(-log_p[target] - np.log(1 - others).sum(), abs=2e-5)


def test_its_weighted_logits_are_those_of_gluonnlps_importance_sampling():
    net, (states, targets) = make_net("blackout", samples=COUNT), some_states()
    samples, q = np.array([1, 1, 5, 6, 7, 8, 9, 0, 22, 12, 3, 7]), proposal()
    targets[0] = 5
    weight, bias = output_arrays(net)
    neighbour = ISDense(SIZE, COUNT, HIDDEN)
    neighbour.initialize()
    neighbour.weight.set_data(mx.nd.array(weight))
    neighbour.bias.set_data(mx.nd.array(bias))
    # How often each word is expected among the samples; the factor COUNT cancels in the softmax.
    expected_counts = [mx.nd.array(COUNT * q[words]) for words in (samples, targets)]
    values = [words_nd(*samples), *expected_counts]
    logits, labels = neighbour(mx.nd.array(states), values, words_nd(*targets))
    assert not labels.asnumpy().any()  # the target's logit comes first
    p = np.exp(logits.log_softmax().asnumpy().astype(np.float64))
    expected = -np.log(p[:, 0]) - np.log(1 - p[:, 1:]).sum(axis=1)
    np.testing.assert_allclose(sampled(net, states, targets, samples).asnumpy(), expected, atol=2e-5)


def test_a_sample_that_takes_it_all_costs_a_finite_amount():
    net, samples = make_net("blackout", samples=COUNT), np.arange(COUNT)
    bias = np.zeros((SIZE, 1))
    bias[3] = 200
    net.output.bias.set_data(mx.nd.array(bias))
    values, gradients = differentiate(net, some_states(2)[0], [3, 20], samples)
    assert 0 <= values[0] < 1e-3 and 150 < values[1] < 300
    assert all(np.isfinite(gradient).all() for gradient in gradients)


@pytest.fixture
def calls(monkeypatch):
    """What the sampled softmax is called with."""
    seen, forward = [], SampledSoftmax.forward

    def record(self, *arrays):
        seen.append([array.asnumpy() for array in arrays])
        return forward(self, *arrays)

    monkeypatch.setattr(SampledSoftmax, "forward", record)
    return seen


def objective(net, words, seed):
    mx.random.seed(seed)
    inputs, targets = words_nd(*words[:-1]).expand_dims(1), words_nd(*words[1:]).expand_dims(1)
    values, *_ = net.objective(inputs, targets, *net.begin(inputs[0]))
    return values.asnumpy()[:, 0]


@pytest.mark.parametrize("layers", [1, 2])
def test_training_minimises_the_definition_for_the_samples_that_it_draws(calls, layers):
    net = make_net("blackout", layers=layers, samples=COUNT, power=0.7)
    words = np.random.RandomState(1).randint(0, SIZE, 60)
    found = objective(net, words, seed=5)
    ((_, targets, samples, log_q),) = calls
    np.testing.assert_array_equal(targets, words[1:])
    np.testing.assert_allclose(np.exp(log_q), proposal(0.7), rtol=1e-5)
    arrays = float64(net)
    lstm, read = StepLSTM(net.lstm), embedding(arrays)
    states = [lstm.step(read(word)) for word in words[:-1]]
    expected = objectives(states, words[1:], samples, *output_arrays(net), proposal(0.7))
    np.testing.assert_allclose(found, expected, atol=5e-5)


def test_samples_follow_from_the_random_state(calls):
    net, words = make_net("blackout", samples=COUNT), np.arange(10)
    values = [objective(net, words, seed) for seed in (1, 1, 2)]
    first, second, third = (samples for _, _, samples, _ in calls)
    assert first.shape == (COUNT,)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(values[0], values[1])
    assert (first != third).any()


@pytest.mark.parametrize("power", [0.0, 0.4, 1.0])
def test_samples_are_as_frequent_as_the_proposal_says(calls, power):
    net = make_net("blackout", samples=2000, power=power)
    for seed in range(5):
        objective(net, np.arange(3), seed)
    drawn = np.bincount(np.concatenate([samples for _, _, samples, _ in calls]), minlength=SIZE)
    assert stats.chisquare(drawn, len(calls) * 2000 * proposal(power)).pvalue > 0.001


def test_a_word_never_seen_counts_as_seen_once():
    net = BlackOut(5, 4, 1, 0.0, samples=3, power=1.0)
    net.initialize_from(1, CPU)
    net.read_corpus(make_words(5), np.array([0, 0, 0, 1, 1, 3]))
    shares = np.exp(net.log_proposal.data().asnumpy())
    np.testing.assert_allclose(shares, np.array([3, 2, 1, 1, 1]) / 8, rtol=1e-5)


def test_a_loaded_model_draws_the_same_samples(calls):
    net, words = make_net("blackout", samples=COUNT, power=0.7), np.arange(10)
    other = BlackOut(SIZE, net.output.weight.shape[1], 1, 0.0, samples=COUNT)
    other.initialize_from(2, CPU)
    other.set_values(net.values())
    for each in (net, other):
        objective(each, words, seed=3)
    first, second = (samples for _, _, samples, _ in calls)
    np.testing.assert_array_equal(first, second)


def test_samples_by_no_distribution_are_refused():
    net = make_net("blackout")
    values = net.values()
    values["log_proposal"] = values["log_proposal"] + 0.1
    with pytest.raises(UserError, match="the samples' distribution does not sum to one"):
        net.set_values(values)


def test_no_token_sees_what_another_must_predict():
    net, words = make_net("blackout", samples=COUNT), np.arange(10)
    inputs = words_nd(*words[:-1]).expand_dims(1)
    values = []
    for targets in (words[1:], [*words[1:5], 20, *words[6:]]):
        mx.random.seed(1)
        found, *_ = net.objective(inputs, words_nd(*targets).expand_dims(1), *net.begin(inputs[0]))
        values.append(found.asnumpy()[:, 0])
    assert list(np.flatnonzero(np.abs(values[0] - values[1]) > 1e-6)) == [4]


def test_evaluation_is_by_the_full_softmax():
    net, words = make_net("blackout", samples=COUNT), np.random.RandomState(1).randint(0, SIZE, 100)
    mx.random.seed(1)
    found = score(net, words, chunk=20)
    np.testing.assert_allclose(found, reference_nll(net, words), atol=1e-5)
    mx.random.seed(2)
    np.testing.assert_array_equal(score(net, words, chunk=20), found)


def test_its_objective_is_no_perplexity():
    assert make_net("blackout").train_perplexity(3.0) is None
    assert make_net("hsm").train_perplexity(3.0) == pytest.approx(np.exp(3))


@pytest.mark.parametrize("options", [{"samples": 0}, {"power": -0.1}, {"power": 1.1}])
def test_impossible_samples_are_refused(options):
    with pytest.raises(ValueError, match="samples must be at least 1, and power from 0 to 1"):
        BlackOut(10, 4, 1, 0.0, **options)
