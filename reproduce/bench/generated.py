"""Costs of any size made up to be like a trained model's, as the allocation's measurements need them.

Words have Zipf counts f and vectors u from clusters. The words of a random table, the present one,
give each row a vector a, the mean of its words' vectors weighted by f^0.75, and the cost of a word
in row i is that of f occurrences, f * (logsumexp_k(u' . a_k) - u' . a_i), where u' is u disturbed by
2 / sqrt(f), plus f times noise of 1 / sqrt(f) of each cell's own. Columns are alike.

The hard form has 5 dimensions instead of 20, 20 clusters in all, a quarter of the disturbance and
no noise of the cells' own: many words are nearly the same and want the same cells.
"""

from dataclasses import dataclass

import numba
import numpy as np

from lightrnn_gluon.table import table_shape

SHARPNESS = 5.0  # the length of a row's vector
SPREAD = 0.5  # of words around their cluster's centre, whose coordinates have spread 1
_BLOCK = 1024


@dataclass(frozen=True)
class Form:
    """How words are made."""

    dimensions: int
    clusters: int | None  # None: the square root of the number of words
    disturbance: float  # length of what a word seen once is disturbed by
    noise: float  # spread of what each cell adds to the cost of a word seen once


FORMS = {
    "easy": Form(dimensions=20, clusters=None, disturbance=2.0, noise=1.0),
    "hard": Form(dimensions=5, clusters=20, disturbance=0.5, noise=0.0),
}


class GeneratedCosts:
    """The costs of V words in n rows (or columns), made when asked for: the same however asked for."""

    def __init__(
        self, counts: np.ndarray, vectors: np.ndarray, centres: np.ndarray, noise: float, seed: int
    ) -> None:
        """Costs of words with the given counts (V,) and disturbed vectors (V, D) for centres (n, D)."""
        self.shape = (len(vectors), len(centres))
        self._counts = counts.astype(np.float32)
        self._vectors, self._centres = vectors, np.ascontiguousarray(centres.T, dtype=np.float32)
        self._noise, self._seed = np.float32(noise), np.uint64(seed)
        self._normalisers = np.empty(len(vectors), np.float32)
        for start in range(0, len(vectors), _BLOCK):
            words = slice(start, start + _BLOCK)
            scores = vectors[words] @ centres.T.astype(np.float32)
            self._normalisers[words] = np.log(np.exp(scores).sum(axis=1))  # scores are 5 at most

    def __getitem__(self, words: slice | np.ndarray) -> np.ndarray:
        """float32 (len(words), n): the costs of these words, in nats."""
        numbers = np.arange(self.shape[0])[words] if isinstance(words, slice) else np.asarray(words)
        costs = np.empty((len(numbers), self.shape[1]), np.float32)
        _fill(
            costs, numbers, self._counts[words], self._vectors[words], self._centres,
            self._normalisers[words], self._noise, self._seed,
        )  # fmt: skip
        return costs

    def array(self) -> np.ndarray:
        """All of them, float32 (V, n), where that fits into memory."""
        costs = np.empty(self.shape, np.float32)
        for start in range(0, len(costs), _BLOCK):
            words = slice(start, start + _BLOCK)
            costs[words] = self[words]
        return costs


def generate(words: int, form: str, seed: int) -> tuple[GeneratedCosts, GeneratedCosts, np.ndarray]:
    """Costs in rows, costs in columns, and the present table, int32 (V,), of one instance.

    Args:
        words: V.
        form: "easy" or "hard".
        seed: any whole number of at least zero; each gives another instance.
    """
    made, (columns, rows) = FORMS[form], table_shape(words)
    rng = np.random.Generator(np.random.PCG64(seed))
    counts = zipf_counts(words)
    clusters = made.clusters or max(5, round(words**0.5))
    centres = rng.standard_normal((clusters, made.dimensions), np.float32)
    vectors = rng.standard_normal((words, made.dimensions), np.float32)
    vectors *= SPREAD
    vectors += centres[rng.integers(clusters, size=words)]
    table = rng.permutation(words).astype(np.int32)
    both = [
        _component(rng, counts, vectors, part, size, made)
        for part, size in ((table // columns, rows), (table % columns, columns))
    ]
    return both[0], both[1], table


def zipf_counts(words: int) -> np.ndarray:
    """(V,): how often each word occurs, 1,000 times on average, at least once."""
    shares = np.arange(1, words + 1) ** -1.05
    return np.maximum(1, np.round(shares * (1000 * words / shares.sum())))


def _component(
    rng: np.random.Generator, counts: np.ndarray, vectors: np.ndarray, part: np.ndarray, size: int, made: Form
) -> GeneratedCosts:
    """The costs for rows (or columns), given the row that each word has in the present table."""
    weights = counts**0.75
    centres = np.stack(
        [np.bincount(part, weights * vectors[:, d], size) for d in range(made.dimensions)], axis=1
    )
    centres *= SHARPNESS / np.linalg.norm(centres, axis=1, keepdims=True)
    disturbed = rng.standard_normal(vectors.shape, np.float32)
    disturbed *= (made.disturbance / np.sqrt(made.dimensions * counts)).astype(np.float32)[:, None]
    disturbed += vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return GeneratedCosts(counts, disturbed, centres, made.noise, int(rng.integers(2**63)))


@numba.njit(cache=True)
def _fill(
    costs: np.ndarray,
    words: np.ndarray,
    counts: np.ndarray,
    vectors: np.ndarray,
    centres: np.ndarray,
    normalisers: np.ndarray,
    noise: np.float32,
    seed: np.uint64,
) -> None:
    """Each word's costs, always by the same operations in the same order, unlike a library's product.

    The noise is a function of seed, word and cell: four 16-bit parts of a hashed counter
    (splitmix64), whose sum is near enough to normal, without its sign.
    """
    part, sixteen = np.uint64(0xFFFF), np.uint64(16)
    step = np.uint64(0x9E3779B97F4A7C15)
    for k in range(len(words)):
        scores = np.zeros(costs.shape[1], np.float32)
        for d in range(centres.shape[0]):
            for i in range(len(scores)):
                scores[i] += vectors[k, d] * centres[d, i]
        key = _hash(seed + np.uint64(words[k]) * step)
        own = noise * np.sqrt(counts[k])
        for i in range(len(scores)):
            costs[k, i] = counts[k] * (normalisers[k] - scores[i])
        if own > 0:
            for i in range(len(scores)):
                bits = _hash(key + np.uint64(i) * step)
                total = np.float32(0)
                for _ in range(4):
                    total += np.float32(np.int32(bits & part))
                    bits >>= sixteen
                # Four uniform numbers have mean 2 and variance 1/3.
                costs[k, i] += own * abs(total / np.float32(65536) - np.float32(2)) * np.float32(1.7320508)


@numba.njit(cache=True, inline="always")
def _hash(bits: np.uint64) -> np.uint64:
    """The finaliser of splitmix64 (Steele, Lea and Flood, OOPSLA 2014)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
