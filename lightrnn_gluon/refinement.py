"""Rounds of word re-allocation around training (the paper's "bootstrap", section 3.3)."""

import logging
import time

import mxnet as mx
import numpy as np

from lightrnn_gluon.allocation import allocate
from lightrnn_gluon.allocation.cost import ComponentSums
from lightrnn_gluon.likelihood import chunk_words
from lightrnn_gluon.models import LightRNN
from lightrnn_gluon.sampling import Sampler, evaluation_sampler
from lightrnn_gluon.table import WordTable
from lightrnn_gluon.training import Training

logger = logging.getLogger(__name__)

# Up to this many words the optimum by scipy takes no longer than a second.
_EXACT_WORDS = 1000


def refine(training: Training) -> None:
    """After an epoch named in `rounds_after`: move all words where the present parameters want them.

    The costs come from one pass over the training text with dropout off. What the round did is
    appended to the progress; its final perplexity is filled in by the epochs that follow.
    """
    progress, net = training.progress, training.net
    latest = progress.curve[-1]["valid_perplexity"]
    if progress.rounds:
        progress.rounds[-1]["valid_perplexity_end"] = latest
    if progress.epoch not in training.config.rounds_after:
        return
    assert isinstance(net, LightRNN), "rounds_after needs a model with a table"
    config, corpus = training.config, training.corpus
    reader = evaluation_sampler(config.sampler, corpus.ids("train"), corpus.vocabulary)
    allocate(*np.zeros((2, 4, 2), np.float32))  # compiles, once on a machine: no part of a round's time
    started = time.perf_counter()
    row_sums, column_sums = accumulate(net, reader, training.context)
    result = allocate(
        row_sums.costs(*net.output.row_vectors()),
        column_sums.costs(*net.output.column_vectors()),
        current=net.table.cells,
        method="exact" if len(net.table) <= _EXACT_WORDS else "auction",
    )
    assert result.initial_cost is not None and result.moved is not None
    net.set_table(WordTable(result.cells))
    seconds = time.perf_counter() - started
    progress.reallocation_seconds += seconds
    progress.train_seconds += seconds
    progress.plateau_valid = float("inf")  # the plateau before the move says nothing about the new table
    tokens = row_sums.counts.sum()
    progress.rounds.append(
        {
            "epoch": progress.epoch,
            "valid_perplexity_before": latest,
            "valid_perplexity_after": training.valid_perplexity(),
            "valid_perplexity_end": latest,
            "moved_share": result.moved,
            "cost_before_nats_per_token": result.initial_cost / tokens,
            "cost_after_nats_per_token": result.cost / tokens,
            "bound_nats_per_token": result.lower_bound / tokens,
            "seconds": seconds,
        }
    )
    logger.info(
        "%s: round %d: %.1f %% of the words moved, cost %.4f -> %.4f nats a token (bound %.4f), "
        "validation perplexity %.1f -> %.1f, %.1f s",
        training.config.system, len(progress.rounds), 100 * result.moved, result.initial_cost / tokens,
        result.cost / tokens, result.lower_bound / tokens, latest,
        progress.rounds[-1]["valid_perplexity_after"], seconds,
    )  # fmt: skip


def accumulate(
    net: LightRNN, sampler: Sampler, context: mx.Context
) -> tuple[ComponentSums, ComponentSums]:
    """The sums for rows and for columns over all targets of a text, by one pass without dropout."""
    size, hidden = len(net.table), net.output.row_weight.shape[1]
    sums = ComponentSums(size, hidden), ComponentSums(size, hidden)
    vectors = net.output.row_vectors(), net.output.column_vectors()
    state: list[mx.nd.NDArray] = []
    for chunk in sampler.epoch(None):
        inputs, targets = chunk_words(chunk, context)
        state = net.begin(inputs[0]) if chunk.starts else state
        after_column, after_row, _, _, *state = net.encoder(inputs, targets, *state)
        inside = chunk.positions >= 0
        for component, states, (weight, bias) in zip(sums, (after_column, after_row), vectors, strict=True):
            component.add(chunk.targets[inside], states.asnumpy()[inside], weight, bias)
    return sums
