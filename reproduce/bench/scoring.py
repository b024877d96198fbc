"""Sentences scored a second: an exported LightRNN beside KenLM's `query` and a full softmax in PyTorch.

Usage: .venv/bin/python reproduce/bench/scoring.py [--torch PYTHON] [--out DIR]

All score the same generated sentences, a process each on one thread, in turn. Nets are not trained: they take
as long as if they were. The n-grams are estimated on ten times as much text of the same kind.
"""

import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import mxnet as mx
import numpy as np
from alone import ONE_THREAD, RESULTS, publish
from stopwatch import TURNS, Worker, compared, in_turn, serve
from words import BATCH_SIZE, batch_words

from lightrnn_gluon.cli import run_command
from lightrnn_gluon.config import NetworkConfig
from lightrnn_gluon.corpus import Vocabulary
from lightrnn_gluon.environment import environment
from lightrnn_gluon.export import runtime_arrays
from lightrnn_gluon.files import write_json
from lightrnn_gluon.ngram import estimate, find_tool
from lightrnn_gluon.report.formatting import Column, Record, Table, show_bytes, show_integer
from lightrnn_gluon.runtime.model_file import save_model
from lightrnn_gluon.runtime.scorer import Model
from lightrnn_gluon.systems import new_network

_BENCH = Path(__file__).resolve().parent
_HIDDEN, _LENGTH, _ORDER = 200, 24, 5
_COLUMNS = [
    Column("words", "Vocabulary", show_integer),
    Column("system", "System", str),
    Column("sentences_per_second", "Sentences/s", show_integer),
    Column("ratio", "LightRNN is so many times as fast", "{:,.2f}".format),
    Column("peak_bytes", "Peak memory", show_bytes),
]
_NOTES = [
    f"Sentences of {_LENGTH} words, drawn by Zipf's law, each regardless of those before it. LightRNN and "
    f"the full softmax: one LSTM layer of {_HIDDEN} units, {BATCH_SIZE} sentences side by side; LightRNN in "
    f"numpy, from text to scores; the full softmax from ids. `query`: a {_ORDER}-gram, started anew for each "
    "turn, from text to scores; its memory is not measured.",
]


@click.command()
@click.option("--torch", type=click.Path(path_type=Path), help="A Python with PyTorch 2.")
@click.option("--sentences", default=10_000, show_default=True)
@click.option(
    "--words", "vocabularies", multiple=True, type=int, default=(10_000, 100_000), show_default=True
)
@click.option("--out", type=click.Path(path_type=Path), default=RESULTS, help="Where the table goes.")
@click.option("--measure", nargs=2, hidden=True)
def main(
    torch: Path | None,
    sentences: int,
    vocabularies: tuple[int, ...],
    out: Path,
    measure: tuple[str, str] | None,
) -> None:
    """Measure, and write the table."""
    if measure:
        name, folder = measure
        serve(_SYSTEMS[name](Path(folder)))
        return
    out.mkdir(parents=True, exist_ok=True)
    found = {words: _measure(words, sentences, torch, out) for words in vocabularies}
    records: list[Record] = [
        {
            "words": words,
            "system": name,
            "sentences_per_second": each["rate"],
            "ratio": each["ratio"],
            "peak_bytes": None if name == "query" else each["peak_bytes"],  # that of its parent here
        }
        for words, turns in found.items()
        for name, each in compared(turns).items()
    ]
    about = environment()
    write_json(out / "scoring.json", {"sentences": sentences, "turns": found, "environment": about})
    protocol = (
        f"{sentences:,} sentences; one thread a process; medians of {TURNS} turns of each system in turn "
        f"with the others. Measured at {about['commit']}."
    )
    table = Table("Scoring sentences", protocol, _COLUMNS, records, _NOTES)
    publish(table, out, "scoring")


def _measure(words: int, sentences: int, torch: Path | None, out: Path) -> list[dict[str, dict[str, float]]]:
    print(f"{words:,} words", flush=True)
    with TemporaryDirectory(dir=out) as directory, ExitStack() as stack:
        _arrange(Path(directory), words, sentences)
        own = [sys.executable, __file__, "--measure"]
        commands = {name: [*own, name, directory] for name in _SYSTEMS}
        if torch:
            rival = [str(torch), str(_BENCH / "rival_scoring.py"), f"{directory}/ids.npy"]
            size = ["--words", str(words + 3), "--hidden", str(_HIDDEN)]  # with <UNK>, <S> and </S>
            commands["full softmax in PyTorch"] = [*rival, *size]
        running = {
            name: stack.enter_context(Worker(command, ONE_THREAD)) for name, command in commands.items()
        }
        return in_turn(running)


def _arrange(folder: Path, size: int, sentences: int) -> None:
    """Text and ids of the sentences, an n-gram model, and an untrained LightRNN in a file."""
    vocabulary = Vocabulary.from_counts({f"w{word:x}": 1 for word in range(size)}, min_count=1)
    ids, drawn = np.arange(3, 3 + size), batch_words(size, sentences, _LENGTH)
    text = ids[next(drawn)]
    names = np.array(vocabulary.words)
    lines = "".join(" ".join(sentence) + "\n" for sentence in names[text])
    (folder / "text").write_text(lines, encoding="utf-8")
    begins, ends = (np.full((sentences, 1), word) for word in (vocabulary.start, vocabulary.end))
    np.save(folder / "ids.npy", np.hstack([begins, text, ends]), allow_pickle=False)
    more = np.concatenate([np.hstack([ids[next(drawn)], ends]) for _ in range(10)])
    estimate(more.reshape(-1).astype(np.int32), vocabulary, _ORDER, folder / "kn.bin")
    config = NetworkConfig("LightRNN", model="lightrnn", hidden=_HIDDEN, layers=1, dropout=0.0)
    net = new_network(config, len(vocabulary))
    net.initialize_from(1, mx.cpu())
    arrays = runtime_arrays(net.values(), config)
    save_model(folder / "model", "lightrnn", arrays, vocabulary.words, "float32")


def _ours(folder: Path) -> Callable[[], int]:
    model = Model(folder / "model")

    def work() -> int:
        lines = (folder / "text").read_text(encoding="utf-8").splitlines()
        return len(model.score_all(lines, BATCH_SIZE))

    return work


def _query(folder: Path) -> Callable[[], int]:
    def work() -> int:
        with (folder / "text").open("rb") as text:
            command = [find_tool("query"), str(folder / "kn.bin")]
            done = subprocess.run(command, stdin=text, capture_output=True, check=True)
        return done.stdout.count(b"Total: ")

    return work


_SYSTEMS: dict[str, Callable[[Path], Callable[[], int]]] = {"LightRNN": _ours, "query": _query}


if __name__ == "__main__":
    run_command(main)
