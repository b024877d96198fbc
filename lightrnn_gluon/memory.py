"""About how much memory training takes, read off a network's symbolic graph: nothing is allocated."""

from dataclasses import dataclass

import mxnet as mx
import numpy as np

from lightrnn_gluon.config import NetworkConfig
from lightrnn_gluon.systems import new_network

_NUMBER_BYTES = 4
_STATES = {"adam": 2, "sgd": 0}  # what an optimizer keeps of each parameter
# Forward arrays, their gradients, and what the LSTM keeps for these. On a CPU 1.6 (full softmax) to 3.3 times
# the forward arrays were measured, batches of 32 to 256 rows compared.
_COPIES = 3


@dataclass(frozen=True)
class TrainingMemory:
    """Bytes: of parameters, gradients and the optimizer; and besides, of each row of a batch."""

    fixed: int
    row: int

    def with_rows(self, rows: int) -> int:
        """Bytes with so many rows a batch."""
        return self.fixed + rows * self.row

    def rows_in(self, size: float) -> int:
        """How many rows there is room for in so many bytes."""
        return max(0, int((size - self.fixed) / self.row))


def training_memory(config: NetworkConfig, words: int) -> TrainingMemory:
    """That of a network with so many words, rows being `sampler.length` words long.

    Raises ValueError where the model is none that has one symbolic graph.
    """
    net, length = new_network(config, words), config.sampler.length
    if not net.symbolic:
        raise ValueError(f"the model {config.model} has no symbolic graph")
    chunk = {"inputs": (length, 1), "targets": (length, 1)}
    state = {f"state{i}": (1, 1, config.hidden) for i in range(2 * config.layers)}
    shapes = chunk | state
    variables = [mx.sym.var(name, dtype="int32" if name in chunk else "float32") for name in shapes]
    graph = mx.sym.Group(list(net(*variables))).get_internals()
    _, found, _ = graph.infer_shape(**shapes)
    parameters = sum(int(np.prod(parameter.shape)) for parameter in net.trained().values())
    given = {*graph.list_arguments(), *graph.list_auxiliary_states()}
    made = sum(
        int(np.prod(shape))
        for name, shape in zip(graph.list_outputs(), found, strict=True)
        if name not in given
    )
    fixed = (2 + _STATES[config.optimizer]) * parameters
    return TrainingMemory(_NUMBER_BYTES * fixed, _NUMBER_BYTES * _COPIES * made)
