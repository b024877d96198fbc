"""Samplers: corpora cut into chunks for truncated back-propagation through time.

Both kinds yield the same thing, so training, evaluation and cost accumulation know only chunks.
Each predicted token of the corpus stands in exactly one chunk of an epoch, and an epoch's chunks
follow from (seed, epoch) alone.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import gluonnlp
import numpy as np
from omegaconf import MISSING

from lightrnn_gluon.corpus import Vocabulary
from lightrnn_gluon.errors import UserError

# Bucket keys grow by this factor: a sentence is padded by 5 % of its length at most.
_BUCKET_GROWTH = 1.05
_EVALUATION_ROWS = 64


@dataclass
class SamplerConfig:
    """`sentences` (bucketed, each from a fresh state) or `streams` (contiguous, carried state)."""

    kind: str = MISSING
    batch_size: int = MISSING
    length: int = MISSING  # words of truncated back-propagation through time


@dataclass(frozen=True)
class Chunk:
    """A piece of a batch, time-major.

    Attributes:
        inputs: int32 (T, B), the words w[0..T-1] that precede the targets.
        targets: int32 (T, B), the words w[1..T] to predict.
        positions: int64 (T, B), each target's place in the id array; -1 where there is padding.
        starts: True where the state is fresh, False where it is carried from the chunk before.
    """

    inputs: np.ndarray
    targets: np.ndarray
    positions: np.ndarray
    starts: bool

    @property
    def mask(self) -> np.ndarray:
        """float32 (T, B): 1 for a token, 0 for padding."""
        return (self.positions >= 0).astype(np.float32)

    @property
    def tokens(self) -> int:
        """How many tokens the chunk predicts."""
        return int(np.count_nonzero(self.positions >= 0))

    def share(self, part: int, parts: int) -> "Chunk":
        """One of `parts` that rows are dealt out to; a row of padding where rows are too few for it."""
        if parts == 1:
            return self
        rows = slice(part, None, parts) if part < self.inputs.shape[1] else slice(0, 1)
        chunk = replace(
            self,
            inputs=self.inputs[:, rows],
            targets=self.targets[:, rows],
            positions=self.positions[:, rows],
        )
        return (
            chunk
            if part < self.inputs.shape[1]
            else replace(chunk, positions=np.full_like(chunk.positions, -1))
        )


class Sampler(Protocol):
    """What training and evaluation need: an epoch's chunks, and how many rows a full batch has."""

    batch_size: int

    def epoch(self, seed: int | None) -> Iterator[Chunk]:
        """The chunks of one epoch, shuffled by `seed`; always the same ones where it is None."""


class SentenceSampler:
    """Bucketed sentences, each from a fresh state (gluonnlp's FixedBucketSampler).

    A sentence longer than `length` words is never cut short: its batch goes on in further chunks
    with carried state.
    """

    def __init__(self, ids: np.ndarray, vocabulary: Vocabulary, batch_size: int, length: int) -> None:
        self.batch_size = batch_size
        self._ids, self._start, self._length = ids, vocabulary.start, length
        self._ends = np.flatnonzero(ids == vocabulary.end) + 1
        self._begins = np.concatenate([[0], self._ends[:-1]])

    def epoch(self, seed: int | None) -> Iterator[Chunk]:
        """See Sampler. The seed shuffles both which sentences share a batch and the batches."""
        generator = np.random.RandomState(seed)
        order = np.arange(len(self._ends)) if seed is None else generator.permutation(len(self._ends))
        lengths = (self._ends - self._begins)[order]
        batches = list(
            gluonnlp.data.FixedBucketSampler(
                lengths, self.batch_size, num_buckets=None, bucket_keys=_bucket_keys(lengths)
            )
        )
        if seed is not None:
            batches = [batches[i] for i in generator.permutation(len(batches))]
        for batch in batches:
            rows = order[batch]
            begins, ends = self._begins[rows], self._ends[rows]
            longest = int((ends - begins).max())
            pieces = math.ceil(longest / self._length)
            bounds = [longest * piece // pieces for piece in range(pieces + 1)]
            yield from _cut(self._ids, begins, ends, np.full(len(rows), self._start), bounds)


class StreamSampler:
    """Contiguous text in `batch_size` parallel streams with carried state, `length` words a chunk."""

    def __init__(self, ids: np.ndarray, vocabulary: Vocabulary, batch_size: int, length: int) -> None:
        self._span = math.ceil(len(ids) / batch_size)
        self.batch_size = math.ceil(len(ids) / self._span)  # fewer streams where the text is tiny
        self._ids, self._start, self._length = ids, vocabulary.start, length

    def epoch(self, seed: int | None) -> Iterator[Chunk]:
        """See Sampler. The seed moves the chunks' borders; the text's order stays."""
        span = self._span
        begins = np.arange(0, len(self._ids), span)
        ends = np.minimum(begins + span, len(self._ids))
        contexts = np.where(begins > 0, self._ids[begins - 1], self._start)
        first = self._length if seed is None else np.random.RandomState(seed).randint(1, self._length + 1)
        bounds = [0, *range(first, span, self._length), span]
        return _cut(self._ids, begins, ends, contexts, bounds)


_SAMPLERS: dict[str, type[SentenceSampler] | type[StreamSampler]] = {
    "sentences": SentenceSampler,
    "streams": StreamSampler,
}


def make_sampler(config: SamplerConfig, ids: np.ndarray, vocabulary: Vocabulary) -> Sampler:
    """The sampler that the configuration names. Raises UserError where there is none of that name."""
    if config.kind not in _SAMPLERS:
        raise UserError(f"sampler kind {config.kind!r} is none of {', '.join(_SAMPLERS)}")
    return _SAMPLERS[config.kind](ids, vocabulary, config.batch_size, config.length)


def evaluation_sampler(config: SamplerConfig, ids: np.ndarray, vocabulary: Vocabulary) -> Sampler:
    """The same for scoring a text: sentences, being independent, go in larger batches.

    Streams stay as many as in training, for each begins without the context of what precedes it.
    """
    if config.kind == "sentences":
        config = replace(config, batch_size=max(config.batch_size, _EVALUATION_ROWS))
    return make_sampler(config, ids, vocabulary)


def _cut(
    ids: np.ndarray, begins: np.ndarray, ends: np.ndarray, contexts: np.ndarray, bounds: list[int]
) -> Iterator[Chunk]:
    """Cut B spans [begin, end) of `ids`, side by side, at the offsets `bounds` from their begins.

    `contexts` (B,) are the words that precede the spans' first targets. Padding repeats id 0.
    """
    for first, last in pairwise(bounds):
        positions = begins + np.arange(first, last)[:, None]
        inside = positions < ends
        targets = np.where(inside, ids[np.where(inside, positions, 0)], 0)
        inputs = np.where(inside, ids[np.where(inside, positions - 1, 0)], 0)
        if first == 0:
            inputs[0] = contexts
        yield Chunk(
            inputs=inputs.astype(np.int32),
            targets=targets.astype(np.int32),
            positions=np.where(inside, positions, -1),
            starts=first == 0,
        )


def _bucket_keys(lengths: np.ndarray) -> list[int]:
    """Keys in geometric steps that cover the lengths, those of empty buckets left out."""
    steps = math.ceil(math.log(lengths.max()) / math.log(_BUCKET_GROWTH)) + 1
    ladder = np.unique(np.ceil(_BUCKET_GROWTH ** np.arange(steps + 1)).astype(int))
    return [int(key) for key in np.unique(ladder[np.searchsorted(ladder, lengths)])]
