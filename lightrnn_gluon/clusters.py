"""Clusters of words of equal size."""

import numpy as np

from lightrnn_gluon.allocation.sums import members
from lightrnn_gluon.word_vectors import at_unit_length

_ITERATIONS = 10


def balanced_clusters(vectors: np.ndarray, counts: np.ndarray, capacities: np.ndarray) -> np.ndarray:
    """int32 (V,), each word's cluster: spherical k-means with no more words a cluster than it holds.

    In each iteration the words choose, the most frequent first, the nearest cluster with room; a
    cluster's centre is then the mean of its words' vectors, weighted by the square root of their counts.

    Args:
        vectors: float32 (V, D) of unit length (or zero).
        counts: integers (V,), how often each word occurs.
        capacities: integers (C,), how many words each cluster holds; C is at most V.

    Raises:
        ValueError: where the words do not fit.
    """
    if capacities.sum() < len(vectors):
        raise ValueError(f"the clusters hold {capacities.sum()} words, not {len(vectors)}")
    order = np.argsort(-counts, kind="stable")
    weighted = np.sqrt(np.maximum(counts, 1)).astype(np.float32)[:, None] * vectors
    centres = vectors[order[: len(capacities)]]  # the most frequent words, so that it is deterministic
    for _ in range(_ITERATIONS):
        chosen = _choose(vectors @ centres.T, order, capacities)
        centres = at_unit_length(members(chosen, len(capacities)) @ weighted)
    return chosen


def _choose(similarity: np.ndarray, order: np.ndarray, capacities: np.ndarray) -> np.ndarray:
    """Each word's most similar cluster (V, C) among those with room, for words in the given order."""
    chosen = np.empty(len(similarity), dtype=np.int32)
    room = capacities.copy()
    closed = np.where(room > 0, 0, -np.inf).astype(np.float32)
    for word in order:
        cluster = int(np.argmax(similarity[word] + closed))
        chosen[word] = cluster
        room[cluster] -= 1
        if not room[cluster]:
            closed[cluster] = -np.inf
    return chosen
