"""Where the time of LightRNN's training step goes, operator by operator, as MXNet's profiler counts it.

Usage: .venv/bin/python reproduce/bench/operators.py [--torch PYTHON] [--words V] [--hidden H] [--out DIR] ...

The steps are those of speed.py, on one thread, in a process of their own. Operators are not put together in
bulks there, so that each is seen. Beside them the same net in PyTorch, by its own profiler.
"""

import json
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import mxnet as mx
from alone import ONE_THREAD, RESULTS, publish, run_alone
from ours import training
from words import BATCH_SIZE

from lightrnn_gluon.cli import run_command
from lightrnn_gluon.environment import environment
from lightrnn_gluon.files import read_json, write_json
from lightrnn_gluon.report.formatting import Column, Record, Table

_LENGTH, _WARM_UP = 20, 3
_LEAST = 0.5  # % of the time: what takes less is not listed
_COLUMNS = [
    Column("system", "System", str),
    Column("operator", "Operator", str),
    Column("calls", "Calls a step", "{:.1f}".format),
    Column("milliseconds", "ms a step", "{:.2f}".format),
    Column("percent", "Of all, %", "{:.1f}".format),
]
_NOTES = [
    "RNN is MXNet's LSTM, by oneDNN as MXNet has it, and mkldnn_rnn_layer PyTorch's, by the oneDNN that it "
    "has; `_backward` is what gives gradients. ResourceNativeRandomSetSeed seeds what dropout draws. What "
    f"takes less than {_LEAST:g} % is left out."
]

_Times = dict[str, dict[str, float]]  # by operator its calls, and its own milliseconds, over all steps


@click.command()
@click.option("--torch", type=click.Path(path_type=Path), help="A Python with PyTorch 2.")
@click.option("--words", default=10_000, show_default=True)
@click.option("--hidden", default=200, show_default=True)
@click.option("--steps", default=30, show_default=True, help="That are counted.")
@click.option("--out", type=click.Path(path_type=Path), default=RESULTS, help="Where the table goes.")
@click.option("--measure", type=click.Path(path_type=Path), hidden=True)
def main(torch: Path | None, words: int, hidden: int, steps: int, out: Path, measure: Path | None) -> None:
    """Measure, and write the table."""
    if measure:
        write_json(measure, _profile(words, hidden, steps))
        return
    path = out / "operators.json"
    run_alone(__file__, "--words", words, "--hidden", hidden, "--steps", steps, "--measure", path)
    found = {"LightRNN": read_json(path)}
    if torch:
        found["LightRNN in PyTorch"] = _profile_rival(torch, words, hidden, steps)
        write_json(path, found)
    protocol = (
        f"{words:,} words, H = {hidden}, one LSTM layer, dropout, SGD with clipping, {BATCH_SIZE} rows of "
        f"{_LENGTH} words a step; one thread; {steps} steps. Measured at {environment()['commit']}."
    )
    records = [record for system, times in found.items() for record in _records(system, times, steps)]
    publish(Table("A training step by operator", protocol, _COLUMNS, records, _NOTES), out, "operators")


def _profile(words: int, hidden: int, steps: int) -> _Times:
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
        found = json.loads(mx.profiler.dumps(format="json"))["Time"]["operator"]
    return {
        name: {"calls": times["Count"], "milliseconds": times["Total"]}
        for name, times in found.items()
        if not name.startswith("WaitFor")  # the engine's waiting for others
    }


def _profile_rival(python: Path, words: int, hidden: int, steps: int) -> _Times:
    command = [str(python), str(Path(__file__).with_name("rival_operators.py")), "--words", str(words)]
    command += ["--hidden", str(hidden), "--length", str(_LENGTH), "--batch-size", str(BATCH_SIZE)]
    command += ["--warm-up", str(_WARM_UP), "--steps", str(steps)]
    done = subprocess.run(command, env=ONE_THREAD, stdout=subprocess.PIPE, check=True)
    found: _Times = json.loads(done.stdout)
    return found


def _records(system: str, found: _Times, steps: int) -> list[Record]:
    """A line an operator, the longest first, below what they take together."""
    total = sum(times["milliseconds"] for times in found.values())
    named = {"all": {"calls": sum(times["calls"] for times in found.values()), "milliseconds": total}} | found
    records: list[Record] = [
        {
            "system": system,
            "operator": name,
            "calls": times["calls"] / steps,
            "milliseconds": times["milliseconds"] / steps,
            "percent": 100 * times["milliseconds"] / total,
        }
        for name, times in named.items()
        if times["milliseconds"] >= _LEAST / 100 * total
    ]
    return sorted(records, key=lambda record: -float(record["milliseconds"]))


if __name__ == "__main__":
    run_command(main)
