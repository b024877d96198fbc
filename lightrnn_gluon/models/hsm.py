"""HSM of the paper's tables: a softmax over classes, then over a class's words (Goodman 2001)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import mxnet as mx
import numpy as np
from mxnet import gluon

from lightrnn_gluon.clusters import balanced_clusters
from lightrnn_gluon.models.base import (
    StackedLSTM,
    WordEmbedding,
    WordModel,
    absent_cells,
    pick_nll,
    value_of,
)
from lightrnn_gluon.models.full_softmax import SoftmaxOutput
from lightrnn_gluon.table import WordTable, table_shape
from lightrnn_gluon.word_vectors import TrainingText

# Tokens of one class that go through one matrix product.
_BLOCK = 16


class HSM(WordModel):
    """Vectors for all words, read and predicted; P(w | h) = P(class of w | h) P(w | class of w, h).

    `classes`: `similarity` (clusters of word vectors) or `frequency` (words of like rank).
    """

    def __init__(
        self, vocabulary_size: int, hidden: int, layers: int, dropout: float, classes: str = "similarity"
    ) -> None:
        super().__init__(
            WordEmbedding(vocabulary_size, hidden),
            StackedLSTM(layers, hidden, hidden, dropout),
            ClassOutput(vocabulary_size, hidden, classes),
        )

    def read_corpus(self, words: Sequence[str], ids: np.ndarray) -> None:
        """Make the classes."""
        self.output.make_classes(TrainingText(words, ids))

    def check(self) -> None:
        """See LanguageModel: each word must have a place of its own."""
        self.output.check()


class ClassOutput(gluon.HybridBlock):
    """-log P(class) P(word | class): about sqrt|V| classes of sqrt|V| words, all full but the last.

    Classes and places are a WordTable's rows and columns. The vectors of a class's words lie together,
    so that a step touches, and has gradients (row_sparse) for, the classes that occur in it; the
    places that the last class lacks have vectors too, which count as parameters and are never used.
    """

    def __init__(self, size: int, hidden: int, classes: str) -> None:
        super().__init__()
        if classes not in ("similarity", "frequency"):
            raise ValueError(f"classes {classes!r} is none of similarity, frequency")
        self._by_similarity = classes == "similarity"
        self._places, self._classes = table_shape(size)
        self._hidden = hidden
        with self.name_scope():
            self.class_softmax = SoftmaxOutput(self._classes, hidden)
            self.word_softmax = BlockSoftmax(size, self._classes, self._places, hidden)
            self.cell_of = self.params.get(
                "cell_of", shape=(size,), dtype="int32", init="zeros", grad_req="null"
            )

    def multiplications(self) -> int:
        """How many multiplications one word costs."""
        return (self._classes + self._places) * self._hidden

    def make_classes(self, text: TrainingText) -> None:
        """Sort the words into classes; all are full but the last.

        Words that the text does not have go where the others leave room: among words often met they would be
        trained down with each of these.
        """
        (size,) = self.cell_of.shape
        cells = np.arange(size)  # words are numbered by frequency
        if self._by_similarity and self._classes > 1:
            capacities = np.bincount(cells // self._places)
            vectors = np.where(text.seen[:, None] > 0, text.vectors, np.float32(0))
            classes = balanced_clusters(vectors, text.seen, capacities)
            cells[np.argsort(classes, kind="stable")] = np.arange(size)
        self.cell_of.set_data(mx.nd.array(cells, dtype="int32"))

    def check(self) -> None:
        """Raise ValueError unless each word has a place of its own."""
        WordTable(value_of(self.cell_of))

    def forward(self, states: mx.nd.NDArray, targets: mx.nd.NDArray) -> mx.nd.NDArray:
        """See WordModel."""
        context = states.context
        cells = self.cell_of.data(context).take(targets).asnumpy()
        classes, places = np.divmod(cells, self._places)
        blocks = _blocks_of(classes)
        integers = [classes, blocks.classes, blocks.tokens, places[blocks.tokens], blocks.slots]
        targets, *arrays = (mx.nd.array(a, ctx=context, dtype="int32") for a in integers)
        return self.class_softmax(states, targets) + self.word_softmax(states, *arrays)


class BlockSoftmax(gluon.HybridBlock):
    """-log P(word | class) for tokens that are gathered in blocks of one class each.

    Called with states (N, H), the blocks' classes (K,), their tokens and those's places (K * _BLOCK,),
    and each token's slot (N,); gives (N,).
    """

    def __init__(self, size: int, classes: int, places: int, hidden: int) -> None:
        super().__init__()
        self._weights = dict(input_dim=classes, output_dim=places * hidden, sparse_grad=True)
        self._biases = dict(input_dim=classes, output_dim=places, sparse_grad=True)
        self._shape = (-1, _BLOCK, hidden), (-1, places, hidden)
        self._last_class = classes - 1
        absent = absent_cells(size, classes, places)
        with self.name_scope():
            if absent is not None:
                self.absent = self.params.get_constant("absent", absent)
            sparse: dict[str, Any] = dict(grad_stype="row_sparse")
            self.weight = self.params.get("weight", shape=(classes, places * hidden), **sparse)
            self.bias = self.params.get("bias", shape=(classes, places), init="zeros", **sparse)

    def hybrid_forward(  # noqa: D102
        self, F: Any, states: Any, classes: Any, tokens: Any, places: Any, slots: Any,
        weight: Any, bias: Any, absent: Any = None,
    ) -> Any:  # fmt: skip
        rows = F.reshape(F.take(states, tokens), shape=self._shape[0])
        vectors = F.reshape(F.Embedding(classes, weight, **self._weights), shape=self._shape[1])
        logits = F.batch_dot(rows, vectors, transpose_b=True)
        biases = F.Embedding(classes, bias, **self._biases)
        if absent is not None:
            in_last_class = F.cast(classes == self._last_class, "float32")
            biases = biases + F.dot(F.expand_dims(in_last_class, 1), absent)
        logits = F.broadcast_add(logits, F.expand_dims(biases, 1))
        return F.take(pick_nll(F, F.reshape(logits, shape=(-3, 0)), places), slots)


class _Blocks(NamedTuple):
    """Tokens in blocks: K classes, K * _BLOCK tokens (0 where there is none), N slots."""

    classes: np.ndarray
    tokens: np.ndarray
    slots: np.ndarray


def _blocks_of(classes: np.ndarray) -> _Blocks:
    """Gather tokens of the same class (N,) into as many whole blocks as that takes."""
    order = np.argsort(classes, kind="stable")
    distinct, counts = np.unique(classes, return_counts=True)
    blocks = -(-counts // _BLOCK)
    ends = np.cumsum(blocks) * _BLOCK
    # A class's tokens stand one behind the other from where its first block begins.
    offsets = ends - blocks * _BLOCK - (np.cumsum(counts) - counts)
    slots, tokens = np.empty(len(classes), np.int32), np.zeros(ends[-1], np.int32)
    slots[order] = np.arange(len(classes)) + np.repeat(offsets, counts)
    tokens[slots] = np.arange(len(classes))
    return _Blocks(np.repeat(distinct, blocks), tokens, slots)
