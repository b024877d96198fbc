"""Every network in float64 numpy, one step at a time, from the papers' equations.

Nothing here knows of chunks, batches, blocks or masks added to logits: it is what the nets are held
against.
"""

from itertools import pairwise

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class StepLSTM:
    """Stacked LSTM cells (Hochreiter & Schmidhuber 1997), gates in Gluon's order: i, f, g, o."""

    def __init__(self, lstm):
        self.layers = []
        for layer in lstm.layers:
            numbers = layer.weight.data().asnumpy().astype(np.float64)
            (w_x, w_h), size = layer.matrices, layer.matrices[1][1]
            ends = np.cumsum([np.prod(w_x), np.prod(w_h), 4 * size])
            x, h, b_x, b_h = np.split(numbers, ends)
            self.layers.append((x.reshape(w_x), b_x, h.reshape(w_h), b_h))
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
    lstm = StepLSTM(net.encoder.lstm)
    grid = table.words()
    x_row, second = arrays["encoder.row_input"], second_input(arrays, table)
    lstm.step(x_row[table.row_of[words[0]]])
    for word, following in pairwise(words):
        h = lstm.step(second(word))
        rows = log_softmax(arrays["output.row_weight"] @ h + arrays["output.row_bias"])
        row = table.row_of[following]
        h = lstm.step(x_row[row])
        logits = arrays["output.column_weight"] @ h + arrays["output.column_bias"]
        present = grid[row] >= 0
        if "output.word_bias" in arrays:
            for column, word in enumerate(grid[row][present]):  # the cells that are missing are the last
                logits[column] += second(word) @ h + arrays["output.word_bias"][word]
        columns = np.full(len(logits), -np.inf)
        columns[present] = log_softmax(logits[present])
        yield rows, columns


def second_input(arrays, table):
    """What the LSTM reads of a word after its row: its column now or at first, its codes' sum, or its own."""
    prefix = "encoder.second."
    if f"{prefix}code_input" in arrays:
        code_of = arrays[f"{prefix}code_of"].astype(int)
        return lambda word: sum(arrays[f"{prefix}code_input"][code] for code in code_of[word])
    if f"{prefix}word_input" in arrays:
        return lambda word: arrays[f"{prefix}widening_input"] @ arrays[f"{prefix}word_input"][word]
    column_of = arrays.get(f"{prefix}first_column_of", table.column_of).astype(int)
    return lambda word: arrays[f"{prefix}column_input"][column_of[word]]


def lightrnn_nll(net, words):
    """(row, column) negative log-likelihoods, each (len(words) - 1,)."""
    table = net.table
    parts = [
        (-rows[table.row_of[word]], -columns[table.column_of[word]])
        for word, (rows, columns) in zip(words[1:], lightrnn_steps(net, words), strict=True)
    ]
    return np.array(parts).T


def embedding(arrays):
    """What the LSTM reads of a word: its own vector."""
    return lambda word: arrays["input.weight"][word]


def character_reader(arrays):
    """The same made from its characters and many paddings (Kim et al. 2016, sections 2.2 and 2.3)."""
    vectors = arrays["input.vectors.weight"]
    banks = [name for name in arrays if name.startswith("input.convolution.") and name.endswith(".weight")]
    spelling, known = arrays["input.spelling"].astype(int), {}

    def read(word):
        if word not in known:
            known[word] = highway(np.concatenate([convolve(name, spelling[word]) for name in banks]))
        return known[word]

    def convolve(name, characters):
        filters, biases = arrays[name], arrays[name.replace("weight", "bias")]
        number, _, width = filters.shape
        windows = (characters[first : first + width] for first in range(len(characters) - width + 1))
        features = [filters.reshape(number, -1) @ vectors[window].T.ravel() + biases for window in windows]
        return np.max(np.tanh(features), axis=0)

    def highway(y):
        weights, biases = (np.split(arrays[f"input.highway.hnet.0.{end}"], 2) for end in ("weight", "bias"))
        gate = sigmoid(weights[1] @ y + biases[1])
        return gate * np.maximum(weights[0] @ y + biases[0], 0) + (1 - gate) * y

    return read


def full_softmax(arrays):
    """log P over the vocabulary, given the state."""
    weight = arrays.get("output.weight", arrays["input.weight"])  # none of its own: tied
    return lambda h: log_softmax(weight @ h + arrays["output.bias"].ravel())


def class_members(arrays):
    """Each class's words, by their places."""
    size, places = len(arrays["output.cell_of"]), arrays["output.word_softmax.bias"].shape[1]
    by_cell = sorted(range(size), key=lambda word: arrays["output.cell_of"][word])
    return [by_cell[first : first + places] for first in range(0, size, places)]


def class_softmax(arrays):
    """log P(class) + log P(word | class), the latter over the class's members (Goodman 2001)."""
    members, part = class_members(arrays), "output.word_softmax."

    def predict(h):
        classes = arrays["output.class_softmax.weight"] @ h + arrays["output.class_softmax.bias"].ravel()
        result = np.empty(len(arrays["output.cell_of"]))
        for number, words in enumerate(members):
            vectors = arrays[f"{part}weight"][number].reshape(-1, len(h))[: len(words)]
            logits = vectors @ h + arrays[f"{part}bias"][number, : len(words)]
            result[words] = log_softmax(classes)[number] + log_softmax(logits)
        return result

    return predict


def adaptive_softmax(arrays):
    """The head's words, then each tail's: log P(tail) + log P(word | tail) (Grave et al. 2017)."""
    tails = sorted({name.split(".")[2] for name in arrays if name.startswith("output.tails.")}, key=int)

    def layer(name, x):
        return log_softmax(arrays[f"{name}.weight"] @ x + arrays[f"{name}.bias"].ravel())

    def predict(h):
        head = layer("output.head", h)
        frequent = len(head) - len(tails)
        parts = [head[:frequent]]
        for number, tail in enumerate(tails):
            projected = arrays[f"output.tails.{tail}.projection"] @ h
            parts.append(head[frequent + number] + layer(f"output.tails.{tail}.softmax", projected))
        return np.concatenate(parts)

    return predict


# How each model of whole words reads and predicts them.
WORD_MODELS = {
    "FullSoftmax": (embedding, full_softmax),
    "BlackOut": (embedding, full_softmax),
    "HSM": (embedding, class_softmax),
    "CHSM": (character_reader, class_softmax),
    "AdaptiveSoftmax": (embedding, adaptive_softmax),
}


def word_model_steps(net, words):
    """For each word after the first: log P over the vocabulary."""
    arrays = float64(net)
    read, predict = (part(arrays) for part in WORD_MODELS[type(net).__name__])
    lstm = StepLSTM(net.lstm)
    for word in words[:-1]:
        yield predict(lstm.step(read(word)))


def reference_nll(net, words):
    """Negative log-likelihoods (len(words) - 1,), whatever the model is."""
    if type(net).__name__ == "LightRNN":
        return lightrnn_nll(net, words).sum(axis=0)
    steps = zip(words[1:], word_model_steps(net, words), strict=True)
    return np.array([-log_probabilities[word] for word, log_probabilities in steps])
