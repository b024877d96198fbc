"""How words are read by their characters, in loops from Kim et al. 2016 (sections 2.2 and 2.3)."""

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd
from nets import CPU, make_ids, words_nd
from reference import character_reader, float64

from lightrnn_gluon.models import CHSM

# How many of them each character is in: a 7, b 5, c 3, d 2, é 4, 東 6; e, f and 京 one each.
WORDS = ["a", "aé東", "abcéa東", "b", "東abé", "bcda東", "dé", "東", "aceb" * 12, "a東f", "京"]
SPECIAL = ["<UNK>", "<S>", "</S>"]
PADDING, BEGIN, END, RARE = range(4)


def make_reader(words=WORDS, characters=10, longest=12, spread=0.5):
    net = CHSM(len(words), 4, 1, 0.0, characters=characters, longest=longest)
    net.initialize_from(3, CPU)
    net.read_corpus(words, make_ids(len(words)))
    generator = np.random.RandomState(1)
    for name, parameter in net.trained().items():
        if name.startswith("input."):
            width = 0.1 if "highway" in name else spread
            parameter.set_data(mx.nd.array(generator.uniform(-width, width, parameter.shape)))
    net.hybridize(static_alloc=True)
    return net


def read(net, *words):
    return net.input(words_nd(*words).expand_dims(1)).asnumpy()[:, 0]


def spelling(net, word):
    """A word's numbers, without the paddings behind it."""
    row = net.input.spelling.data().asnumpy()[word].astype(int)
    length = int(np.argmax(row == END)) + 1
    assert (row[length:] == PADDING).all() and len(row) >= length + 6  # as many as the widest filter sees
    return list(row[:length])


def test_words_are_spelled_between_their_marks_with_a_number_for_each_frequent_character():
    net = make_reader()  # 10 numbers: 4 marks and the 6 most frequent characters
    numbers = {}
    for index, word in enumerate(WORDS):
        first, *inside, last = spelling(net, index)
        assert (first, last) == (BEGIN, END)
        assert len(inside) == min(len(word), 10)
        for character, number in zip(word, inside, strict=False):
            assert numbers.setdefault(character, number) == number
    common = {character: numbers.pop(character) for character in "abcdé東"}
    assert sorted(common.values()) == list(range(4, 10))
    # The others are one rare character.
    assert numbers == {"e": RARE, "f": RARE, "京": RARE}


def test_fewer_numbers_are_those_of_the_characters_in_most_words():
    net = make_reader(characters=6)
    assert spelling(net, WORDS.index("東abé")) == [BEGIN, 5, 4, RARE, RARE, END]


def test_words_are_read_as_the_equations_say():
    net = make_reader()
    reference = character_reader(float64(net))
    expected = [reference(word) for word in range(len(WORDS))]
    found = read(net, *range(len(WORDS)))
    assert found.shape == (len(WORDS), 525)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.std(expected, axis=0).min() > 1e-4  # each number tells something about the word


def test_one_filter_over_one_word_by_hand():
    net = make_reader()
    arrays = float64(net)
    filters, biases = (arrays[f"input.convolution.2.0.{part}"] for part in ("weight", "bias"))
    assert filters.shape == (75, 15, 3)  # 25 filters for each character that they see
    characters = [*spelling(net, 3), *[PADDING] * 9]  # "b"
    best = -np.inf
    for position in range(len(characters) - 2):
        total = biases[7]
        for step in range(3):
            for dimension in range(15):
                vector = arrays["input.vectors.weight"][characters[position + step]]
                total += filters[7, dimension, step] * vector[dimension]
        best = max(best, np.tanh(total))
    # Those of 1 and of 2 characters stand before it.
    spelled = mx.nd.array([characters], dtype="int32")
    y = net.input.convolution(net.input.vectors(spelled).swapaxes(1, 2)).asnumpy()[0]
    assert y[25 + 50 + 7] == pytest.approx(best, abs=1e-6)


def test_a_word_is_read_the_same_whatever_else_is_in_the_chunk():
    net = make_reader(longest=60)
    assert len(spelling(net, 8)) == 50
    alone = [read(net, word)[0] for word in range(len(WORDS))]
    np.testing.assert_allclose(read(net, *range(len(WORDS))), alone, atol=1e-6)
    order = [8, 3, 3, 0, 8, 1]
    np.testing.assert_allclose(read(net, *order), [alone[word] for word in order], atol=1e-6)


def test_its_gradient_too_is_the_same_whatever_else_is_in_the_chunk():
    # One word's vector, alone and beside a word of 48 characters, with which it has many more paddings.
    net, gradients = make_reader(longest=60), []
    parameters = [p for name, p in net.trained().items() if name.startswith("input.")]
    for chunk in ([3], [3, 8]):
        with autograd.record():
            loss = net.input(words_nd(*chunk).expand_dims(1))[0].sum()
        loss.backward()
        gradients.append([parameter.grad().asnumpy() for parameter in parameters])
    for alone, beside in zip(*gradients, strict=True):
        assert np.abs(alone).max() > 0
        np.testing.assert_allclose(beside, alone, atol=1e-5)


def test_long_words_are_cut():
    words = ["abcdef", "abcdeg", "abcdefgh", "abcxef", "abcde"]
    net = make_reader(words, characters=20, longest=7)  # five characters between the marks
    vectors = read(net, *range(5))
    for same in (1, 2, 4):
        np.testing.assert_array_equal(vectors[same], vectors[0])
    assert np.abs(vectors[3] - vectors[0]).max() > 1e-3


def test_rare_characters_share_one_vector():
    # "a" and "b" are in most words; of the two that have numbers of their own none is rare.
    words = ["ab", "abx", "aby", "abx京", "aby東", "xa"]
    net = make_reader(words, characters=6)
    vectors = read(net, *range(6))
    np.testing.assert_array_equal(vectors[1], vectors[2])
    np.testing.assert_array_equal(vectors[3], vectors[4])
    assert np.abs(vectors[1] - vectors[3]).max() > 1e-3


def test_characters_outside_ascii_are_characters_like_others():
    words = ["naïve", "naive", "東京", "京東", "🙂", "e\u0301", "é"]
    net = make_reader(words, characters=30)
    vectors = read(net, *range(len(words)))
    distances = np.abs(vectors[:, None] - vectors[None]).max(axis=2) + np.eye(len(words))
    assert distances.min() > 1e-3
    assert [len(spelling(net, word)) - 2 for word in range(len(words))] == [len(word) for word in words]


def test_special_words_are_read_as_they_are_spelled():
    net = make_reader([*SPECIAL, *WORDS], characters=60)
    assert [len(spelling(net, word)) for word in range(3)] == [7, 5, 6]
    assert len({tuple(spelling(net, word)) for word in range(3)}) == 3


@pytest.mark.parametrize("options", [{"characters": 3}, {"longest": 2}])
def test_too_few_characters_are_refused(options):
    with pytest.raises(ValueError, match="characters must be above 3, and longest above 2"):
        CHSM(10, 4, 1, 0.0, **options)
