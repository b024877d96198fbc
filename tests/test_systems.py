"""Linear interpolation of two systems, against probabilities computed directly in float64."""

import numpy as np
import pytest
from texts import make_vocabulary

from lightrnn_gluon.config import NetworkConfig, SamplerConfig
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.systems import Interpolation, best_weight, interpolate, new_network


def nll_pair(seed, tokens=2000):
    """Two members' scores, float32, each the better one on some of the tokens."""
    generator = np.random.RandomState(seed)
    return generator.gamma(2, 2.5, (2, tokens)).astype(np.float32)


def directly(first, second, weight):
    return -np.log(weight * np.exp(-np.float64(first)) + (1 - weight) * np.exp(-np.float64(second)))


@pytest.mark.parametrize("weight", [1e-4, 0.1, 0.5, 0.73, 0.9999])
def test_interpolation_is_the_weighted_mean_of_probabilities(weight):
    first, second = nll_pair(1)
    np.testing.assert_allclose(interpolate(first, second, weight), directly(first, second, weight), rtol=2e-6)


def test_members_are_not_exchanged():
    sure, unsure = np.array([0.1], np.float32), np.array([9.0], np.float32)
    assert interpolate(sure, unsure, 0.9) < interpolate(unsure, sure, 0.9)


def test_vanishing_probabilities_neither_overflow_nor_become_infinite():
    first = np.array([1000, 5000, 1, 0, 1e-8], np.float32)
    second = np.array([800, 5000, 3000, 0, 400], np.float32)
    expected = [800 - np.log(0.75), 5000, 1 - np.log(0.25), 0, -np.log(0.25)]
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_allclose(interpolate(first, second, 0.25), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_best_weight_is_that_of_a_fine_grid(seed):
    first, second = nll_pair(seed)
    second += seed - 2
    grid = np.linspace(0.0005, 0.9995, 2000)
    perplexities = [np.exp(directly(first, second, weight).mean()) for weight in grid]
    weight = best_weight(first, second)
    assert weight == pytest.approx(grid[np.argmin(perplexities)], abs=0.002)
    assert np.exp(directly(first, second, weight).mean()) <= min(perplexities) * (1 + 1e-6)


def test_useless_member_gets_no_weight():
    good, _ = nll_pair(1)
    useless = good + 5
    assert best_weight(good, useless) > 0.999
    assert best_weight(useless, good) < 0.001


def test_best_weight_is_never_worse_than_either_member():
    first, second = nll_pair(3)
    mixed = directly(first, second, best_weight(first, second)).mean()
    assert mixed < min(first.mean(), second.mean())


class Fixed:
    """A system of given scores."""

    def __init__(self, nll):
        self.nll = nll

    def token_nll(self, ids):
        return self.nll[: len(ids)]


def test_an_interpolated_system_scores_a_text():
    first, second = nll_pair(2)
    system = Interpolation([Fixed(first), Fixed(second)], weight=0.3)
    scores = system.token_nll(np.zeros(100, np.int32))
    np.testing.assert_allclose(scores, directly(first, second, 0.3)[:100], rtol=2e-6)


def network_config(**changes):
    values = {"system": "x", "model": "lightrnn", "hidden": 4, "layers": 1, "dropout": 0.0}
    return NetworkConfig(**{**values, "sampler": SamplerConfig("sentences", 4, 5), **changes})


def test_new_network_has_the_size_that_its_configuration_says():
    size = len(make_vocabulary(f"w{i}" for i in range(20)))  # a table of 5 columns and 5 rows
    assert size == 23
    # Four matrices of n x E and two biases of n; one LSTM: two products of 4H x H, two biases of 4H.
    lstm = 2 * 4 * 4 * 4 + 2 * 4 * 4
    assert new_network(network_config(), size).parameter_count() == 4 * 5 * 4 + 2 * 5 + lstm
    assert new_network(network_config(layers=2), size).parameter_count() == 4 * 5 * 4 + 2 * 5 + 2 * lstm
    full = new_network(network_config(model="full_softmax"), size)
    assert full.parameter_count() == 2 * 23 * 4 + 23 + lstm


def test_unknown_model_is_refused():
    with pytest.raises(UserError, match="model 'transformer' is none of lightrnn, full_softmax"):
        new_network(network_config(model="transformer"), 23)
