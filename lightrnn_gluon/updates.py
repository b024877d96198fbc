"""One update of a network's parameters after another: gradients, their clipping, the optimizer."""

import math
from collections.abc import Sequence

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

from lightrnn_gluon.config import NetworkConfig
from lightrnn_gluon.errors import Diverged, UserError
from lightrnn_gluon.likelihood import chunk_words
from lightrnn_gluon.models import LanguageModel
from lightrnn_gluon.sampling import Chunk
from lightrnn_gluon.workers import Workers

State = list[list[mx.nd.NDArray]]  # each device's

_DIVERGED = 100.0  # nats a token; guessing among 10 million words costs 16


class Updates:
    """What changes the parameters: each batch's rows are dealt out to the workers' devices.

    The gradient is that of the loss summed over time and averaged over a full batch's rows, wherever they
    are, and clipped by its global norm: the numbers of devices and of workers change nothing.
    """

    def __init__(
        self,
        net: LanguageModel,
        config: NetworkConfig,
        batch_size: int,
        devices: Sequence[mx.Context],
        workers: Workers,
        step: int,
        learning_rate: float,
    ) -> None:
        """Ready for what comes after so many steps.

        Raises UserError where there is no such optimizer, or workers cannot share the gradients.
        """
        self._net, self._clip, self._batch_size = net, config.clip, batch_size
        self.gradient_norm = math.nan  # of the last step, before clipping
        self._devices, self._workers = devices, workers
        self._parameters = list(net.trained().values())
        self._dense = [p for p in self._parameters if p._grad_stype == "default"]
        self._sparse = [p for p in self._parameters if p._grad_stype != "default"]
        if self._sparse and workers.number > 1:
            raise UserError(
                f"{config.system}: several workers cannot share gradients of single words, as the model "
                f"{config.model} has them: train it with one"
            )
        store = workers.store or ("device" if len(devices) > 1 else None)
        options = {"learning_rate": learning_rate, "begin_num_update": step}
        try:
            self._trainer = gluon.Trainer(
                self._parameters, config.optimizer, options, kvstore=store, update_on_kvstore=False
            )
        except ValueError as error:
            raise UserError(f"optimizer {config.optimizer!r}: say sgd or adam") from error
        if store is not None:
            # First of all, or a gradient may get ahead of its parameter, and be taken for it.
            self._trainer._init_kvstore()
            self._trainer._init_params()
            mx.nd.waitall()

    @property
    def learning_rate(self) -> float:
        """Of the next step."""
        return float(self._trainer.learning_rate)

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        self._trainer.set_learning_rate(rate)

    def step(self, chunk: Chunk, state: State, seed: int) -> tuple[State, list[mx.nd.NDArray], int]:
        """Update by a chunk.

        Gives the carried state, and of this worker's share the objective, (1,) nats a device, and the tokens.
        Raises Diverged, all parameters as they were, where the gradient is none.
        """
        workers, number = self._workers, len(self._devices)
        mx.random.seed(seed + workers.rank)
        shares = [
            chunk.share(workers.rank * number + place, workers.number * number) for place in range(number)
        ]
        with autograd.record():
            found = [
                self._forward(share, carried, device)
                for share, carried, device in zip(shares, state or [[]] * number, self._devices, strict=True)
            ]
            totals = [total for _, total in found]
            # By the full batch's rows, so that a ragged last batch takes no oversized step.
            losses = [total / self._batch_size for total in totals]
        autograd.backward(losses)
        self._trainer.allreduce_grads()
        # The optimizer divides by the clip: sparse gradients are read once, and stay sparse.
        self.gradient_norm = self._gradient_norm()
        self._trainer.update(max(1.0, self.gradient_norm / self._clip))
        return [carried for carried, _ in found], totals, sum(share.tokens for share in shares)

    def _forward(
        self, share: Chunk, state: list[mx.nd.NDArray], device: mx.Context
    ) -> tuple[list[mx.nd.NDArray], mx.nd.NDArray]:
        inputs, targets = chunk_words(share, device)
        mask = mx.nd.array(share.mask, ctx=device)
        state = self._net.begin(inputs[0]) if share.starts else [array.detach() for array in state]
        objective, *state = self._net.objective(inputs, targets, *state)
        return state, (objective * mask).sum()

    def _gradient_norm(self) -> float:
        device = self._devices[0]  # which has the sum of all devices' and workers'
        squares = [parameter.grad(device).norm() ** 2 for parameter in self._sparse]
        if self._dense:
            gradients = [parameter.grad(device) for parameter in self._dense]
            squares.append(mx.nd.multi_sum_sq(*gradients, num_arrays=len(gradients)).sum())
        with self._workers.waiting():
            norm = float(mx.nd.add_n(*squares).sqrt().asscalar())
        if not math.isfinite(norm):
            raise Diverged
        return norm

    def state(self) -> dict[str, np.ndarray]:
        """The optimizer's arrays by parameter and place (Adam: mean and variance; SGD: none)."""
        return {name: array.asnumpy() for name, array in self._arrays(0).items()}

    def set_state(self, values: dict[str, np.ndarray]) -> None:
        """Put back what `state` gave."""
        for place, updater in enumerate(self._trainer._updaters):
            for index, parameter in enumerate(self._parameters):
                weight = parameter.list_data()[place]
                updater.states[index] = updater.optimizer.create_state(index, weight)
                updater.states_synced[index] = True
            for name, array in self._arrays(place).items():
                array[:] = values[name]

    def _arrays(self, place: int) -> dict[str, mx.nd.NDArray]:
        states = self._trainer._updaters[place].states
        listed = {i: () if s is None else s if isinstance(s, tuple) else (s,) for i, s in states.items()}
        return {
            f"{index}/{slot}": array for index, state in listed.items() for slot, array in enumerate(state)
        }


class Objective:
    """What training minimises, over an epoch so far; read from the devices only when it is asked for."""

    def __init__(self, nats: float = 0.0, tokens: int = 0) -> None:
        self._unread: list[mx.nd.NDArray] = []
        self._nats, self._tokens = nats, tokens

    def add(self, totals: list[mx.nd.NDArray], tokens: int) -> None:
        """Count in a step's sums, nats, one from each device, over so many tokens."""
        self._unread += totals
        self._tokens += tokens

    def read(self) -> tuple[float, int]:
        """Nats, and tokens. Raises Diverged where there are too many nats."""
        for total in self._unread:  # one by one: the sum is the same, to the last bit, whenever it is read
            self._nats += float(total.asscalar())
        self._unread.clear()
        if not self._nats < _DIVERGED * max(self._tokens, 1):  # true of NaN too
            raise Diverged
        return self._nats, self._tokens
