"""Balanced clusters: capacities, determinism, and clusters that were put there."""

import numpy as np
import pytest

from lightrnn_gluon.clusters import balanced_clusters


def planted(seed, clusters=8, size=12, noise=0.1):
    """Unit vectors around as many centres, words in random order of frequency; vectors, counts, labels."""
    generator = np.random.RandomState(seed)
    centres = generator.randn(clusters, 16)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    labels = generator.permutation(np.repeat(np.arange(clusters), size))
    vectors = centres[labels] + noise * generator.randn(len(labels), 16)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    counts = 10000 // np.arange(1, len(labels) + 1)
    return vectors, counts, labels


@pytest.mark.parametrize("seed", range(5))
def test_planted_clusters_are_found(seed):
    vectors, counts, labels = planted(seed)
    found = balanced_clusters(vectors, counts, np.full(8, 12))
    assert found.dtype == np.int32
    together = found[:, None] == found[None]
    np.testing.assert_array_equal(together, labels[:, None] == labels[None])


@pytest.mark.parametrize(
    "capacities", [[12] * 8, [90, 1, 1, 1, 1, 1, 1], [20, 40, 60], [96], [0, 50, 50], [1] * 96]
)
def test_no_cluster_holds_more_than_it_can(capacities):
    vectors, counts, _ = planted(1)
    found = balanced_clusters(vectors, counts, np.array(capacities))
    sizes = np.bincount(found, minlength=len(capacities))
    assert len(found) == len(vectors) and (sizes <= capacities).all()


def test_vectors_without_any_structure_are_balanced_too():
    for vectors in (np.zeros((30, 4)), np.ones((30, 4)) / 2):  # words never seen have no direction
        found = balanced_clusters(vectors.astype(np.float32), np.zeros(30, int), np.full(5, 6))
        np.testing.assert_array_equal(np.bincount(found), [6] * 5)


def test_the_same_words_make_the_same_clusters():
    vectors, counts, _ = planted(2, noise=1.0)
    first, second = (balanced_clusters(vectors, counts, np.full(8, 12)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_frequent_words_choose_first():
    # Six words of one direction, four of another; clusters of five: the rarest of the six is left over.
    vectors = np.repeat(np.eye(2, dtype=np.float32), [6, 4], axis=0)
    counts = np.array([9, 8, 1, 7, 6, 5, 4, 4, 4, 4])
    found = balanced_clusters(vectors, np.concatenate([counts[:6], [99, 4, 4, 4]]), np.full(2, 5))
    assert len(set(found[[0, 1, 3, 4, 5]])) == 1
    assert found[2] == found[6] == found[9] != found[0]


def test_too_little_room_is_refused():
    with pytest.raises(ValueError, match="hold 9 words, not 10"):
        balanced_clusters(np.zeros((10, 3), np.float32), np.ones(10, int), np.array([5, 4]))
