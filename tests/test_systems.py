"""Interpolation against probabilities computed directly in float64; networks made, saved and loaded again."""

import csv

import numpy as np
import pytest
from nets import CASES
from test_refinement import small_corpus
from texts import make_vocabulary

from lightrnn_gluon.config import NetworkConfig, SamplerConfig
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.files import read_sealed
from lightrnn_gluon.rows import train_row
from lightrnn_gluon.runs import load_scores, load_system
from lightrnn_gluon.systems import Interpolation, best_weight, interpolate, new_network

TAILS = "adaptive softmax, two tails"


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


@pytest.mark.parametrize(
    ("model", "options", "complaint"),
    [
        ("hsm", {"clases": "frequency"}, "clases"),
        ("full_softmax", {"cutoffs": [3]}, "cutoffs"),
        ("hsm", {"classes": "length"}, "'length' is none of similarity, frequency"),
        ("lightrnn", {"start": "sorted"}, "'sorted' is none of random, frequency"),
        ("lightrnn", {"hidden": 5}, "hidden"),
        ("adaptive_softmax", {"cutoffs": [9, 3]}, "cutoffs must rise"),
        ("adaptive_softmax", {"cutoffs": 9}, "cutoffs is 9 and must be like"),
        ("adaptive_softmax", {"cutoffs": [2.5]}, "cutoffs is .*2.5.* and must be like"),
        ("adaptive_softmax", {"factor": 0}, "factor be at least 1"),
        ("blackout", {"samples": 0}, "samples must be at least 1"),
        ("blackout", {"samples": "many"}, "samples is 'many' and must be like 500"),
        ("blackout", {"samples": 2.5}, "samples is 2.5"),
        ("blackout", {"samples": True}, "samples is True"),
        ("c_hsm", {"longest": 9.5}, "longest is 9.5"),
        ("full_softmax", {"tied": "no"}, "tied is 'no' and must be like False"),
        ("c_hsm", {"longest": 1}, "longest above 2"),
    ],
)
def test_options_that_the_model_does_not_take_are_refused_in_one_line(model, options, complaint):
    with pytest.raises(UserError, match=f"options of the model {model}: .*{complaint}") as caught:
        new_network(network_config(model=model, options=options), 23)
    assert "\n" not in str(caught.value)


def test_a_whole_number_is_a_share_too():
    assert new_network(network_config(model="blackout", options={"power": 1}), 23).parameter_count() > 0


def test_only_a_model_with_a_table_is_refined():
    with pytest.raises(UserError, match="rounds_after: the model hsm has no table"):
        new_network(network_config(model="hsm", rounds_after=[1]), 23)


@pytest.mark.parametrize("case", ["lightrnn", "full softmax tied", "hsm", "c_hsm", "blackout", TAILS])
def test_a_finished_row_loads_again_and_scores_as_it_was_measured(tmp_path, case):
    corpus, (model, options) = small_corpus(tmp_path), CASES[case]
    config = network_config(
        model=model, options=options, sampler=SamplerConfig("sentences", 16, 10), optimizer="adam",
        learning_rate=0.01, clip=5.0, epochs=2, evaluations=2, dropout=0.2, device="cpu",
        rounds_after=[1] if case == "lightrnn" else [],
    )  # fmt: skip
    directory = tmp_path / "runs" / "net"
    assert train_row(config, corpus, directory, "tiny")
    system, vocabulary = load_system(directory)
    assert vocabulary.words == corpus.vocabulary.words
    scores = system.token_nll(corpus.ids("test"))
    np.testing.assert_array_equal(scores, load_scores(directory, "test"))
    metrics = read_sealed(directory / "metrics.json")
    assert metrics["test_perplexity"] == pytest.approx(np.exp(scores.astype(np.float64).mean()), rel=1e-6)
    with (directory / "curve.csv").open() as stream:
        curve = list(csv.DictReader(stream))
    assert [float(point["epoch"]) for point in curve] == [0.5, 1, 1.5, 2]
    for point in curve:
        assert 1 < float(point["valid_perplexity"]) < 200
        if model == "blackout":  # its objective means no perplexity
            assert point["train_perplexity"] == ""
        else:
            assert 1 < float(point["train_perplexity"]) < 200
