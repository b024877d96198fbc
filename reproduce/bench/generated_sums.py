"""Costs made up like those of `generated`, from sums of states on disk: for more words than fit into memory.

They are of the easy form in as many dimensions as a state has, but without each cell's own noise,
which no product of a word's sums with a row's vector could have.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from generated import FORMS, SHARPNESS, SPREAD, zipf_counts
from scipy.sparse import csr_matrix

from lightrnn_gluon.allocation.sums import StateCosts
from lightrnn_gluon.table import table_shape

_BLOCK = 65536


def generate_sums(
    words: int, hidden: int, seed: int, directory: Path
) -> tuple[StateCosts, StateCosts, np.ndarray]:
    """Costs in rows, costs in columns, and the present table, int32 (V,), of one instance.

    Args:
        words: V.
        hidden: H, how many numbers a word has in each sum.
        seed: any whole number of at least zero; each gives another instance.
        directory: a folder for the sums, two files of 4 V H bytes.
    """
    columns, rows = table_shape(words)
    text = _Text(words, hidden, seed)
    table = np.random.Generator(np.random.PCG64(seed)).permutation(words).astype(np.int32)
    directory.mkdir(parents=True, exist_ok=True)
    both = [
        text.costs(part, size, purpose, directory)
        for purpose, part, size in ((1, table // columns, rows), (2, table % columns, columns))
    ]
    return both[0], both[1], table


class _Text:
    """Words with their counts and vectors, which are drawn again whenever a block of them is needed."""

    def __init__(self, words: int, hidden: int, seed: int) -> None:
        rng = np.random.Generator(np.random.PCG64([seed, 0]))
        clusters = max(5, round(words**0.5))
        self.counts = zipf_counts(words)
        self._seed, self._hidden = seed, hidden
        self._centres = rng.standard_normal((clusters, hidden), np.float32)
        self._kinds = rng.integers(clusters, size=words)

    def costs(self, part: np.ndarray, size: int, purpose: int, directory: Path) -> StateCosts:
        """Costs in `size` rows (or columns), given the one that each word has in the present table."""
        words, weight = len(part), self._weight(part, size)
        normalisers = np.empty(words)
        sums = np.lib.format.open_memmap(
            directory / f"{purpose}.npy", mode="w+", dtype=np.float32, shape=(words, self._hidden)
        )
        for block, vectors in self._blocks():
            counts = self.counts[block].astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            lengths = FORMS["easy"].disturbance / np.sqrt(self._hidden * counts)
            vectors += self._draw(purpose, block) * lengths[:, None]
            scores = vectors @ weight.T  # SHARPNESS at most, but for the disturbance
            normalisers[block] = counts * np.log(np.exp(scores, out=scores).sum(axis=1))
            sums[block] = vectors * counts[:, None]
        sums.flush()
        # Nothing of it is resident yet.
        states = np.load(directory / f"{purpose}.npy", mmap_mode="r", allow_pickle=False)
        return StateCosts(states, self.counts, normalisers, weight, np.zeros(size, np.float32))

    def _weight(self, part: np.ndarray, size: int) -> np.ndarray:
        """float32 (size, H): the mean vector of the words in each row, of one length."""
        weight = np.zeros((size, self._hidden), np.float32)
        for block, vectors in self._blocks():
            shares = (self.counts[block] ** 0.75).astype(np.float32)
            places = part[block], np.arange(len(shares))
            weight += csr_matrix((shares, places), (size, len(shares))) @ vectors
        return SHARPNESS * weight / np.linalg.norm(weight, axis=1, keepdims=True)

    def _blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Blocks of words with their vectors (B, H)."""
        for start in range(0, len(self.counts), _BLOCK):
            block = slice(start, min(start + _BLOCK, len(self.counts)))
            yield block, self._centres[self._kinds[block]] + SPREAD * self._draw(0, block)

    def _draw(self, purpose: int, block: slice) -> np.ndarray:
        """float32 (B, H): normal numbers, the same for a block whenever they are drawn for a purpose."""
        rng = np.random.Generator(np.random.PCG64([self._seed, purpose + 1, block.start]))
        return rng.standard_normal((block.stop - block.start, self._hidden), np.float32)
