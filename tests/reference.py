"""LightRNN and the full softmax in float64 numpy, one step at a time, from the paper's equations.

Nothing here knows of chunks, batches or masks added to logits: it is what the nets are held against.
"""

from itertools import pairwise

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class StepLSTM:
    """Stacked LSTM cells (Hochreiter & Schmidhuber 1997), gates in Gluon's order: i, f, g, o."""

    def __init__(self, arrays, prefix):
        self.layers = []
        for layer in range(sum(name.startswith(prefix) and name.endswith("i2h_weight") for name in arrays)):
            (start,) = {
                name.removesuffix("i2h_weight")
                for name in arrays
                if name.startswith(f"{prefix}layers.{layer}.") and name.endswith("i2h_weight")
            }
            self.layers.append(
                [arrays[start + part] for part in ("i2h_weight", "i2h_bias", "h2h_weight", "h2h_bias")]
            )
        size = self.layers[0][2].shape[1]
        self.state = [(np.zeros(size), np.zeros(size)) for _ in self.layers]

    def step(self, x):
        for layer, (w_x, b_x, w_h, b_h) in enumerate(self.layers):
            h, c = self.state[layer]
            i, f, g, o = np.split(w_x @ x + b_x + w_h @ h + b_h, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            x = sigmoid(o) * np.tanh(c)
            self.state[layer] = (x, c)
        return x


def log_softmax(logits):
    shifted = logits - logits.max()
    return shifted - np.log(np.exp(shifted).sum())


def float64(net):
    return {name: value.astype(np.float64) for name, value in net.values().items()}


def lightrnn_steps(net, words):
    """For each word after the first: log P over rows, and over columns of the word's own row."""
    arrays, table = float64(net), net.table
    lstm = StepLSTM(arrays, "encoder.lstm.")
    grid = table.words()
    x_row, x_column = arrays["encoder.row_input"], arrays["encoder.column_input"]
    lstm.step(x_row[table.row_of[words[0]]])
    for word, following in pairwise(words):
        h = lstm.step(x_column[table.column_of[word]])
        rows = log_softmax(arrays["output.row_weight"] @ h + arrays["output.row_bias"])
        row = table.row_of[following]
        h = lstm.step(x_row[row])
        logits = arrays["output.column_weight"] @ h + arrays["output.column_bias"]
        present = grid[row] >= 0
        columns = np.full(len(logits), -np.inf)
        columns[present] = log_softmax(logits[present])
        yield rows, columns


def lightrnn_nll(net, words):
    """(row, column) negative log-likelihoods, each (len(words) - 1,)."""
    table = net.table
    parts = [
        (-rows[table.row_of[word]], -columns[table.column_of[word]])
        for word, (rows, columns) in zip(words[1:], lightrnn_steps(net, words), strict=True)
    ]
    return np.array(parts).T


def full_softmax_nll(net, words):
    """Negative log-likelihoods (len(words) - 1,)."""
    arrays = float64(net)
    lstm = StepLSTM(arrays, "lstm.")
    result = []
    for word, following in pairwise(words):
        h = lstm.step(arrays["input"][word])
        result.append(-log_softmax(arrays["weight"] @ h + arrays["bias"])[following])
    return np.array(result)
