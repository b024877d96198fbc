"""Word vectors against a dense computation, token by token."""

import numpy as np
import pytest
from nets import make_words

from lightrnn_gluon import word_vectors as module
from lightrnn_gluon.corpus import UNKNOWN
from lightrnn_gluon.word_vectors import TrainingText, word_vectors


def text_of(ids, size):
    return TrainingText(make_words(size), ids)


def by_hand(ids, size, dimensions, contexts, window):
    """The same from a dense matrix, counted token by token, and a full SVD."""
    frequent = sorted(range(size), key=lambda word: (-list(ids).count(word), word))[:contexts]
    places = [s for s in range(-window, window + 1) if s]
    counts = np.zeros((size, len(places) * len(frequent)))
    for t, word in enumerate(ids):
        for place, shift in enumerate(places):
            if 0 <= t + shift < len(ids) and ids[t + shift] in frequent:
                counts[word, place * len(frequent) + frequent.index(ids[t + shift])] += 1
    joint = counts / counts.sum()
    independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        information = np.where(joint > independent, np.log(joint / independent), 0)
    left, values, _ = np.linalg.svd(information, full_matrices=False)
    vectors = left[:, :dimensions] * values[:dimensions]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(information.any(axis=1)[:, None], vectors / np.where(lengths > 0, lengths, 1), 0)


@pytest.fixture
def ids():
    """About 500 tokens of 29 words of 30: word 7 never occurs, each other one more often than the last."""
    tokens = np.repeat(np.delete(np.arange(30), 7), np.delete(np.arange(3, 33), 7))
    return np.random.RandomState(0).permutation(tokens).astype(np.int32)


@pytest.mark.parametrize("contexts, window", [(12, 2), (100, 1), (3, 3)])
def test_vectors_are_those_of_a_dense_svd(ids, contexts, window):
    vectors = word_vectors(text_of(ids, 30), dimensions=5, contexts=contexts, window=window)
    expected = by_hand(ids, 30, 5, contexts, window)
    assert vectors.shape == (30, 5) and vectors.dtype == np.float32
    signs = np.sign((vectors * expected).sum(axis=0))  # a singular vector has none of its own
    np.testing.assert_allclose(vectors * signs, expected, atol=1e-4)


def test_vectors_have_unit_length_but_for_words_never_seen(ids):
    lengths = np.linalg.norm(word_vectors(text_of(ids, 30)), axis=1)
    np.testing.assert_allclose(np.delete(lengths, 7), 1, atol=1e-6)
    assert lengths[7] == 0


@pytest.mark.parametrize("block", [1, 2, 7, 499])
def test_blocks_do_not_show(ids, block, monkeypatch):
    whole = word_vectors(text_of(ids, 30), dimensions=10)
    monkeypatch.setattr(module, "_BLOCK_TOKENS", block)
    np.testing.assert_array_equal(word_vectors(text_of(ids, 30), dimensions=10), whole)


def test_words_in_the_same_places_lie_together():
    """Words 3-5 stand after word 1, words 6-8 after word 2."""
    chooser = np.random.RandomState(1)
    ids = np.concatenate([[kind, 3 * kind + chooser.randint(3)] for kind in chooser.randint(1, 3, 400)])
    vectors = word_vectors(text_of(ids, 9), dimensions=4)
    products = vectors[3:9] @ vectors[3:9].T
    assert products[:3, :3].min() > products[:3, 3:].max() and products[3:, 3:].min() > products[:3, 3:].max()


def test_a_small_vocabulary_fills_up_with_zeros():
    vectors = word_vectors(text_of(np.array([0, 1, 0, 2]), 3), dimensions=50)
    assert vectors.shape == (3, 50) and vectors[:, :2].any() and not vectors[:, 2:].any()
    with pytest.raises(ValueError, match="at least 2"):
        word_vectors(text_of(np.array([0, 0]), 1))


def words_and_text(seen_unknown):
    """A text of 40 words, of which 20 to 29 are seen once, and `<UNK>`, word 0, never or twice."""
    rng = np.random.default_rng(5)
    ids = rng.permutation(
        np.r_[rng.integers(1, 20, size=400), np.arange(20, 30), np.zeros(2 * seen_unknown, int)]
    )
    return [UNKNOWN, *make_words(39)], ids


def test_an_unknown_word_never_met_is_where_words_seen_once_are():
    words, ids = words_and_text(seen_unknown=False)
    text, without = TrainingText(words, ids), TrainingText(make_words(40), ids)
    assert text.counts[0] == 10 and np.array_equal(text.counts[1:], without.counts[1:])
    found, usual = (each.neighbours(np.arange(40), 40, 2).toarray() for each in (text, without))
    expected = np.zeros(found.shape[1])
    for t in np.flatnonzero((ids >= 20) & (ids < 30)):
        for place, shift in enumerate((-2, -1, 1, 2)):
            if 0 <= t + shift < len(ids):
                expected[40 * place + ids[t + shift]] += 1
    np.testing.assert_array_equal(found[0], expected)
    np.testing.assert_array_equal(found[1:], usual[1:])
    assert not usual[0].any() and text.vectors[0].any()


def test_an_unknown_word_that_is_met_is_a_word_like_others():
    words, ids = words_and_text(seen_unknown=True)
    text, without = TrainingText(words, ids), TrainingText(make_words(40), ids)
    assert np.array_equal(text.counts, without.counts) and text.counts[0] == 2
    np.testing.assert_array_equal(text.vectors, without.vectors)
