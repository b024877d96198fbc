"""Trained systems behind one interface: what scores a text, whatever it is inside."""

import inspect
from collections.abc import Sequence
from typing import Any, Protocol

import mxnet as mx
import numpy as np
from scipy.optimize import minimize_scalar

from lightrnn_gluon.config import NetworkConfig
from lightrnn_gluon.corpus import Vocabulary
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.likelihood import token_nll
from lightrnn_gluon.models import MODELS, LanguageModel
from lightrnn_gluon.sampling import evaluation_sampler


class System(Protocol):
    """A language model that can be evaluated."""

    def token_nll(self, ids: np.ndarray) -> np.ndarray:
        """Each token's negative log-likelihood in nats, float32 (len(ids),), in order."""


class Network:
    """A neural network with its vocabulary and the sampler that it was trained with."""

    def __init__(
        self, net: LanguageModel, config: NetworkConfig, vocabulary: Vocabulary, context: mx.Context
    ) -> None:
        self._net, self._config, self._vocabulary, self._context = net, config, vocabulary, context

    def token_nll(self, ids: np.ndarray) -> np.ndarray:
        """See System."""
        sampler = evaluation_sampler(self._config.sampler, ids, self._vocabulary)
        return token_nll(self._net, sampler, len(ids), self._context)


class Interpolation:
    """A linear interpolation of two systems, word by word: P = weight P_1 + (1 - weight) P_2."""

    def __init__(self, members: Sequence[System], weight: float) -> None:
        self._first, self._second = members
        self._weight = weight

    def token_nll(self, ids: np.ndarray) -> np.ndarray:
        """See System."""
        return interpolate(self._first.token_nll(ids), self._second.token_nll(ids), self._weight)


def interpolate(first: np.ndarray, second: np.ndarray, weight: float) -> np.ndarray:
    """-log(weight exp(-first) + (1 - weight) exp(-second)), token by token, 0 < weight < 1."""
    return -np.logaddexp(np.log(weight) - first, np.log1p(-weight) - second)


def best_weight(first: np.ndarray, second: np.ndarray) -> float:
    """The weight of `first` with the least perplexity; the objective is convex, so it is the only one."""
    objective = lambda weight: interpolate(first, second, weight).mean(dtype=np.float64)  # noqa: E731
    return float(minimize_scalar(objective, bounds=(1e-4, 1 - 1e-4), method="bounded").x)


def new_network(config: NetworkConfig, vocabulary_size: int) -> LanguageModel:
    """The network that a configuration describes; nothing is allocated yet.

    Raises UserError where there is no model of that name, or it does not take the options.
    """
    if config.model not in MODELS:
        raise UserError(f"model {config.model!r} is none of {', '.join(MODELS)}")
    build = MODELS[config.model]
    try:
        _check_types(inspect.signature(build), config.options)
        net = build(vocabulary_size, config.hidden, config.layers, config.dropout, **config.options)
    except (TypeError, ValueError) as error:
        raise UserError(f"options of the model {config.model}: {error}") from error
    if config.rounds_after and not net.table_integers:
        raise UserError(f"rounds_after: the model {config.model} has no table to re-allocate")
    return net


# What YAML gives for an option, by the type of its default.
_GIVEN: dict[type, tuple[type, ...]] = {float: (int, float), tuple: (list, tuple)}


def _check_types(signature: inspect.Signature, options: dict[str, Any]) -> None:
    """Raise TypeError where an option's value, or one in its list, is of another type than its default."""
    for name in options.keys() & signature.parameters.keys():
        default, value = signature.parameters[name].default, options[name]
        if default is inspect.Parameter.empty:  # no option, and refused for that
            continue
        pairs = [(default, value)]
        if isinstance(default, tuple) and isinstance(value, list | tuple):
            pairs += [(default[0], each) for each in value]
        for expected, given in pairs:
            if type(given) not in _GIVEN.get(type(expected), (type(expected),)):
                raise TypeError(f"{name} is {value!r} and must be like {default!r}")


def network_size(config: NetworkConfig, words: int | None = None) -> dict[str, int]:
    """How many parameters the network has with so many words (None: the published model's), by part.

    Gives `words`, `input`, `lstm`, `output`, `parameters` (their sum) and `table_integers`. Raises
    UserError where nobody says how many words.
    """
    size = words or config.published_vocabulary
    if size is None:
        raise UserError(f"{config.system} says no published_vocabulary: give the number of words")
    net = new_network(config, size)
    parts = net.parameter_parts()
    return {
        "words": size, **parts, "parameters": sum(parts.values()), "table_integers": net.table_integers
    }  # fmt: skip
