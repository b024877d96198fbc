"""What every network has in common: the interface, and the stacked LSTM."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import mxnet as mx
import numpy as np
from mxnet import gluon
from mxnet.gluon import nn

from lightrnn_gluon.errors import UserError

# Added to a logit whose outcome cannot be.
NEVER = -1e30
SPREAD = 0.1  # of parameters before training

Arrays = list[mx.nd.NDArray]
OutputLayer = Callable[[mx.nd.NDArray, mx.nd.NDArray], mx.nd.NDArray]


class LanguageModel(gluon.HybridBlock):
    """A network that reads words and gives each target's negative log-likelihood.

    Called as `nll, *state = net(inputs, targets, *state)` with int32 arrays (T, B), the words
    w[0..T-1] and w[1..T]; `nll` is float32 (T, B), in nats; `state` is a list of (1, B, H) arrays
    that the next chunk of the same text takes. No step sees what it must predict.

    The parts that its size is told by are `input`, `lstm` and `output`, by the parameters' names.
    """

    symbolic = False  # whether it is one graph of MXNet's operators, from words to what it gives

    def begin(self, words: mx.nd.NDArray) -> Arrays:
        """The fresh state, int32 (B,) first words w[0] given."""
        raise NotImplementedError

    def objective(self, inputs: mx.nd.NDArray, targets: mx.nd.NDArray, *state: mx.nd.NDArray) -> Arrays:
        """What training minimises, (T, B), and the new state; the negative log-likelihood where it can be."""
        return self(inputs, targets, *state)

    def train_perplexity(self, objective: float) -> float | None:
        """The training perplexity that a mean objective (nats a token) means, None where it means none."""
        return float(np.exp(objective))

    def initialize_from(self, seed: int, context: mx.Context | list[mx.Context]) -> None:
        """Draw all parameters uniformly from [-SPREAD, SPREAD], biases zero, as `seed` has it."""
        mx.random.seed(seed)
        self.initialize(mx.init.Uniform(SPREAD), ctx=context)

    def read_corpus(self, words: Sequence[str], ids: np.ndarray) -> None:
        """Fill the constants that follow from the vocabulary and the training text's ids, if any."""

    @property
    def table_integers(self) -> int:
        """How many integers the word table has: 0 where there is none to re-allocate."""
        return 0

    def multiplications(self) -> int:
        """How many multiplications one word costs going forward, in large matrix products alone."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise ValueError where constants that were put in contradict each other."""

    def trained(self) -> dict[str, gluon.Parameter]:
        """The parameters that training changes, by name."""
        return {name: p for name, p in self._named().items() if p.grad_req != "null"}

    def constants(self) -> dict[str, np.ndarray]:
        """What training leaves alone, by name, such as the table."""
        return {name: value_of(p) for name, p in self._named().items() if p.grad_req == "null"}

    def values(self) -> dict[str, np.ndarray]:
        """All that a saved model holds, by name: trained parameters, and constants such as the table."""
        return {name: value_of(p) for name, p in self._named().items()}

    def set_values(self, values: dict[str, np.ndarray]) -> None:
        """Put back what `values` gave. Raises UserError where it does not fit."""
        for name, parameter in self._named().items():
            if name not in values or values[name].shape != parameter.shape:
                raise UserError(f"the saved model does not fit its settings: {name} is missing or misshapen")
            parameter.set_data(mx.nd.array(values[name], dtype=values[name].dtype))
        try:
            self.check()
        except ValueError as error:
            raise UserError(f"the saved model is damaged: {error}") from error

    def parameter_count(self) -> int:
        """How many numbers are trained, embeddings and biases included; nothing is allocated."""
        return sum(self.parameter_parts().values())

    def parameter_parts(self) -> dict[str, int]:
        """The same by part: `input`, `lstm`, `output`; what two parts share counts with the first."""
        parts = dict.fromkeys(("input", "lstm", "output"), 0)
        for name, parameter in self.trained().items():
            (part,) = [part for part in parts if part in re.split(r"[._]", name)]
            parts[part] += int(np.prod(parameter.shape))
        return parts

    def _named(self) -> dict[str, gluon.Parameter]:
        """Each parameter and constant once, by its first name."""
        names: dict[int, str] = {}
        parameters = self._collect_params_with_prefix()
        for name, parameter in parameters.items():
            names.setdefault(id(parameter), name)
        return {name: parameters[name] for name in names.values()}


class WordModel(LanguageModel):
    """A model of whole words: vectors for the words read, a stacked LSTM, an output layer.

    `input` maps words (T, B) to vectors (T, B, E); `output` maps states (N, H) and targets (N,) to
    negative log-likelihoods (N,). Both say their own `multiplications()`.
    """

    def __init__(self, input: gluon.HybridBlock, lstm: "StackedLSTM", output: gluon.HybridBlock) -> None:
        super().__init__()
        self.input, self.lstm, self.output = input, lstm, output

    def begin(self, words: mx.nd.NDArray) -> Arrays:
        """A zero state: the first word is read with the first chunk."""
        return self.lstm.zero_state(len(words), words.context)

    def multiplications(self) -> int:
        """See LanguageModel."""
        return sum(part.multiplications() for part in (self.input, self.lstm, self.output))

    def forward(self, inputs: mx.nd.NDArray, targets: mx.nd.NDArray, *state: mx.nd.NDArray) -> Arrays:
        """See LanguageModel."""
        return self._predict(self.output, inputs, targets, *state)

    def _predict(
        self, output: OutputLayer, inputs: mx.nd.NDArray, targets: mx.nd.NDArray, *state: mx.nd.NDArray
    ) -> Arrays:
        states, *state = self.lstm(self.input(inputs), *state)
        return [output(states.reshape((-3, 0)), targets.reshape(-1)).reshape_like(inputs), *state]


