"""Where the time of LightRNN's training step goes, operator by operator, as MXNet's profiler counts it.

Usage: .venv/bin/python reproduce/bench/operators.py [--words V] [--hidden H] [--steps N] [--out DIR]

The steps are those of speed.py, on one thread, in a process of their own. Operators are not put together in
bulks there, so that each is seen.
"""

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import mxnet as mx
from alone import RESULTS, publish, run_alone
from ours import training
from words import BATCH_SIZE

from lightrnn_gluon.cli import run_command
from lightrnn_gluon.environment import environment
from lightrnn_gluon.files import read_json, write_json
from lightrnn_gluon.report.formatting import Column, Record, Table

_LENGTH, _WARM_UP = 20, 3
_LEAST = 0.5  # % of the time: what takes less is not listed
_COLUMNS = [
    Column("operator", "Operator", str),
    Column("calls", "Calls a step", "{:.1f}".format),
    Column("milliseconds", "ms a step", "{:.2f}".format),
    Column("percent", "Of all, %", "{:.1f}".format),
]
_NOTES = [
    "RNN is the LSTM, by oneDNN as MXNet has it; `_backward_` what gives gradients. "
    f"ResourceNativeRandomSetSeed seeds what dropout draws. What takes less than {_LEAST:g} % is left out."
]


@click.command()
@click.option("--words", default=10_000, show_default=True)
@click.option("--hidden", default=200, show_default=True)
@click.option("--steps", default=30, show_default=True, help="That are counted.")
@click.option("--out", type=click.Path(path_type=Path), default=RESULTS, help="Where the table goes.")
@click.option("--measure", type=click.Path(path_type=Path), hidden=True)
def main(words: int, hidden: int, steps: int, out: Path, measure: Path | None) -> None:
    """Measure, and write the table."""
    if measure:
        write_json(measure, _profile(words, hidden, steps))
        return
    path = out / "operators.json"
    run_alone(__file__, "--words", words, "--hidden", hidden, "--steps", steps, "--measure", path)
    protocol = (
        f"LightRNN, {words:,} words, H = {hidden}, one LSTM layer, dropout, SGD with clipping, "
        f"{BATCH_SIZE} rows of {_LENGTH} words a step; one thread; {steps} steps. "
        f"Measured at {environment()['commit']}."
    )
    table = Table("A training step by operator", protocol, _COLUMNS, _records(read_json(path), steps), _NOTES)
    publish(table, out, "operators")


def _profile(words: int, hidden: int, steps: int) -> dict[str, Any]:
    """By operator its `Count`, and its `Total` time in milliseconds, over so many steps."""
    os.environ |= {"MXNET_EXEC_BULK_EXEC_TRAIN": "0", "MXNET_EXEC_BULK_EXEC_INFERENCE": "0"}
    train = training("lightrnn", words, hidden, _LENGTH, BATCH_SIZE)
    train(_WARM_UP)
    with TemporaryDirectory() as folder:
        mx.profiler.set_config(
            profile_symbolic=True, profile_imperative=True, aggregate_stats=True, filename=f"{folder}/trace"
        )
        mx.profiler.set_state("run")
        train(steps)
        mx.profiler.set_state("stop")
        found: dict[str, Any] = json.loads(mx.profiler.dumps(format="json"))["Time"]["operator"]
    return found


def _records(found: dict[str, Any], steps: int) -> list[Record]:
    """A line an operator, the longest first; engine's waiting for others is none."""
    own = {name: times for name, times in found.items() if not name.startswith("WaitFor")}
    total = sum(times["Total"] for times in own.values())
    records: list[Record] = [
        {
            "operator": name,
            "calls": times["Count"] / steps,
            "milliseconds": times["Total"] / steps,
            "percent": 100 * times["Total"] / total,
        }
        for name, times in own.items()
        if times["Total"] >= _LEAST / 100 * total
    ]
    return sorted(records, key=lambda record: -float(record["milliseconds"]))


if __name__ == "__main__":
    run_command(main)
