"""Small networks of every kind, with parameters that are far from zero, and how they score a text."""

import mxnet as mx
import numpy as np

from lightrnn_gluon.models import MODELS

CPU = mx.cpu()

# What is shown: (a name in MODELS, its options). The tails and classes are those of 7 words and more.
CASES = {
    "lightrnn": ("lightrnn", {}),
    "lightrnn by frequency": ("lightrnn", {"start": "frequency"}),
    "lightrnn by neighbours": ("lightrnn", {"start": "spectral"}),
    "lightrnn reads first columns": ("lightrnn", {"first_column": True}),
    "lightrnn with a code": ("lightrnn", {"start": "spectral", "codes": 1}),
    "lightrnn with three codes": ("lightrnn", {"codes": 3, "code_size": 2}),
    "lightrnn reads vectors of words": ("lightrnn", {"rank": 3}),
    "full softmax": ("full_softmax", {}),
    "full softmax tied": ("full_softmax", {"tied": True}),
    "hsm": ("hsm", {}),
    "hsm by frequency": ("hsm", {"classes": "frequency"}),
    "c_hsm": ("c_hsm", {"characters": 9, "longest": 9}),
    "blackout": ("blackout", {"samples": 12}),
    "adaptive softmax, one tail": ("adaptive_softmax", {"cutoffs": [4], "factor": 2}),
    "adaptive softmax, two tails": ("adaptive_softmax", {"cutoffs": [2, 5], "factor": 2}),
}


class Marks:
    """Of a vocabulary what a sampler needs: the ids of <S> and </S>."""

    start, end = 1, 2


def make_words(size):
    """Different words of 4 to 12 characters, not all of them ASCII."""
    letters = str.maketrans("0123", "abéc")
    return [np.base_repr(64 + i, base=4).translate(letters) + "東" * (i % 5 * 2) for i in range(size)]


def make_ids(size, count=600):
    """A training text in which small ids are frequent."""
    return np.minimum(np.random.RandomState(7).geometric(4 / (size + 3), count) - 1, size - 1)


def make_net(model="lightrnn", size=23, hidden=6, layers=1, dropout=0.0, spread=0.7, **options):
    net = MODELS[model](size, hidden, layers, dropout, **options)
    net.initialize_from(3, CPU)
    net.read_corpus(make_words(size), make_ids(size))
    generator = np.random.RandomState(5)
    for parameter in net.trained().values():
        # No wider than keeps sums over many inputs from saturating what follows.
        width = spread * min(1, 2.5 / np.sqrt(np.prod(parameter.shape[1:])))
        parameter.set_data(mx.nd.array(generator.uniform(-width, width, parameter.shape)))
    net.hybridize(static_alloc=True)
    return net


def make_case(case, **settings):
    model, options = CASES[case]
    return make_net(model, **settings, **options)


def words_nd(*rows):
    return mx.nd.array(np.array(rows), dtype="int32")


def column(words):
    """One text, (T, 1)."""
    return words_nd(*words).expand_dims(1)


def score(net, words, chunk):
    """Each word's NLL after the first, the text read in chunks with carried state."""
    state, result = net.begin(words_nd(words[0]).reshape(-1)), []
    for first in range(0, len(words) - 1, chunk):
        piece = words[first : first + chunk + 1]
        nll, *state = net(column(piece[:-1]), column(piece[1:]), *state)
        result.append(nll.asnumpy()[:, 0])
    return np.concatenate(result)
