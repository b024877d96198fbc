"""What each word would cost in each row and column, from one look at a text: sums over its occurrences.

The cost of word w in row i is the sum over its occurrences of -log P_r(i | h) (paper section 3.3).
With -log P_r(i | h) = lse(h) - Y_r[i] . h - b_r[i] it is

    l_r(w, .) = L_w - Y_r S_w - f_w b_r,   S_w = sum of h,   f_w = their count,   L_w = sum of lse(h),

so that H numbers a word stand for its costs in any number of rows, which are formed when they are
asked for. Where there are no more rows than H, the costs themselves are summed.
Costs are formed from unmasked logits, so that they are finite for every cell.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import logsumexp

from lightrnn_gluon.allocation.problem import Costs
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.files import let_go

# Sums larger than this are kept on disk: as many a component of the table, rows or columns.
MEMORY_BYTES = 4 * 2**30

AddUp = Callable[[np.ndarray], None]


class ComponentSums:
    """Sums over the occurrences of V words for one component (rows, or columns) of the table."""

    def __init__(self, size: int, options: int, hidden: int, directory: Path | None = None) -> None:
        """Nothing summed yet, for `size` words, `options` rows (or columns) and states of `hidden` units.

        Sums that are larger than MEMORY_BYTES are in a file in `directory` that vanishes with them.
        Raises UserError where the disk has no room for it.
        """
        self.counts = np.zeros(size, dtype=np.int64)
        self._of_costs = options <= hidden
        self._sums = zeros((size, min(options, hidden)), directory)
        self._normalisers = np.zeros(size, dtype=np.float64)

    def add(self, words: np.ndarray, states: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> None:
        """Count N occurrences in.

        Args:
            words: int (N,), the words that occurred.
            states: float32 (N, H), the states that predicted them.
            weight: float32 (n, H), the component's output vectors Y.
            bias: float32 (n,), its biases b.
        """
        logits = states @ weight.T + bias
        normalisers = logsumexp(logits, axis=1)
        addends = normalisers[:, None] - logits if self._of_costs else states
        distinct, place = np.unique(words, return_inverse=True)
        self._sums[distinct] += members(place, len(distinct)) @ addends
        let_go(self._sums)
        self.counts[distinct] += np.bincount(place)
        if not self._of_costs:
            self._normalisers[distinct] += np.bincount(place, weights=normalisers)

    def gather(self, add_up: AddUp) -> None:
        """Take in what others have counted: `add_up` puts everybody's sum in place of each one's array."""
        for array in (self.counts, self._sums, self._normalisers):
            add_up(array)

    def costs(self, weight: np.ndarray, bias: np.ndarray) -> Costs:
        """float32 (V, n): each word's cost in each row (or column), in nats over all occurrences.

        The component's vectors must be those of all `add`s, or the costs are but near to true ones.
        """
        if self._of_costs:
            return self._sums
        return StateCosts(self._sums, self.counts, self._normalisers, weight, bias)


class StateCosts:
    """Costs of V words in n rows (or columns), formed from sums of states a block of words at a time."""

    def __init__(
        self,
        states: np.ndarray,
        counts: np.ndarray,
        normalisers: np.ndarray,
        weight: np.ndarray,
        bias: np.ndarray,
    ) -> None:
        """S (V, H), f (V,), L (V,), Y (n, H) and b (n,): see the equation above."""
        self.shape = (len(states), len(weight))
        self._states, self._counts, self._normalisers = states, counts, normalisers
        self._weight, self._bias = weight, bias

    def __getitem__(self, words: slice | np.ndarray) -> np.ndarray:
        """float32 (len(words), n), the costs of these words; the last digits depend on how many they are."""
        costs = self._states[words] @ self._weight.T
        let_go(self._states)
        costs += self._counts[words, None].astype(np.float32) * self._bias
        return np.subtract(self._normalisers[words, None].astype(np.float32), costs, out=costs)


def members(part: np.ndarray, size: int) -> csr_matrix:
    """float32 (size, N): one where an item is in a part, integers (N,). Times (N, D) it is sums by part."""
    return csr_matrix((np.ones(len(part), np.float32), (part, np.arange(len(part)))), (size, len(part)))


def zeros(shape: tuple[int, int], directory: Path | None) -> np.ndarray:
    """float32 zeros, in memory or in a nameless file."""
    size = 4 * shape[0] * shape[1]
    if directory is None or size <= MEMORY_BYTES:
        return np.zeros(shape, np.float32)
    with tempfile.TemporaryFile(dir=directory) as stream:
        try:
            os.posix_fallocate(stream.fileno(), 0, size)  # else a full disk would be a crash later
        except OSError as error:
            raise UserError(
                f"{directory} has no room for {size / 1e9:.1f} GB of sums: {error.strerror}; free some"
            ) from error
        return np.memmap(stream, np.float32, "r+", shape=shape)
