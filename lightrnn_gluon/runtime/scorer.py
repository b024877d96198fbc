"""Scoring sentences and words, with the names and units of KenLM's Python module: log10 of spelled words."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lightrnn_gluon.errors import UserError
from lightrnn_gluon.runtime.model_file import load_model
from lightrnn_gluon.runtime.networks import NOTHING, Reading

_LOG10 = np.float64(np.log(10))


class FullScore(NamedTuple):
    """What is said of a word.

    Attributes:
        log_prob: the logarithm, base 10, of its probability.
        ngram_length: None: a recurrent network looks back to the beginning.
        oov: whether it is not in the vocabulary, and was scored as `<UNK>`.
    """

    log_prob: float
    ngram_length: None
    oov: bool


class State:
    """Where a sentence is: filled in by Model.BeginSentenceWrite, NullContextWrite and BaseScore."""

    reading: Reading


class Model:
    """A model that `lightrnn export` wrote."""

    def __init__(self, path: str | Path) -> None:
        """Raises UserError where there is no such file, or it is damaged."""
        self.path = Path(path)
        self._network, self.words, self.facts = load_model(self.path)
        special = {"<UNK>", "<S>", "</S>"}
        ids = {word: number for number, word in enumerate(self.words)}
        self._unknown, self._start, self._end = (ids[word] for word in ("<UNK>", "<S>", "</S>"))
        self._ids = {word: number for word, number in ids.items() if word not in special}

    def __contains__(self, word: str) -> bool:
        """Whether it is in the vocabulary."""
        return word in self._ids

    def number(self, word: str) -> int:
        """Its id; that of `<UNK>` where it is not in the vocabulary, `</S>` being the sentence's end."""
        return self._end if word == "</S>" else self._ids.get(word, self._unknown)

    def score(self, sentence: str, bos: bool = True, eos: bool = True) -> float:
        """The logarithm of a sentence's probability; its words stand between white space.

        Without `bos` nothing is known of what precedes it, not even that a sentence begins; without `eos`
        that it ends there does not count.
        """
        return float(sum(score.log_prob for score in self.full_scores(sentence, bos, eos)))

    def full_scores(self, sentence: str, bos: bool = True, eos: bool = True) -> Iterator[FullScore]:
        """The score of each word, and of the sentence's end."""
        words = sentence.split()
        (logs,) = self._logs([self._numbers(words, eos)], bos)
        for log, word in zip(logs, [*words, None], strict=False):
            yield FullScore(float(log), None, word is not None and word not in self)

    def perplexity(self, sentence: str) -> float:
        """Of one sentence, its end included."""
        return float(10 ** (-self.score(sentence) / (len(sentence.split()) + 1)))

    def score_all(self, sentences: Sequence[str], batch_size: int = 64) -> list[list[FullScore]]:
        """The full scores of many sentences, those of like length side by side."""
        words = [sentence.split() for sentence in sentences]
        order = sorted(range(len(words)), key=lambda place: len(words[place]))
        found: list[list[FullScore]] = [[] for _ in words]
        for first in range(0, len(order), batch_size):
            some = order[first : first + batch_size]
            logs = self._logs([self._numbers(words[place], True) for place in some], bos=True)
            for place, row in zip(some, logs, strict=True):
                unknown = [*(word not in self for word in words[place]), False]
                found[place] = [
                    FullScore(float(log), None, oov) for log, oov in zip(row, unknown, strict=True)
                ]
        return found

    def BeginSentenceWrite(self, state: State) -> None:
        """Put a state at a sentence's begin."""
        state.reading = self._network.begin(np.array([self._start]))

    def NullContextWrite(self, state: State) -> None:
        """Put a state where nothing has been read."""
        state.reading = self._network.begin(np.array([NOTHING]))

    def BaseScore(self, in_state: State, word: str, out_state: State) -> float:
        """The logarithm of a word's probability after a state; the state after it goes into the other one."""
        return self.BaseFullScore(in_state, word, out_state).log_prob

    def BaseFullScore(self, in_state: State, word: str, out_state: State) -> FullScore:
        """The same, with whether the word is known; `</S>` ends a sentence."""
        number = self.number(word)
        logs, out_state.reading = self._network.read(in_state.reading, np.array([number]))
        return FullScore(float(logs[0] / _LOG10), None, number == self._unknown)

    def next_words(self, state: State, number: int = 10) -> list[tuple[str, float]]:
        """So many of the most probable words after a state, the first the best, and their logarithms.

        They are found without a look at most others where a table's rows rule those out.
        """
        words, logs = self._network.best(state.reading, min(number, len(self.words)))
        return [(self.words[word], float(log / _LOG10)) for word, log in zip(words, logs, strict=True)]

    def neighbours(self, word: str, number: int = 10) -> list[tuple[str, float]]:
        """So many words that are read most like it, the first the most, and the cosine of their vectors.

        Raises UserError where the word is not in the vocabulary.
        """
        if word not in self:
            raise UserError(f"{word!r} is not in the vocabulary of {self.path}")
        vectors = self._network.vectors()
        vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        cosines = vectors @ vectors[self._ids[word]]
        others = [place for place in np.argsort(-cosines, kind="stable") if self.words[place] != word]
        return [(self.words[place], float(cosines[place])) for place in others[:number]]

    def draw(self, begin: Sequence[str], number: int, generator: np.random.Generator) -> list[str]:
        """A sentence of so many words at most that begins with some, drawn word by word."""
        reading, words = self._network.begin(np.array([self._start])), list(begin)
        for word in begin:
            _, reading = self._network.read(reading, np.array([self.number(word)]))
        while len(words) < number:
            chances = np.exp(self._network.distribution(reading).astype(np.float64))
            chances[[self._unknown, self._start]] = 0
            drawn = int(generator.choice(len(chances), p=chances / chances.sum()))
            if drawn == self._end:
                break
            words.append(self.words[drawn])
            _, reading = self._network.read(reading, np.array([drawn]))
        return words

    def _numbers(self, words: list[str], ends: bool) -> list[int]:
        return [*(self._ids.get(word, self._unknown) for word in words), *([self._end] if ends else [])]

    def _logs(self, sentences: list[list[int]], bos: bool) -> list[np.ndarray]:
        """The logarithms, base 10, of each sentence's words."""
        lengths = np.array([len(sentence) for sentence in sentences])
        words = np.full((len(sentences), max(lengths.max(), 1)), self._end)
        for row, sentence in zip(words, sentences, strict=True):
            row[: len(sentence)] = sentence
        reading = self._network.begin(np.full(len(sentences), self._start if bos else NOTHING))
        logs = np.zeros(words.shape)
        for place in range(lengths.max()):
            logs[:, place], reading = self._network.read(reading, words[:, place])
        return [row[:length] / _LOG10 for row, length in zip(logs, lengths, strict=True)]
