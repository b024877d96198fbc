"""Trained networks in numpy, a word at a time: the same functions as lightrnn_gluon.models, dropout aside.

All arrays of numbers are float32. B texts are read side by side; a network never changes what it is given.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lightrnn_gluon.checkpoint import Arrays
from lightrnn_gluon.table import WordTable

NOTHING = -1  # in the place of a word: none has been read yet
_ROWS_AT_A_TIME = 32


@dataclass(frozen=True)
class Reading:
    """Where B texts are: what the LSTM remembers of them, and the word that was read last.

    Attributes:
        hidden, cell: (layers, B, H).
        last: integers (B,), NOTHING where a text has not begun.
    """

    hidden: np.ndarray
    cell: np.ndarray
    last: np.ndarray

    def of(self, texts: np.ndarray) -> "Reading":
        """Of these texts alone, by their places; of one as often as it is named."""
        return Reading(self.hidden[:, texts], self.cell[:, texts], self.last[texts])


class Network(Protocol):
    """What a scorer needs."""

    def begin(self, words: np.ndarray) -> Reading:
        """Texts that begin with these words, integers (B,); NOTHING: with none."""

    def read(self, reading: Reading, words: np.ndarray) -> tuple[np.ndarray, Reading]:
        """The logarithm (nats) of each word's probability, (B,), and where the texts are after it."""

    def distribution(self, reading: Reading) -> np.ndarray:
        """The logarithms (nats) of all words' probabilities after one text, (V,)."""

    def best(self, reading: Reading, number: int) -> tuple[np.ndarray, np.ndarray]:
        """So many of the most probable words after one text, in order, and their logarithms (nats)."""

    def vectors(self) -> np.ndarray:
        """What is read for each word, (V, size)."""


def number_of_layers(arrays: Arrays) -> int:
    """How many LSTMs are stacked in a network of the arrays that export.runtime_arrays gives."""
    return sum(name.startswith("lstm.") and name.endswith(".bias") for name in arrays)


class LSTM:
    """Stacked layers (Hochreiter and Schmidhuber 1997); gates in the order input, forget, new, output."""

    def __init__(self, arrays: Arrays) -> None:
        """Of arrays `lstm.N.inputs` (4H, E), `lstm.N.states` (4H, H) and `lstm.N.bias` (4H,)."""
        self._layers = [
            tuple(arrays[f"lstm.{layer}.{part}"] for part in ("inputs", "states", "bias"))
            for layer in range(number_of_layers(arrays))
        ]
        self.hidden = self._layers[0][1].shape[1]

    def begin(self, words: np.ndarray) -> Reading:
        """A zero state."""
        zero = np.zeros((len(self._layers), len(words), self.hidden), np.float32)
        return Reading(zero, zero, words)

    def step(self, reading: Reading, vectors: np.ndarray) -> Reading:
        """After one more vector each, (B, E); the last layer's hidden state is what predicts."""
        hidden, cell, below = reading.hidden.copy(), reading.cell.copy(), vectors
        for layer, (inputs, states, bias) in enumerate(self._layers):
            gates = below @ inputs.T + hidden[layer] @ states.T + bias
            enter, forget, new, leave = np.split(gates, 4, axis=1)
            cell[layer] = _sigmoid(forget) * cell[layer] + _sigmoid(enter) * np.tanh(new)
            below = hidden[layer] = _sigmoid(leave) * np.tanh(cell[layer])
        return Reading(hidden, cell, reading.last)


