"""How LightRNN's speed and memory go with the vocabulary and with the hidden size: a table and a picture.

Usage: .venv/bin/python reproduce/bench/growth.py [--out DIR]

All sizes of a series are in training at once, each a process of its own on one thread, and work in turn. What
they took is a file in DIR/growth, and is not measured again while that is there.
"""

from contextlib import ExitStack
from pathlib import Path

import click
import numpy as np
from alone import PEAK_MEMORY, RESULTS, publish
from matplotlib.figure import Figure
from speed import System, start
from stopwatch import TURNS, in_turn, rate

from lightrnn_gluon.cli import run_command
from lightrnn_gluon.environment import environment
from lightrnn_gluon.files import read_json, write_json
from lightrnn_gluon.report.figures import COLOURS, DPI, SIZES, mark_log, write_figure
from lightrnn_gluon.report.formatting import Column, Record, Table, show_bytes, show_integer

_LIGHTRNN = System("LightRNN", "ours.py", "lightrnn", steps=4)
# The vocabularies and hidden sizes of each series.
_SERIES = {
    "vocabulary": [(10**power, 200) for power in range(3, 8)],
    "hidden": [(100_000, hidden) for hidden in (100, 200, 400, 800)],
}
_COLUMNS = [
    Column("words", "Vocabulary", show_integer),
    Column("hidden", "H", show_integer),
    Column("words_per_second", "Words/s", show_integer),
    Column("peak_bytes", "Peak memory", show_bytes),
]
_NOTES = [
    f"{PEAK_MEMORY} The largest vocabulary's is reached before training: its words, as Python's strings, "
    "take more than the net."
]


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=RESULTS, help="Where the table goes.")
def main(out: Path) -> None:
    """Measure what has not been measured, and write table and picture."""
    found = {}
    for name, sizes in _SERIES.items():
        path = out / "growth" / f"{name}.json"
        if not path.is_file():
            print(name, flush=True)
            write_json(path, {"records": _measure(sizes), "environment": environment()})
        found[name] = read_json(path)
    records = [record for series in found.values() for record in series["records"]]
    commits = sorted({series["environment"]["commit"] for series in found.values()})
    protocol = (
        "One LSTM layer, SGD with clipping, 64 rows of 20 words a step; one thread a process, medians of "
        f"{TURNS} turns of each size in turn with the others of its series. Measured at {', '.join(commits)}."
    )
    table = Table("LightRNN's growth", protocol, _COLUMNS, records, _NOTES)
    publish(table, out, "growth")
    figure = growth_figure({name: series["records"] for name, series in found.items()})
    write_figure(out / "growth.png", figure)


def _measure(sizes: list[tuple[int, int]]) -> list[Record]:
    with ExitStack() as stack:
        turns = in_turn(
            {str(size): stack.enter_context(start(_LIGHTRNN, *size, torch=None)) for size in sizes}
        )
    answers = {size: [turn[str(size)] for turn in turns] for size in sizes}
    return [
        {
            "words": words,
            "hidden": hidden,
            "words_per_second": rate(own),
            "peak_bytes": max(answer["peak_bytes"] for answer in own),
        }
        for (words, hidden), own in answers.items()
    ]


def growth_figure(series: dict[str, list[Record]]) -> Figure:
    """Time a word (left axes) and peak memory (right) over each size, and the root of the vocabulary."""
    figure = Figure(figsize=(11, 4.5), dpi=DPI, layout="constrained")
    panels = figure.subplots(1, 2)
    labels = {
        "vocabulary": ("words", "Vocabulary (log scale)"),
        "hidden": ("hidden", "Hidden size (log scale)"),
    }
    for axes, (name, records) in zip(panels, series.items(), strict=True):
        key, label = labels[name]
        sizes = np.array([record[key] for record in records])
        times = np.array([1e6 / record["words_per_second"] for record in records])
        axes.plot(sizes, times, "o-", color=COLOURS[0], label="time")
        memory = axes.twinx()
        memory.plot(
            sizes, [record["peak_bytes"] / 1e9 for record in records], "s--", color=COLOURS[1], label="memory"
        )
        memory.set_ylabel("Peak memory (GB, dashed)")
        memory.set_ylim(bottom=0)
        if name == "vocabulary":
            axes.plot(
                sizes, times[0] * np.sqrt(sizes / sizes[0]), ":", color="0.4", label="as the root of it"
            )
            axes.legend()
        axes.set(xscale="log", yscale="log", xlabel=label, ylabel="Time a word (microseconds, log scale)")
        mark_log(axes.xaxis, SIZES if name == "hidden" else (1,))
        mark_log(axes.yaxis, SIZES)
        axes.grid(color="0.9", linewidth=0.7)
    return figure


if __name__ == "__main__":
    run_command(main)
