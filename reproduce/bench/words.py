"""What nets are timed on: generated words, and settings. No package but numpy is needed."""

from collections.abc import Iterator

import numpy as np

CLIP, RATE, DROPOUT = 5.0, 1.0, 0.2
BATCH_SIZE = 64
_EXPONENT = 1.05


def batch_words(words: int, length: int, batch_size: int) -> Iterator[np.ndarray]:
    """Batches without end, int64 (length, batch_size), of ids below `words`, the frequent ones small.

    Words are drawn by Zipf's law, each regardless of those before it.
    """
    shares = np.cumsum(np.arange(1, words + 1, dtype=np.float64) ** -_EXPONENT)
    generator = np.random.RandomState(1)
    while True:
        yield np.searchsorted(
            shares, generator.random_sample((length, batch_size)) * shares[-1], side="right"
        )
