"""What each word would cost in each row and column: sums of hidden states are enough.

The cost of word w in row i is the sum over its occurrences of -log P_r(i | h) (paper section 3.3).
With -log P_r(i | h) = lse(h) - Y_r[i] . h - b_r[i] it is

    l_r(w, .) = L_w - Y_r S_w - f_w b_r,   S_w = sum of h,   f_w = their count,   L_w = sum of lse(h),

so a |V| x H array a component, filled while a text is read, stands for the |V| x rows costs.
Costs are formed from unmasked logits, so that they are finite for every cell.
"""

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import logsumexp


class ComponentSums:
    """S, f and L of all words for one component (rows, or columns) of the table."""

    def __init__(self, size: int, hidden: int) -> None:
        self.states = np.zeros((size, hidden), dtype=np.float32)
        self.counts = np.zeros(size, dtype=np.int64)
        self.normalisers = np.zeros(size, dtype=np.float64)

    def add(self, words: np.ndarray, states: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> None:
        """Count N occurrences in.

        Args:
            words: int (N,), the words that occurred.
            states: float32 (N, H), the states that predicted them.
            weight: float32 (n, H), the component's output vectors Y.
            bias: float32 (n,), its biases b.
        """
        normalisers = logsumexp(states @ weight.T + bias, axis=1)
        distinct, place = np.unique(words, return_inverse=True)
        shape = (len(distinct), len(words))
        occurrences = csr_matrix((np.ones(len(words), np.float32), (place, np.arange(len(words)))), shape)
        self.states[distinct] += occurrences @ states
        self.counts[distinct] += np.bincount(place)
        self.normalisers[distinct] += np.bincount(place, weights=normalisers)

    def costs(self, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """float32 (V, n): each word's cost in each row (or column), in nats over all occurrences."""
        costs = self.normalisers[:, None] - self.states @ weight.T - self.counts[:, None] * bias
        return costs.astype(np.float32)
