"""What it costs that a run can be stopped and repeated: training beside training that takes no care.

Usage: .venv/bin/python reproduce/bench/safety.py [--sentences N] [--out DIR]

One LightRNN is trained on generated sentences for an epoch, over and over, in two processes on one thread
each that take turns. The careless one draws dropout's masks from wherever the generator is, writes what the
other writes, but neither checksums nor flushes it nor reads it back, and can be interrupted anywhere.
"""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import click
import mxnet as mx
from alone import ONE_THREAD, RESULTS, publish
from safetensors.numpy import load_file, save_file
from stopwatch import TURNS, Worker, compared, in_turn, serve
from words import CLIP, DROPOUT, batch_words

from lightrnn_gluon import progress, training
from lightrnn_gluon.checkpoint import Arrays
from lightrnn_gluon.cli import run_command
from lightrnn_gluon.config import NetworkConfig
from lightrnn_gluon.corpus import Corpus, CorpusConfig, prepare
from lightrnn_gluon.environment import environment
from lightrnn_gluon.files import write_json
from lightrnn_gluon.report.formatting import Column, Record, Table, show_integer
from lightrnn_gluon.sampling import SamplerConfig
from lightrnn_gluon.sources import find_source
from lightrnn_gluon.systems import new_network

# About as many words in an epoch, and in a sentence, as the stand-in has at the cpu scale.
_SENTENCES, _WORDS, _LENGTH, _ROWS = 12_800, 10_000, 32, 20
_COLUMNS = [
    Column("training", "Training", str),
    Column("words_per_second", "Words/s", show_integer),
    Column("cost_percent", "Costs, %", "{:.1f}".format),
]
_NOTES = [
    f"Sentences of {_LENGTH} words, drawn by Zipf's law of {_WORDS:,}; LightRNN, one layer of 200 units, "
    f"Adam, dropout {DROPOUT:g}, {_ROWS} rows. A turn is an epoch and all that a run saves: before, after "
    "it, and the best model; it evaluates, too.",
    "Costs: by so much would training be faster without. Careless: no seed for each step, no checksum, "
    "nothing flushed or read back, signals not held back within a step.",
]


@click.command()
@click.option("--sentences", default=_SENTENCES, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=RESULTS, help="Where the table goes.")
@click.option("--measure", nargs=2, hidden=True)
def main(sentences: int, out: Path, measure: tuple[str, str] | None) -> None:
    """Measure, and write the table."""
    if measure:
        name, folder = measure
        logging.disable()  # the answers alone are written
        serve(_epoch(Path(folder), _WAYS[name]))
        return
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out) as directory, ExitStack() as stack:
        _arrange(Path(directory), sentences)
        own = [sys.executable, __file__, "--measure"]
        running = {name: stack.enter_context(Worker([*own, name, directory], ONE_THREAD)) for name in _WAYS}
        turns = in_turn(running)
    about = environment()
    write_json(out / "safety.json", {"sentences": sentences, "turns": turns, "environment": about})
    records: list[Record] = [
        {
            "training": name,
            "words_per_second": each["rate"],
            "cost_percent": 100 * (1 - each["ratio"]),
        }
        for name, each in compared(turns).items()
    ]
    protocol = (
        f"Epochs of {sentences * (_LENGTH + 1):,} words; one thread a process; medians of {TURNS} turns "
        f"of each in turn with the other. Measured at {about['commit']}."
    )
    publish(Table("What care costs", protocol, _COLUMNS, records, _NOTES), out, "safety")


def _arrange(folder: Path, sentences: int) -> None:
    """A corpus of so many sentences to train on."""
    for split, number in (("train", sentences), ("valid", 100), ("test", 100)):
        drawn = next(batch_words(_WORDS, number, _LENGTH))
        lines = (" ".join(f"w{word}" for word in line) + "\n" for line in drawn)
        (folder / f"{split}.txt").write_text("".join(lines), encoding="utf-8")
    prepare(find_source(folder), folder / "corpus", CorpusConfig())


def _epoch(folder: Path, careless: bool) -> Callable[[], int]:
    """Training anew for an epoch: how many words it read."""
    corpus = Corpus(folder / "corpus")
    config = NetworkConfig(
        "LightRNN", model="lightrnn", hidden=200, layers=1, dropout=DROPOUT, optimizer="adam",
        learning_rate=0.004, clip=CLIP, epochs=1, sampler=SamplerConfig("sentences", _ROWS, 70),
    )  # fmt: skip

    def work() -> int:
        with TemporaryDirectory(dir=folder) as run, _without_care() if careless else nullcontext():
            net = new_network(config, len(corpus.vocabulary))
            training.Training(net, config, corpus, Path(run), [mx.cpu()]).run(lambda _: None)
        return len(corpus.ids("train"))

    return work


@contextmanager
def _without_care() -> Iterator[None]:
    def save(path: Path, arrays: Arrays, facts: dict[str, Any]) -> None:
        save_file(arrays, path)

    def load(path: Path) -> tuple[Arrays, dict[str, Any]]:
        return load_file(path), {}

    with (
        patch.object(mx.random, "seed", lambda seed: None),
        patch.object(training, "_derived_seed", lambda *_: 0),
        patch.object(training, "save_arrays", save),
        patch.object(training, "load_arrays", load),
        patch.object(training, "uninterrupted", nullcontext),
        patch.object(progress, "save_arrays", save),
    ):
        yield


_WAYS = {"as it is": False, "careless": True}


if __name__ == "__main__":
    run_command(main)
