"""The adaptive softmax (Grave et al.: Efficient softmax approximation for GPUs, ICML 2017)."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import mxnet as mx
import numpy as np
from mxnet import gluon
from mxnet.gluon import nn

from lightrnn_gluon.models.base import StackedLSTM, WordEmbedding, WordModel
from lightrnn_gluon.models.full_softmax import SoftmaxOutput


class AdaptiveSoftmax(WordModel):
    """The LSTM with a vector a word to read, and an output layer that spends little on rare words.

    `cutoffs` are ids (words are sorted by frequency): those below the first are the head's, each
    further range is a cluster, whose states are projected to `factor` times fewer dimensions than
    the range before it. A cutoff beyond the vocabulary is left out.
    """

    def __init__(
        self,
        vocabulary_size: int, hidden: int, layers: int, dropout: float,
        cutoffs: Sequence[int] = (2000, 10000, 50000), factor: int = 4,
    ) -> None:  # fmt: skip
        if sorted(set(cutoffs)) != list(cutoffs) or min(cutoffs, default=1) < 1 or factor < 1:
            raise ValueError("cutoffs must rise from 1 or more, and factor be at least 1")
        bounds = [cutoff for cutoff in cutoffs if cutoff < vocabulary_size] + [vocabulary_size]
        super().__init__(
            WordEmbedding(vocabulary_size, hidden),
            StackedLSTM(layers, hidden, hidden, dropout),
            AdaptiveOutput(bounds, hidden, factor),
        )


class AdaptiveOutput(gluon.HybridBlock):
    """P(w) = head(w) for the frequent words, head(cluster of w) * tail(w) for the others."""

    def __init__(self, bounds: list[int], hidden: int, factor: int) -> None:
        super().__init__()
        self._bounds = bounds
        with self.name_scope():
            self.head = SoftmaxOutput(bounds[0] + len(bounds) - 1, hidden)
            self.tails = nn.HybridSequential()
            for number, (first, last) in enumerate(pairwise(bounds), start=1):
                self.tails.add(Tail(last - first, hidden, max(1, hidden // factor**number)))

    def multiplications(self) -> int:
        """The head's: tails are computed for the few words that are in them."""
        return self.head.multiplications()

    def forward(self, states: mx.nd.NDArray, targets: mx.nd.NDArray) -> mx.nd.NDArray:
        """See WordModel."""
        words, context = targets.asnumpy(), states.context
        clusters = np.searchsorted(self._bounds, words, side="right")  # 0: the head's own words
        in_head = np.where(clusters > 0, self._bounds[0] + clusters - 1, words)
        nll = self.head(states, mx.nd.array(in_head, ctx=context, dtype="int32"))
        parts, place, filled = [mx.nd.zeros(1, ctx=context)], np.zeros(len(words), np.int32), 1
        for number, (tail, first) in enumerate(zip(self.tails, self._bounds, strict=False), start=1):
            members = np.flatnonzero(clusters == number)
            place[members] = np.arange(filled, filled + len(members))
            # Where a tail has no token, one goes through it for nothing: its gradient is then zero, and
            # not still that of the chunk before.
            tokens, inside = (members, words[members] - first) if len(members) else ([0], [0])
            read, within = (mx.nd.array(a, ctx=context, dtype="int32") for a in (tokens, inside))
            parts.append(tail(states.take(read), within))
            filled += len(tokens)
        return nll + mx.nd.concat(*parts, dim=0).take(mx.nd.array(place, ctx=context, dtype="int32"))


class Tail(gluon.HybridBlock):
    """A softmax over one cluster's words, of states projected to fewer dimensions."""

    def __init__(self, size: int, hidden: int, dimensions: int) -> None:
        super().__init__()
        self._dimensions = dimensions
        with self.name_scope():
            self.projection = self.params.get("projection", shape=(dimensions, hidden))
            self.softmax = SoftmaxOutput(size, dimensions)

    def hybrid_forward(self, F: Any, states: Any, targets: Any, projection: Any) -> Any:  # noqa: D102
        projected = F.FullyConnected(states, projection, no_bias=True, num_hidden=self._dimensions)
        return self.softmax(projected, targets)
