"""The full-embedding baseline: the same LSTM with a vector a word and a full softmax."""

from typing import Any

from mxnet import gluon

from lightrnn_gluon.models.base import StackedLSTM, WordEmbedding, WordModel, pick_nll


class FullSoftmax(WordModel):
    """The standard recurrent language model (Mikolov 2010; LSTM as in Zaremba et al. 2014).

    `tied`: input and output share their vectors (Press and Wolf 2017).
    """

    symbolic = True

    def __init__(
        self, vocabulary_size: int, hidden: int, layers: int, dropout: float, tied: bool = False
    ) -> None:
        # The tied vectors have a dense gradient, for the softmax gives every word's a part.
        embedding = WordEmbedding(vocabulary_size, hidden, sparse=not tied)
        super().__init__(
            embedding,
            StackedLSTM(layers, hidden, hidden, dropout),
            SoftmaxOutput(vocabulary_size, hidden, embedding.params if tied else None),
        )


class SoftmaxOutput(gluon.HybridBlock):
    """-log softmax(W h + b)[target]: states (N, H), targets (N,), result (N,).

    `shared` are the parameters of a block that has `weight` (and may have `bias`) in common with it.
    """

    def __init__(self, size: int, hidden: int, shared: gluon.ParameterDict | None = None) -> None:
        super().__init__(params=shared)
        self._size, self._hidden = size, hidden
        with self.name_scope():
            self.weight = self.params.get("weight", shape=(size, hidden))
            # A column, for a sampled objective looks biases up as it does vectors.
            self.bias = self.params.get("bias", shape=(size, 1), init="zeros")

    def multiplications(self) -> int:
        """How many multiplications one word costs."""
        return self._size * self._hidden

    def hybrid_forward(self, F: Any, states: Any, targets: Any, weight: Any, bias: Any) -> Any:  # noqa: D102
        logits = F.FullyConnected(states, weight, F.reshape(bias, shape=-1), num_hidden=self._size)
        return pick_nll(F, logits, targets)
