"""The negative log-likelihood that a network gives each token of a text."""

import mxnet as mx
import numpy as np

from lightrnn_gluon.models import LanguageModel
from lightrnn_gluon.sampling import Chunk, Sampler

Words = tuple[mx.nd.NDArray, mx.nd.NDArray]


def chunk_words(chunk: Chunk, context: mx.Context) -> Words:
    """The chunk's inputs and targets, int32 (T, B), on a device."""
    return (
        mx.nd.array(chunk.inputs, ctx=context, dtype="int32"),
        mx.nd.array(chunk.targets, ctx=context, dtype="int32"),
    )


def token_nll(net: LanguageModel, sampler: Sampler, tokens: int, context: mx.Context) -> np.ndarray:
    """Each token's negative log-likelihood in nats, float32 (tokens,), in corpus order."""
    result = np.full(tokens, np.nan, dtype=np.float32)
    state: list[mx.nd.NDArray] = []
    for chunk in sampler.epoch(None):
        inputs, targets = chunk_words(chunk, context)
        state = net.begin(inputs[0]) if chunk.starts else state
        nll, *state = net(inputs, targets, *state)
        inside = chunk.positions >= 0
        result[chunk.positions[inside]] = nll.asnumpy()[inside]
    return result