class LightRNN:
    """See models.lightrnn and models.table_output: P(w) = P(row of w) P(w | its row)."""

    def __init__(self, arrays: Arrays) -> None:
        """Of the arrays that export.runtime_arrays gives."""
        self._lstm, self._arrays = LSTM(arrays), arrays
        self._row_of, self._column_of = arrays["row_of"], arrays["column_of"]
        self._word_in = WordTable.of_places(self._row_of, self._column_of).words()

    def begin(self, words: np.ndarray) -> Reading:
        """See Network."""
        reading = self._lstm.begin(words)
        return reading if (words == NOTHING).all() else self._enter_rows(reading, self._row_of[words])

    def read(self, reading: Reading, words: np.ndarray) -> tuple[np.ndarray, Reading]:
        """See Network."""
        reading, of_rows = self._rows(reading)
        rows, texts = self._row_of[words], np.arange(len(words))
        reading = self._enter_rows(reading, rows)
        of_words = self._words(reading, rows)
        logs = of_rows[texts, rows] + of_words[texts, self._column_of[words]]
        return logs, Reading(reading.hidden, reading.cell, words)

    def distribution(self, reading: Reading) -> np.ndarray:
        """See Network."""
        reading, of_rows = self._rows(reading)
        result = np.empty(len(self._row_of), np.float32)
        rows = np.arange(len(self._word_in))
        for first in range(0, len(rows), _ROWS_AT_A_TIME):
            some = rows[first : first + _ROWS_AT_A_TIME]
            words, logs = self._of_each_row(reading, of_rows[0], some)
            result[words] = logs
        return result

    def best(self, reading: Reading, number: int) -> tuple[np.ndarray, np.ndarray]:
        """See Network. No word is more probable than its row: the rest of the rows need not be looked at."""
        reading, of_rows = self._rows(reading)
        words, logs = np.zeros(0, np.int64), np.zeros(0, np.float32)
        order = np.argsort(-of_rows[0], kind="stable")
        for first in range(0, len(order), _ROWS_AT_A_TIME):
            if len(logs) == number and of_rows[0, order[first]] < logs[-1]:
                break
            some = order[first : first + _ROWS_AT_A_TIME]
            found, of_found = self._of_each_row(reading, of_rows[0], some)
            words, logs = np.append(words, found), np.append(logs, of_found)
            kept = np.argsort(-logs, kind="stable")[:number]
            words, logs = words[kept], logs[kept]
        return words, logs

    def vectors(self) -> np.ndarray:
        """See Network: a word's row's vector, and what its second step reads."""
        second = self._second(np.arange(len(self._row_of)))
        return np.hstack([self._arrays["input.rows"][self._row_of], second])

    def _rows(self, reading: Reading) -> tuple[Reading, np.ndarray]:
        """After the words' second vectors, and the logarithms of the rows' probabilities (B, rows)."""
        arrays = self._arrays
        if not (reading.last == NOTHING).all():
            reading = self._lstm.step(reading, self._second(reading.last))
        logits = reading.hidden[-1] @ arrays["output.rows"].T + arrays["output.row_bias"]
        return reading, _log_softmax(logits)

    def _second(self, words: np.ndarray) -> np.ndarray:
        """What the second of a word's two steps reads (B, E); see models.second_input."""
        arrays = self._arrays
        if "code_of" in arrays:
            return arrays["codes"][arrays["code_of"][words]].sum(axis=1)
        if "input.words" in arrays:
            return arrays["input.words"][words] @ arrays["input.widening"].T
        column_of = arrays.get("first_column_of", self._column_of)
        return arrays["input.columns"][column_of[words]]

    def _enter_rows(self, reading: Reading, rows: np.ndarray) -> Reading:
        return self._lstm.step(reading, self._arrays["input.rows"][rows])

    def _words(self, reading: Reading, rows: np.ndarray) -> np.ndarray:
        """The logarithms of the words' probabilities in the rows that were just read (B, columns)."""
        arrays, states = self._arrays, reading.hidden[-1]
        logits = states @ arrays["output.columns"].T + arrays["output.column_bias"]
        words = self._word_in[rows]
        if "code_of" in arrays:
            scores = states @ arrays["codes"].T
            texts = np.arange(len(rows))[:, None, None]
            logits = logits + scores[texts, arrays["code_of"][words]].sum(axis=2) + arrays["word_bias"][words]
        return _log_softmax(np.where(words == NOTHING, -np.inf, logits))

    def _of_each_row(
        self, reading: Reading, of_rows: np.ndarray, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """All words of these rows, row by row, and their logarithms, after one text."""
        entered = self._enter_rows(reading.of(np.zeros(len(rows), int)), rows)
        logs, words = of_rows[rows, None] + self._words(entered, rows), self._word_in[rows]
        present = words != NOTHING
        return words[present], logs[present]


class FullSoftmax:
    """See models.full_softmax."""

    def __init__(self, arrays: Arrays) -> None:
        """Of the arrays that export.runtime_arrays gives."""
        self._lstm, self._arrays = LSTM(arrays), arrays

    def begin(self, words: np.ndarray) -> Reading:
        """See Network."""
        return self._lstm.begin(words)

    def read(self, reading: Reading, words: np.ndarray) -> tuple[np.ndarray, Reading]:
        """See Network."""
        reading, logs = self._next(reading)
        return logs[np.arange(len(words)), words], Reading(reading.hidden, reading.cell, words)

    def distribution(self, reading: Reading) -> np.ndarray:
        """See Network."""
        return self._next(reading)[1][0]

    def best(self, reading: Reading, number: int) -> tuple[np.ndarray, np.ndarray]:
        """See Network."""
        logs = self.distribution(reading)
        words = np.argsort(-logs, kind="stable")[:number]
        return words, logs[words]

    def vectors(self) -> np.ndarray:
        """See Network."""
        return self._arrays["input"]

    def _next(self, reading: Reading) -> tuple[Reading, np.ndarray]:
        arrays = self._arrays
        if not (reading.last == NOTHING).all():
            reading = self._lstm.step(reading, arrays["input"][reading.last])
        output = arrays.get("output", arrays["input"])  # one for both where they are tied
        return reading, _log_softmax(reading.hidden[-1] @ output.T + arrays["output.bias"])


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * x))  # which overflows nowhere


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
