"""B-RNN of the paper's tables: a full softmax, trained by BlackOut (Ji et al. 2016) on sampled words."""

import math
from collections.abc import Sequence
from typing import Any

import mxnet as mx
import numpy as np
from mxnet import gluon

from lightrnn_gluon.models.base import NEVER, Arrays, StackedLSTM, WordEmbedding, WordModel, value_of
from lightrnn_gluon.models.full_softmax import SoftmaxOutput

_TOLERANCE = 1e-3  # within which the samples' distribution sums to one
_LARGEST = 1 - 1e-6  # of a sample's share, whose complement's logarithm is taken


class BlackOut(WordModel):
    """Vectors for all words, read and predicted; training looks at `samples` words beside the target.

    Words are drawn once for a chunk, from Q(w) ~ count(w) ^ power. With the weighted softmax over
    the target and the samples, p(i) ~ exp(s_i) / Q(i), the objective is (equations 4 and 6 there)

        -log p(target) - sum over samples j of log(1 - p(j)).

    Evaluation is by the full softmax.
    """

    def __init__(
        self,
        vocabulary_size: int, hidden: int, layers: int, dropout: float,
        samples: int = 500, power: float = 0.4,
    ) -> None:  # fmt: skip
        if samples < 1 or not 0 <= power <= 1:
            raise ValueError("samples must be at least 1, and power from 0 to 1")
        sampled = SampledSoftmax(vocabulary_size, hidden, samples)
        super().__init__(
            WordEmbedding(vocabulary_size, hidden),
            StackedLSTM(layers, hidden, hidden, dropout),
            SoftmaxOutput(vocabulary_size, hidden, sampled.params),
        )
        self.sampled_output = sampled
        self._samples, self._power = samples, power
        uniform = mx.init.Constant(-math.log(vocabulary_size))
        self.log_proposal = self.params.get(
            "log_proposal", shape=(vocabulary_size,), init=uniform, grad_req="null"
        )
        self._cumulative = np.arange(1, vocabulary_size + 1) / vocabulary_size

    def read_corpus(self, words: Sequence[str], ids: np.ndarray) -> None:
        """Make Q, with a count of one for words that do not occur."""
        counts = np.maximum(np.bincount(ids, minlength=len(words)), 1).astype(np.float64)
        log_weights = self._power * np.log(counts)
        self.log_proposal.set_data(mx.nd.array(log_weights - np.log(np.exp(log_weights).sum())))
        self.check()

    def check(self) -> None:
        """See LanguageModel: Q must be a distribution. Its cumulative one is kept, for the samples."""
        cumulative = np.cumsum(np.exp(value_of(self.log_proposal).astype(np.float64)))
        if not abs(cumulative[-1] - 1) < _TOLERANCE:
            raise ValueError("the samples' distribution does not sum to one")
        self._cumulative = cumulative

    def objective(self, inputs: mx.nd.NDArray, targets: mx.nd.NDArray, *state: mx.nd.NDArray) -> Arrays:
        """See LanguageModel; the samples follow from MXNet's random state."""
        log_proposal = self.log_proposal.data(inputs.context)
        points = mx.nd.random.uniform(shape=self._samples).asnumpy() * self._cumulative[-1]
        drawn = np.minimum(np.searchsorted(self._cumulative, points), len(self._cumulative) - 1)
        samples = mx.nd.array(drawn, ctx=inputs.context, dtype="int32")

        def output(states: mx.nd.NDArray, words: mx.nd.NDArray) -> mx.nd.NDArray:
            return self.sampled_output(states, words, samples, log_proposal)

        return self._predict(output, inputs, targets, *state)

    def multiplications(self) -> int:
        """See LanguageModel: those of training."""
        hidden = self.output.weight.shape[1]
        return self.lstm.multiplications() + (1 + self._samples) * hidden

    def train_perplexity(self, objective: float) -> None:
        """See LanguageModel: the objective is no likelihood."""
        return None


class SampledSoftmax(gluon.HybridBlock):
    """BlackOut's objective: states (N, H), targets (N,), samples (K,), log Q (V,); result (N,)."""

    def __init__(self, size: int, hidden: int, samples: int) -> None:
        super().__init__()
        self._size, self._hidden, self._samples = size, hidden, samples
        with self.name_scope():
            sparse: dict[str, Any] = dict(grad_stype="row_sparse")
            self.weight = self.params.get("weight", shape=(size, hidden), **sparse)
            self.bias = self.params.get("bias", shape=(size, 1), init="zeros", **sparse)

    def hybrid_forward(  # noqa: D102
        self, F: Any, states: Any, targets: Any, samples: Any, log_proposal: Any, weight: Any, bias: Any
    ) -> Any:
        words, settings = F.concat(targets, samples, dim=0), dict(input_dim=self._size, sparse_grad=True)
        vectors = F.Embedding(words, weight, output_dim=self._hidden, **settings)
        biases = F.reshape(F.Embedding(words, bias, output_dim=1, **settings), shape=-1)
        offsets = biases - F.take(log_proposal, words)  # exp(s) / Q = exp(s - log Q)
        of_targets, of_samples = dict(begin=0, end=-self._samples), dict(begin=-self._samples, end=None)
        target_logits = F.slice_axis(offsets, axis=0, **of_targets) + F.sum(
            states * F.slice_axis(vectors, axis=0, **of_targets), axis=1
        )
        sample_logits = F.FullyConnected(
            states, F.slice_axis(vectors, axis=0, **of_samples), F.slice_axis(offsets, axis=0, **of_samples),
            num_hidden=self._samples,
        )  # fmt: skip
        # A sample may happen to be the target.
        same = F.broadcast_equal(F.expand_dims(targets, 1), F.expand_dims(samples, 0))
        sample_logits = sample_logits + NEVER * F.cast(same, "float32")
        logits = F.concat(F.expand_dims(target_logits, 1), sample_logits, dim=1)
        # The reshaping keeps all as it is, but on a CPU log_softmax may crash on what concat hands over.
        # Rounding, of logits of hundreds, may take a share above one.
        logs = F.minimum(F.log_softmax(F.reshape(logits, shape=(0, 0))), 0)
        others = _LARGEST * F.exp(F.slice_axis(logs, axis=1, begin=1, end=None))
        target = F.reshape(F.slice_axis(logs, axis=1, begin=0, end=1), shape=-1)
        return -target - F.sum(F.log1p(-others), axis=1)
