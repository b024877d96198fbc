"""Word vectors from counts of neighbours alone: no network, no table, seconds of time.

A truncated SVD of the positive pointwise mutual information of words and of context words at given places
beside them (Levy and Goldberg 2014), each place a block of columns of its own.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

from lightrnn_gluon.corpus import UNKNOWN

_BLOCK_TOKENS = 1 << 22


class TrainingText:
    """A training text, and what several ask of it, which is counted when it is first asked for.

    Where `<UNK>` is one of the words and never in the text, it stands for words that the text does not have:
    words seen once tell how many more of these there are (Good 1953, Biometrika 40) and where, so `<UNK>` is
    taken to be met as often as all of them are, beside their neighbours.

    Attributes:
        words: the vocabulary's.
        ids: integers (N,) below len(words); read in blocks, and may be memory-mapped.
    """

    def __init__(self, words: Sequence[str], ids: np.ndarray) -> None:
        self.words, self.ids = words, ids

    @cached_property
    def seen(self) -> np.ndarray:
        """int64 (V,): how often each word is in the text."""
        return frequencies(self.ids, len(self.words))

    @cached_property
    def _to_unknown(self) -> sparse.csr_matrix:
        """int8 (V, V): ones that give an unknown word never met what words seen once have."""
        unknown = np.array([word == UNKNOWN for word in self.words]) & (self.seen == 0)
        return _column(unknown) @ _column(self.seen == 1).T

    @cached_property
    def counts(self) -> np.ndarray:
        """int64 (V,): how often each word is taken to be met."""
        return self.seen + self._to_unknown @ self.seen

    def neighbours(self, context_of: np.ndarray, contexts: int, window: int) -> sparse.csr_matrix:
        """See neighbour_counts."""
        counts = neighbour_counts(self.ids, context_of, contexts, window)
        return counts + self._to_unknown @ counts if self._to_unknown.nnz else counts

    @cached_property
    def vectors(self) -> np.ndarray:
        """See word_vectors."""
        return word_vectors(self)


def word_vectors(
    text: TrainingText, dimensions: int = 100, contexts: int = 1000, window: int = 2
) -> np.ndarray:
    """float32 (V, dimensions): each word's vector, of unit length, or zero.

    Zero are those of words of which nothing is known, such as ones never seen. Memory is that of the sparse
    counts. The context words are the `contexts` most frequent ones; windows reach `window` words to each
    side, across the ends of sentences, whose mark counts as a word. A small vocabulary has fewer directions
    than `dimensions`: the rest are zero. Deterministic. Raises ValueError where there are not two words.
    """
    if (size := len(text.words)) < 2:
        raise ValueError(f"{size} words: vectors need at least 2")
    frequent = np.argsort(-text.counts, kind="stable")[:contexts]
    context_of = np.full(size, -1, dtype=np.int64)
    context_of[frequent] = np.arange(len(frequent))
    information = _information(text.neighbours(context_of, len(frequent), window))
    shortest = min(information.shape)
    rank = min(dimensions, shortest - 1)
    # A fixed start that is at a right angle to no singular vector in practice.
    start = np.random.RandomState(0).uniform(0.5, 1.5, shortest).astype(np.float32)
    left, values, _ = svds(information, k=rank, v0=start)
    vectors = np.zeros((size, dimensions), dtype=np.float32)
    vectors[:, :rank] = (left * values)[:, ::-1]  # svds gives the smallest first
    vectors[np.diff(information.indptr) == 0] = 0  # exactly, without the rounding of the SVD
    return at_unit_length(vectors)


def at_unit_length(vectors: np.ndarray) -> np.ndarray:
    """Vectors (n, D) over their lengths; zero ones stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def neighbour_counts(
    ids: np.ndarray, context_of: np.ndarray, contexts: int, window: int
) -> sparse.csr_matrix:
    """float32 (V, 2 window contexts): how often words stand beside words of each context, place by place.

    `context_of`, integers (V,), has each word's context, below `contexts`; a word of context -1 is no
    neighbour. `ids`, integers (N,), is read in blocks and may be memory-mapped.
    """
    counts = sparse.csr_matrix((len(context_of), 2 * window * contexts), dtype=np.float32)
    for block in _blocks(ids, window):
        found = _neighbours(block, context_of, contexts, window, counts.shape)
        found.sort_indices()  # unsorted ones take longer to add
        counts += found
    return counts


def _information(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """max(0, log(n N / (n_w n_c))), float32, from how often a word, n_w, and a context, n_c, meet, n of N."""
    of_words, of_contexts = (np.asarray(counts.sum(axis=axis, dtype=np.float64)).ravel() for axis in (1, 0))
    pairs = counts.tocoo()
    expected = of_words[pairs.row] * of_contexts[pairs.col] / of_words.sum()
    pairs.data = np.maximum(np.log(pairs.data / expected), 0).astype(np.float32)
    pairs.eliminate_zeros()
    return pairs.tocsr()


def _column(flags: np.ndarray) -> sparse.csr_matrix:
    """int8 (n, 1): one where a flag, (n,), is set."""
    return sparse.csr_matrix(flags[:, None].astype(np.int8))


def frequencies(ids: np.ndarray, size: int) -> np.ndarray:
    """int64 (size,): how often each word occurs."""
    counts = np.zeros(size, dtype=np.int64)
    for block in _blocks(ids, 0):
        counts += np.bincount(block, minlength=size)
    return counts


def _blocks(ids: np.ndarray, window: int) -> Iterator[np.ndarray]:
    """Consecutive parts of `ids`, each with the `window` tokens before and behind it; -1 where none are."""
    for first in range(0, len(ids), _BLOCK_TOKENS):
        end = min(first + _BLOCK_TOKENS, len(ids))
        before, behind = min(window, first), min(window, len(ids) - end)
        part = np.asarray(ids[first - before : end + behind], dtype=np.int64)
        yield np.pad(part, (window - before, window - behind), constant_values=-1)


def _neighbours(
    block: np.ndarray, context_of: np.ndarray, contexts: int, window: int, shape: tuple[int, int]
) -> sparse.csr_matrix:
    """Counts, float32 `shape`, of the context words at each place beside the words of a block.

    A product of words by tokens and tokens by their neighbours: tokens need no sorting.
    """
    words = block[window : len(block) - window]
    columns = np.empty((len(words), 2 * window), dtype=np.int32)
    known = np.empty(columns.shape, dtype=bool)
    for place, shift in enumerate(shift for shift in range(-window, window + 1) if shift):
        neighbours = block[window + shift : window + shift + len(words)]
        context = context_of[neighbours]
        known[:, place] = (neighbours >= 0) & (context >= 0)
        columns[:, place] = context + place * contexts
    bounds = np.insert(np.cumsum(known.sum(axis=1)), 0, 0)
    once = np.ones(known.size, dtype=np.float32)
    beside = sparse.csr_matrix((once[: bounds[-1]], columns[known], bounds), (len(words), shape[1]))
    occurred = sparse.csr_matrix((once[: len(words)], (words, np.arange(len(words)))), (shape[0], len(words)))
    return occurred @ beside
