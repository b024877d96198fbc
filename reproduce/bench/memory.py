"""How much memory training takes with the paper's largest vocabulary: LightRNN beside a full softmax.

Usage: .venv/bin/python reproduce/bench/memory.py [--out DIR]

Each system is a process of its own, which makes two steps of as many words as the other's.
"""

from pathlib import Path

import click
from alone import PEAK_MEMORY, RESULTS, publish
from speed import System, start
from words import BATCH_SIZE

from lightrnn_gluon.cli import run_command
from lightrnn_gluon.environment import environment
from lightrnn_gluon.report.formatting import Column, Record, Table, show_bytes, show_integer

_WORDS, _HIDDEN = 793_471, 200  # of the One Billion Word Benchmark
_LENGTHS = (2, 5, 10)  # words of a row; at 20, MXNet's full softmax ends in a segmentation fault
_MODELS = {"LightRNN": "lightrnn", "full softmax": "full_softmax"}
_COLUMNS = [
    Column("words_a_step", "Words a step", show_integer),
    Column("system", "System", str),
    Column("peak_bytes", "Peak memory", show_bytes),
    Column("share", "Of the full softmax's, %", "{:.1f}".format),
]


@click.command()
@click.option("--words", default=_WORDS, show_default=True, help="The vocabulary's size.")
@click.option("--out", type=click.Path(path_type=Path), default=RESULTS, help="Where the table goes.")
def main(words: int, out: Path) -> None:
    """Measure, and write the table."""
    protocol = (
        f"{words:,} words, one LSTM layer of {_HIDDEN} units, SGD with clipping, {BATCH_SIZE} rows; one "
        f"thread. Measured at {environment()['commit']}."
    )
    records = [record for length in _LENGTHS for record in _compared(words, length)]
    publish(Table("Memory in training", protocol, _COLUMNS, records, [PEAK_MEMORY]), out, "memory")


def _compared(words: int, length: int) -> list[Record]:
    """A line for each system that makes steps of rows so long."""
    peaks = {}
    for name, model in _MODELS.items():
        system = System(name, "ours.py", model, steps=2, length=length)
        with start(system, words, _HIDDEN, torch=None) as worker:
            peaks[name] = worker.ask()["peak_bytes"]
    return [
        {
            "words_a_step": length * BATCH_SIZE,
            "system": name,
            "peak_bytes": peak,
            "share": 100 * peak / peaks["full softmax"],
        }
        for name, peak in peaks.items()
    ]


if __name__ == "__main__":
    run_command(main)