class WordEmbedding(gluon.HybridBlock):
    """A vector a word, (V, E); only those of the words read have a gradient (row_sparse)."""

    def __init__(self, size: int, dimensions: int, sparse: bool = True) -> None:
        super().__init__()
        self._settings = dict(input_dim=size, output_dim=dimensions, sparse_grad=sparse)
        with self.name_scope():
            self.weight = self.params.get(
                "weight", shape=(size, dimensions), grad_stype="row_sparse" if sparse else "default"
            )

    def multiplications(self) -> int:
        """None: a vector is looked up."""
        return 0

    def hybrid_forward(self, F: Any, words: Any, weight: Any) -> Any:  # noqa: D102
        return F.Embedding(words, weight, **self._settings)


class StackedLSTM(gluon.HybridBlock):
    """Layers of LSTMs with dropout before, between and after them (Zaremba et al. 2014).

    One-layer LSTMs are stacked because MXNet's fused one of several layers silently drops nothing
    between them on a CPU. Called as `output, *state = lstm(inputs, *state)`, inputs (T, B, E),
    output (T, B, H), state h, c of each layer in turn, (1, B, H) each.
    """

    def __init__(self, layers: int, input_size: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self._hidden = hidden
        with self.name_scope():
            self.dropout = nn.Dropout(dropout)
            self.layers = nn.HybridSequential()
            for layer in range(layers):
                self.layers.add(LSTM(input_size if layer == 0 else hidden, hidden))

    def multiplications(self) -> int:
        """How many multiplications one step of one row costs."""
        return sum(int(np.prod(shape)) for layer in self.layers for shape in layer.matrices)

    def zero_state(self, batch: int, context: mx.Context) -> Arrays:
        """The state of `batch` rows that have read nothing."""
        return [mx.nd.zeros((1, batch, self._hidden), ctx=context) for _ in self.layers for _ in "hc"]

    def hybrid_forward(self, F: Any, inputs: Any, *state: Any) -> Any:  # noqa: D102
        output, new_state = self.dropout(inputs), []
        for layer, hidden, cell in zip(self.layers, state[::2], state[1::2], strict=True):
            output, *carried = layer(output, hidden, cell)
            output = self.dropout(output)
            new_state += carried
        return (output, *new_state)


class LSTM(gluon.HybridBlock):
    """One layer by MXNet's fused operator, which takes all parameters as one vector.

    They are kept so: matrices (4H, E) for inputs and (4H, H) for states, then a bias (4H,) for each, gates in
    the order input, forget, new, output. Gluon's own layer keeps them apart, and its copies of them into one
    vector and back take a sixth of LightRNN's training step.
    """

    def __init__(self, input_size: int, hidden: int) -> None:
        super().__init__()
        self._hidden = hidden
        self.matrices = (4 * hidden, input_size), (4 * hidden, hidden)
        size = sum(int(np.prod(shape)) for shape in self.matrices) + 2 * 4 * hidden
        with self.name_scope():
            self.weight = self.params.get("weight", shape=(size,), init=MatricesFirst(*self.matrices))

    def hybrid_forward(self, F: Any, inputs: Any, hidden: Any, cell: Any, weight: Any) -> Any:  # noqa: D102
        return F.RNN(
            inputs, weight, hidden, cell,
            mode="lstm", state_size=self._hidden, num_layers=1, state_outputs=True,
        )  # fmt: skip


class MatricesFirst(mx.init.Uniform):
    """Draws a vector that begins with matrices of these shapes, and is zero behind them."""

    def __init__(self, *shapes: tuple[int, ...]) -> None:
        super().__init__(SPREAD)
        self._shapes = shapes

    def _init_weight(self, name: str, array: mx.nd.NDArray) -> None:
        drawn = [mx.nd.random.uniform(-self.scale, self.scale, shape).reshape(-1) for shape in self._shapes]
        values = mx.nd.concat(*drawn, dim=0)
        array[:] = 0
        array[: len(values)] = values


def value_of(parameter: gluon.Parameter) -> np.ndarray:
    """A copy of its value, which is one on all devices."""
    return parameter.list_data()[0].asnumpy()


def absent_cells(size: int, rows: int, columns: int) -> np.ndarray | None:
    """What rules out the cells that a table of `size` words lacks: (1, columns) for its last row's logits.

    None where that row is full.
    """
    present = size - (rows - 1) * columns
    if present == columns:
        return None
    return np.where(np.arange(columns) < present, 0.0, NEVER).astype(np.float32)[None, :]


def pick_nll(F: Any, logits: Any, targets: Any) -> Any:
    """-log softmax(logits)[target]: logits (N, K), targets (N,), result (N,)."""
    return -F.pick(F.log_softmax(logits), targets)
