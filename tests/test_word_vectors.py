"""Word vectors against a dense computation, token by token."""

import numpy as np
import pytest

from lightrnn_gluon import word_vectors as module
from lightrnn_gluon.word_vectors import word_vectors


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
    vectors = word_vectors(ids, 30, dimensions=5, contexts=contexts, window=window)
    expected = by_hand(ids, 30, 5, contexts, window)
    assert vectors.shape == (30, 5) and vectors.dtype == np.float32
    signs = np.sign((vectors * expected).sum(axis=0))  # a singular vector has none of its own
    np.testing.assert_allclose(vectors * signs, expected, atol=1e-4)


def test_vectors_have_unit_length_but_for_words_never_seen(ids):
    lengths = np.linalg.norm(word_vectors(ids, 30), axis=1)
    np.testing.assert_allclose(np.delete(lengths, 7), 1, atol=1e-6)
    assert lengths[7] == 0


@pytest.mark.parametrize("block", [1, 2, 7, 499])
def test_blocks_do_not_show(ids, block, monkeypatch):
    whole = word_vectors(ids, 30, dimensions=10)
    monkeypatch.setattr(module, "_BLOCK_TOKENS", block)
    np.testing.assert_array_equal(word_vectors(ids, 30, dimensions=10), whole)


def test_words_in_the_same_places_lie_together():
    """Words 3-5 stand after word 1, words 6-8 after word 2."""
    chooser = np.random.RandomState(1)
    ids = np.concatenate([[kind, 3 * kind + chooser.randint(3)] for kind in chooser.randint(1, 3, 400)])
    vectors = word_vectors(ids, 9, dimensions=4)
    products = vectors[3:9] @ vectors[3:9].T
    assert products[:3, :3].min() > products[:3, 3:].max() and products[3:, 3:].min() > products[:3, 3:].max()


def test_a_small_vocabulary_fills_up_with_zeros():
    vectors = word_vectors(np.array([0, 1, 0, 2]), 3, dimensions=50)
    assert vectors.shape == (3, 50) and vectors[:, :2].any() and not vectors[:, 2:].any()
    with pytest.raises(ValueError, match="at least 2"):
        word_vectors(np.array([0, 0]), 1)
