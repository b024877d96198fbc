"""Classes and tails: which words are in them, and chunks that fall into them in every which way."""

from itertools import pairwise

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd
from nets import make_case, make_net, make_words, words_nd
from reference import WORD_MODELS, class_members, float64

from lightrnn_gluon.corpus import UNKNOWN
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.models import HSM, AdaptiveSoftmax
from lightrnn_gluon.models.hsm import _BLOCK


def check_output(net, targets):
    """Score targets, each from a state of its own, by the layer and by brute force over the vocabulary."""
    states = np.random.RandomState(len(targets)).uniform(-1, 1, (len(targets), 6)).astype(np.float32)
    found = net.output(mx.nd.array(states), words_nd(*targets)).asnumpy()
    predict = WORD_MODELS[type(net).__name__][1](float64(net))
    expected = [-predict(h.astype(np.float64))[word] for h, word in zip(states, targets, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-5)


# 25 words: five classes of five. 23: the last class has three. 21: it has one. 30: five classes of six.
SIZES = {25: [5, 5, 5, 5, 5], 23: [5, 5, 5, 5, 3], 21: [5, 5, 5, 5, 1], 30: [6] * 5, 2: [2], 1: [1]}


@pytest.mark.parametrize("case", ["hsm", "hsm by frequency"])
@pytest.mark.parametrize("size", SIZES)
def test_every_word_is_in_one_class_and_every_class_is_full_but_the_last(case, size):
    members = class_members(make_case(case, size=size).values())
    assert [len(words) for words in members] == SIZES[size]
    assert sorted(word for words in members for word in words) == list(range(size))


def test_classes_by_frequency_are_words_of_like_rank():
    members = class_members(make_net("hsm", size=11, classes="frequency").values())
    assert members == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]


def test_classes_by_similarity_are_words_that_stand_in_the_same_places():
    # Five kinds of five words each, which always follow each other; word % 5 is a word's kind.
    number = np.random.RandomState(0).choice(5, (2000, 5), p=[0.4, 0.25, 0.15, 0.1, 0.1])
    ids = (np.arange(5) + 5 * number).ravel()
    net = HSM(25, 4, 1, 0.0)
    net.initialize_from(1, mx.cpu())
    net.read_corpus(make_words(25), ids)
    assert sorted(class_members(net.values())) == [list(range(kind, 25, 5)) for kind in range(5)]


def test_an_unknown_word_never_met_takes_no_place_of_a_word_that_is():
    # Kinds as above; two words of the first are seen once, and the last of the fifth is `<UNK>`, never seen.
    number = np.random.RandomState(0).randint(0, 4, (2000, 5))
    number[:, 0] %= 3
    number[[500, 1500], 0] = 3, 4
    net = HSM(25, 4, 1, 0.0)
    net.initialize_from(1, mx.cpu())
    net.read_corpus([*make_words(24), UNKNOWN], (np.arange(5) + 5 * number).ravel())
    members = sorted(class_members(net.values()))
    assert members[0] == [0, 5, 10, 15, 20] and members[4] == [4, 9, 14, 19, 24]


@pytest.mark.parametrize("size", [25, 23, 21])
@pytest.mark.parametrize("case", ["hsm", "hsm by frequency", "c_hsm"])
def test_chunks_of_whatever_classes_are_scored_by_class_and_member(case, size):
    net = make_case(case, size=size)
    generator, members = np.random.RandomState(1), class_members(net.values())
    check_output(net, generator.randint(0, size, 300))  # several blocks a class
    for words in (members[0], members[-1]):
        for count in (1, _BLOCK - 1, _BLOCK, _BLOCK + 1, 2 * _BLOCK, 2 * _BLOCK + 1):
            check_output(net, generator.choice(words, count))  # of one class alone
        check_output(net, np.full(3 * _BLOCK - 2, words[0]))  # and one word alone
    check_output(net, np.concatenate([np.full(_BLOCK, members[1][0]), [members[-1][0]], members[0]]))


@pytest.mark.parametrize(
    "cutoffs", [[1], [4], [22], [4, 9], [1, 2], [4, 9, 20], [23], [9, 100], [100, 200], []]
)
def test_the_head_and_tails_are_the_ranges_between_cutoffs(cutoffs):
    net = make_net("adaptive_softmax", hidden=6, cutoffs=cutoffs, factor=2)
    bounds = [*(cutoff for cutoff in cutoffs if cutoff < 23), 23]
    shapes = {name: array.shape for name, array in net.values().items() if name.startswith("output.")}
    assert shapes["output.head.weight"] == (bounds[0] + len(bounds) - 1, 6)
    for number in range(len(bounds) - 1):
        size, width = bounds[number + 1] - bounds[number], max(1, 6 // 2 ** (number + 1))
        assert shapes[f"output.tails.{number}.projection"] == (width, 6)
        assert shapes[f"output.tails.{number}.softmax.weight"] == (size, width)
    assert sum(name.endswith("projection") for name in shapes) == len(bounds) - 1
    check_output(net, np.random.RandomState(1).randint(0, 23, 200))
    check_output(net, np.random.RandomState(1).randint(0, bounds[0], 30))  # of the head alone
    for first, last in pairwise(bounds):  # of one tail alone, and all in one word
        check_output(net, np.random.RandomState(1).randint(first, last, 30))
        check_output(net, np.full(7, last - 1))
        check_output(net, [first])


def test_a_tail_that_no_word_falls_into_has_no_gradient_left_from_the_chunk_before():
    net = make_case("adaptive softmax, two tails")
    for targets in ([1, 3, 20], [0, 1, 1], [0, 3, 1]):
        with autograd.record():
            nll, *_ = net(words_nd([5, 6, 7]), words_nd(targets), *net.begin(words_nd(5, 6, 7)))
        nll.backward()
        for number, tail in enumerate(((2, 5), (5, 23))):
            reached = any(tail[0] <= word < tail[1] for word in targets)
            for name, parameter in net.trained().items():
                if name.startswith(f"output.tails.{number}."):
                    assert bool(parameter.grad().asnumpy().any()) == reached, (targets, name)


@pytest.mark.parametrize("cutoffs", [[5, 4], [4, 4], [0, 4], [-1]])
def test_cutoffs_that_do_not_rise_are_refused(cutoffs):
    with pytest.raises(ValueError, match="cutoffs must rise"):
        AdaptiveSoftmax(23, 4, 1, 0.0, cutoffs=cutoffs)


@pytest.mark.parametrize("model", ["hsm", "c_hsm"])
def test_two_words_in_one_place_are_no_model(model):
    net = make_net(model)
    values = net.values()
    values["output.cell_of"][3] = values["output.cell_of"][4]
    with pytest.raises(UserError, match=r"damaged: .*taken twice"):
        net.set_values(values)
