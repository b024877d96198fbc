"""C-HSM of the paper's tables: words are read by their characters (Kim et al. 2016), predicted by classes."""

from collections import Counter
from collections.abc import Sequence

import mxnet as mx
import numpy as np
from gluonnlp.model import Highway
from mxnet import gluon
from mxnet.gluon import nn

from lightrnn_gluon.models.base import StackedLSTM, WordModel
from lightrnn_gluon.models.hsm import ClassOutput
from lightrnn_gluon.word_vectors import TrainingText

# Kim et al.'s small model: a filter bank for each width.
_WIDTHS = (1, 2, 3, 4, 5, 6)
_FILTERS_PER_WIDTH = 25
_DIMENSIONS = 15
# The first characters' numbers: behind a word's end; its begin and end; any rare character.
_PADDING, _BEGIN, _END, _RARE = range(4)


class CHSM(WordModel):
    """A character convolution with a highway layer to read words, an LSTM, classes to predict them.

    `characters`: how many have a vector, the four marks included, the rest being one rare character;
    `longest`: characters of a word that are read, its two marks included; `classes`: see HSM.
    """

    def __init__(
        self,
        vocabulary_size: int, hidden: int, layers: int, dropout: float,
        characters: int = 256, longest: int = 40, classes: str = "similarity",
    ) -> None:  # fmt: skip
        if characters <= _RARE or longest <= 2:
            raise ValueError(f"characters must be above {_RARE}, and longest above 2")
        reader = CharacterReader(vocabulary_size, characters, longest)
        super().__init__(
            reader,
            StackedLSTM(layers, reader.dimensions, hidden, dropout),
            ClassOutput(vocabulary_size, hidden, classes),
        )

    def read_corpus(self, words: Sequence[str], ids: np.ndarray) -> None:
        """Spell the words, and make the classes."""
        self.input.spell(words)
        self.output.make_classes(TrainingText(words, ids))

    def check(self) -> None:
        """See LanguageModel: each word must have a place of its own."""
        self.output.check()


class CharacterReader(gluon.HybridBlock):
    """Words (T, B) to vectors (T, B, E), from their spellings; each word of a chunk is read once."""

    def __init__(self, size: int, characters: int, longest: int) -> None:
        super().__init__()
        filters = [_FILTERS_PER_WIDTH * width for width in _WIDTHS]
        self.dimensions = sum(filters)
        self._characters, self._longest = characters, longest
        with self.name_scope():
            # Behind a word stand as many paddings as the widest filter sees: what is behind those
            # changes no maximum over time.
            self.spelling = self.params.get(
                "spelling", shape=(size, longest + _WIDTHS[-1]), dtype="int32", init="zeros", grad_req="null"
            )
            self.vectors = nn.Embedding(characters, _DIMENSIONS)
            self.convolution = gluon.contrib.nn.HybridConcurrent(axis=1)
            for width, channels in zip(_WIDTHS, filters, strict=True):
                bank = nn.HybridSequential()
                bank.add(nn.Conv1D(channels, width, in_channels=_DIMENSIONS, activation="tanh"))
                # Pooling has one of several equal places take the gradient (`max` gives it to each,
                # and so do gluonnlp's filters), and padded places are equal.
                bank.add(nn.GlobalMaxPool1D(), nn.Flatten())
                self.convolution.add(bank)
            self.highway = Highway(self.dimensions, num_layers=1)

    def multiplications(self) -> int:
        """How many multiplications one word of 12 characters (with its marks and padding) costs, if read."""
        filters = sum(_FILTERS_PER_WIDTH * width * width for width in _WIDTHS)
        return 12 * filters * _DIMENSIONS + 2 * self.dimensions**2

    def spell(self, words: Sequence[str]) -> None:
        """Fill in the spellings; characters are numbered by how many words they occur in."""
        occurrences = Counter(character for word in words for character in sorted(set(word)))
        common = occurrences.most_common(self._characters - _RARE - 1)
        numbers = {character: i for i, (character, _) in enumerate(common, start=_RARE + 1)}
        spelling = np.full(self.spelling.shape, _PADDING, np.int32)
        for row, word in zip(spelling, words, strict=True):
            known = [numbers.get(character, _RARE) for character in word[: self._longest - 2]]
            row[: len(known) + 2] = [_BEGIN, *known, _END]
        self.spelling.set_data(mx.nd.array(spelling, dtype="int32"))

    def forward(self, words: mx.nd.NDArray) -> mx.nd.NDArray:
        """See WordModel."""
        context = words.context
        distinct, place = np.unique(words.asnumpy(), return_inverse=True)
        spelling = self.spelling.data(context).take(mx.nd.array(distinct, ctx=context, dtype="int32"))
        length = int((spelling.asnumpy() != _PADDING).sum(axis=1).max()) + _WIDTHS[-1]
        characters = self.vectors(spelling[:, :length]).swapaxes(1, 2)  # (words, dimensions, length)
        read = self.highway(self.convolution(characters))
        places = mx.nd.array(place.reshape(words.shape), ctx=context, dtype="int32")
        return read.take(places)
