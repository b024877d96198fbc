"""Text to ids: this package beside gluonnlp's CorpusDataset and Vocab, on the same generated file.

Usage: .venv/bin/python reproduce/bench/reading.py [--tokens N] [--words V] [--out DIR]

Both count the words, make a vocabulary, and turn the text to ids with it; a process each, in turn.
"""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import gluonnlp
import numpy as np
from alone import ONE_THREAD, RESULTS, publish
from stopwatch import TURNS, Worker, compared, in_turn, serve
from words import batch_words

from lightrnn_gluon.cli import run_command
from lightrnn_gluon.corpus import CorpusConfig, prepare
from lightrnn_gluon.environment import environment
from lightrnn_gluon.files import write_json
from lightrnn_gluon.report.formatting import Column, Record, Table, show_bytes, show_integer
from lightrnn_gluon.sources import find_source

_LENGTH = 24  # words of a sentence, which ends with a token more
_BLOCK = 10_000  # sentences
_MIN_COUNT = 3
_COLUMNS = [
    Column("system", "System", str),
    Column("tokens_per_second", "Tokens/s", show_integer),
    Column("ratio", "This package is so many times as fast", "{:,.2f}".format),
    Column("peak_bytes", "Peak memory", show_bytes),
]


@click.command()
@click.option("--tokens", default=30_000_000, show_default=True, help="Length of the text.")
@click.option("--words", default=100_000, show_default=True, help="Different words that it draws from.")
@click.option("--out", type=click.Path(path_type=Path), default=RESULTS, help="Where the table goes.")
@click.option("--measure", nargs=2, hidden=True)
def main(tokens: int, words: int, out: Path, measure: tuple[str, str] | None) -> None:
    """Measure, and write the table."""
    if measure:
        name, folder = measure
        serve(lambda: _SYSTEMS[name](Path(folder)))
        return
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out) as directory, ExitStack() as stack:
        _write_text(Path(directory), tokens, words)
        command = [sys.executable, __file__, "--measure"]
        running = {
            name: stack.enter_context(Worker([*command, name, directory], ONE_THREAD)) for name in _SYSTEMS
        }
        turns = in_turn(running)
    records: list[Record] = [
        {"system": name, "tokens_per_second": each["rate"], **each} for name, each in compared(turns).items()
    ]
    about = environment()
    write_json(out / "reading.json", {"tokens": tokens, "words": words, "turns": turns, "environment": about})
    protocol = (
        f"{tokens:,} tokens, drawn from {words:,} words by Zipf's law, to a vocabulary and ids; medians of "
        f"{TURNS} turns of each in turn with the other. Measured at {about['commit']}."
    )
    table = Table("Reading a text", protocol, _COLUMNS, records, _NOTES)
    publish(table, out, "reading")


_NOTES = [
    "This package: vocabulary and ids end in files, in blocks, whatever the text's size. gluonnlp: "
    "sentences, and then their ids, as lists in memory. Peak memory: of the process, libraries included.",
]


def _write_text(folder: Path, tokens: int, words: int) -> None:
    """A corpus: the text is train.txt; valid.txt and test.txt are a sentence each."""
    names = np.array([f"w{word:x}" for word in range(words)])
    blocks = batch_words(words, _BLOCK, _LENGTH)
    with (folder / "train.txt").open("w", encoding="utf-8") as stream:
        for _ in range(0, tokens, _BLOCK * (_LENGTH + 1)):
            stream.writelines(" ".join(sentence) + "\n" for sentence in names[next(blocks)])
    for split in ("valid", "test"):
        (folder / f"{split}.txt").write_text("w0 w1\n", encoding="utf-8")


def _ours(folder: Path) -> int:
    with TemporaryDirectory(dir=folder) as directory:
        corpus = prepare(find_source(folder), Path(directory), CorpusConfig(_MIN_COUNT))
        return int(corpus.facts["train"]["tokens"])


def _gluonnlp(folder: Path) -> int:
    sentences = gluonnlp.data.CorpusDataset(str(folder / "train.txt"), eos="</S>", tokenizer=str.split)
    counter = gluonnlp.data.count_tokens(word for sentence in sentences for word in sentence)
    vocabulary = gluonnlp.Vocab(counter, min_freq=_MIN_COUNT, eos_token="</S>")
    return len(np.array([i for sentence in sentences for i in vocabulary[sentence]], dtype=np.int32))


_SYSTEMS: dict[str, Callable[[Path], int]] = {"this package": _ours, "gluonnlp": _gluonnlp}


if __name__ == "__main__":
    run_command(main)
