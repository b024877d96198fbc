"""The full-embedding baseline: the same LSTM with a vector a word and a full softmax."""

from typing import Any

import mxnet as mx

from lightrnn_gluon.models.base import Arrays, LanguageModel, StackedLSTM, pick_nll


class FullSoftmax(LanguageModel):
    """The standard recurrent language model (Mikolov 2010; LSTM as in Zaremba et al. 2014)."""

    def __init__(self, vocabulary_size: int, hidden: int, layers: int, dropout: float) -> None:
        super().__init__()
        self._size = vocabulary_size
        with self.name_scope():
            self.lstm = StackedLSTM(layers, hidden, hidden, dropout)
            self.input = self.params.get("input", shape=(vocabulary_size, hidden))
            self.weight = self.params.get("weight", shape=(vocabulary_size, hidden))
            self.bias = self.params.get("bias", shape=(vocabulary_size,), init="zeros")

    def begin(self, words: mx.nd.NDArray) -> Arrays:
        """A zero state: the first word is read with the first chunk."""
        return self.lstm.zero_state(len(words), words.context)

    def multiplications(self) -> int:
        """See LanguageModel."""
        return self.lstm.multiplications() + self.weight.shape[0] * self.weight.shape[1]

    def hybrid_forward(  # noqa: D102
        self, F: Any, inputs: Any, targets: Any, *state: Any, input: Any, weight: Any, bias: Any
    ) -> Any:
        output, *state = self.lstm(F.take(input, inputs), *state)
        logits = F.FullyConnected(
            F.reshape(output, shape=(-3, 0)), weight, bias, num_hidden=self._size
        )
        nll = pick_nll(F, logits, F.reshape(targets, shape=-1))
        return (F.reshape_like(nll, inputs), *state)
