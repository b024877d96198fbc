"""One of this package's networks in training on generated words: a piece of work is some steps.

Usage: .venv/bin/python reproduce/bench/ours.py MODEL --words V --hidden H ...; see stopwatch.py, rivals.py.
"""

from collections.abc import Callable

import click
import mxnet as mx
import numpy as np
from stopwatch import serve
from words import CLIP, DROPOUT, RATE, batch_words

from lightrnn_gluon.config import NetworkConfig
from lightrnn_gluon.models import MODELS
from lightrnn_gluon.sampling import Chunk
from lightrnn_gluon.systems import new_network
from lightrnn_gluon.updates import Updates
from lightrnn_gluon.workers import ALONE


@click.command()
@click.argument("model", type=click.Choice(list(MODELS)))
@click.option("--words", type=int, required=True)
@click.option("--hidden", type=int, required=True)
@click.option("--length", type=int, required=True, help="Words of a step.")
@click.option("--batch-size", type=int, required=True)
@click.option("--steps", type=int, required=True, help="Of a piece of work.")
def main(model: str, words: int, hidden: int, length: int, batch_size: int, steps: int) -> None:
    """Serve."""
    train = training(model, words, hidden, length, batch_size)

    def work() -> int:
        train(steps)
        return steps * length * batch_size

    serve(work)


def training(model: str, words: int, hidden: int, length: int, batch_size: int) -> Callable[[int], None]:
    """A new network in training: what makes as many steps as it is told, and waits until they are done."""
    options = {"classes": "frequency"} if model in ("hsm", "c_hsm") else {}
    config = NetworkConfig(
        system=model, model=model, hidden=hidden, layers=1, dropout=DROPOUT, options=options,
        optimizer="sgd", learning_rate=RATE, clip=CLIP, epochs=1,
    )  # fmt: skip
    net = new_network(config, words)
    net.initialize_from(1, mx.cpu())
    net.read_corpus([str(word) for word in range(words)], np.arange(words))
    net.hybridize(static_alloc=True)
    updates = Updates(net, config, batch_size, [mx.cpu()], ALONE, 0, RATE)
    batches = batch_words(words, length + 1, batch_size)
    positions = np.arange(length * batch_size).reshape(length, batch_size)

    def train(steps: int) -> None:
        for step in range(steps):
            batch = next(batches).astype(np.int32)
            chunk = Chunk(batch[:-1], batch[1:], positions, starts=True)
            updates.step(chunk, [], step)
        mx.nd.waitall()

    return train


if __name__ == "__main__":
    main()
