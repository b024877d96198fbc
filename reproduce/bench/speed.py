"""Words a second in training: LightRNN beside what would be used instead, in this package and in PyTorch.

Usage: .venv/bin/python reproduce/bench/speed.py [--torch PYTHON] [--only WORDS-HIDDEN] [--out DIR]

All systems of one size are in training at once, each a process of its own on one thread, and work in turn.
What they took is a file in DIR/speed, and is not measured again while that is there; DIR/speed.md is made of
these.
"""

import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from alone import ONE_THREAD, RESULTS, publish
from stopwatch import TURNS, Worker, in_turn, rate
from words import BATCH_SIZE

from lightrnn_gluon.cli import run_command
from lightrnn_gluon.config import NetworkConfig
from lightrnn_gluon.environment import environment
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.files import read_json, write_json
from lightrnn_gluon.report.formatting import Column, Record, Table, show_bytes, show_integer
from lightrnn_gluon.systems import new_network

_BENCH = Path(__file__).resolve().parent
_LENGTH = 20
_OURS, _TORCH = "ours.py", "rivals.py"


@dataclass(frozen=True)
class System:
    """A program of this folder that trains a model: of so many words a step, and steps a turn."""

    name: str
    program: str
    model: str
    steps: int
    length: int = _LENGTH


@dataclass(frozen=True)
class Size:
    """A vocabulary and a hidden size, and the systems that are compared there, LightRNN first."""

    words: int
    hidden: int
    systems: tuple[System, ...]

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.words}-{self.hidden}"


def _both(steps: int) -> tuple[System, ...]:
    return (
        System("LightRNN", _OURS, "lightrnn", steps),
        System("LightRNN in PyTorch", _TORCH, "lightrnn", steps),
    )


def _all(steps: int, adaptive: int, full: int, full_in_torch: int | None, length: int) -> tuple[System, ...]:
    rivals: tuple[System, ...] = (
        System("adaptive softmax in PyTorch", _TORCH, "adaptive_softmax", adaptive),
        System("HSM", _OURS, "hsm", steps),
        System("B-RNN", _OURS, "blackout", steps),
        System("adaptive softmax", _OURS, "adaptive_softmax", steps),
        System("full softmax", _OURS, "full_softmax", full, length),
    )
    if full_in_torch is not None:
        rivals += (System("full softmax in PyTorch", _TORCH, "full_softmax", full_in_torch, length),)
    return _both(steps) + rivals


# A full softmax of 793,471 words has memory for few words at a time here.
SIZES = (
    Size(10_000, 200, _all(16, adaptive=8, full=4, full_in_torch=2, length=_LENGTH)),
    Size(100_000, 200, _all(16, adaptive=4, full=1, full_in_torch=1, length=5)),
    Size(793_471, 200, _all(16, adaptive=1, full=1, full_in_torch=None, length=2)),
    *(Size(words, 650, _both(2)) for words in (10_000, 100_000, 793_471)),
)
_NOTES = [
    "Words are drawn by Zipf's law. B-RNN samples 500 words a step. PyTorch's models have sparse gradients "
    "for the words they read, and clip in one pass over lists.",
    "sgemm peak: of the fastest product of matrices of three shapes, measured in turn with the systems; a "
    "step's multiplications are those of its large products, backward twice those of forward.",
    "Peak memory: of the process, libraries included.",
]
_COLUMNS = [
    Column("words", "Vocabulary", show_integer),
    Column("hidden", "H", show_integer),
    Column("system", "System", str),
    Column("words_per_second", "Words/s", show_integer),
    Column("ratio", "LightRNN is so many times as fast", "{:,.2f}".format),
    Column("peak_share", "Of the sgemm peak, %", show_integer),
    Column("peak_bytes", "Peak memory", show_bytes),
]


@click.command()
@click.option("--torch", type=click.Path(path_type=Path), help="A Python with PyTorch 2.")
@click.option("--only", type=click.Choice([size.name for size in SIZES]), help="This size alone.")
@click.option("--out", type=click.Path(path_type=Path), default=RESULTS, help="Where the table goes.")
def main(torch: Path | None, only: str | None, out: Path) -> None:
    """Measure what has not been measured, and write the table."""
    for size in SIZES:
        if size.name == (only or size.name) and not _path(out, size).is_file():
            print(f"{size.words:,} words, H {size.hidden}", flush=True)
            write_json(_path(out, size), _measure(size, torch))
    table = _table([read_json(_path(out, size)) for size in SIZES if _path(out, size).is_file()])
    publish(table, out, "speed")


def _path(out: Path, size: Size) -> Path:
    return out / "speed" / f"{size.name}.json"


def _measure(size: Size, torch: Path | None) -> dict[str, Any]:
    """What each system took in each turn, and what the fastest product of matrices does meanwhile."""
    systems = [system for system in size.systems if system.program == _OURS or torch]
    with ExitStack() as stack:
        peak = stack.enter_context(Worker([sys.executable, str(_BENCH / "sgemm.py")], ONE_THREAD))
        running = {
            system.name: stack.enter_context(start(system, size.words, size.hidden, torch))
            for system in systems
        }
        turns = in_turn({"sgemm": peak, **running})
    answers = {name: [turn[name] for turn in turns] for name in turns[0]}
    versions = {"environment": environment(), "torch": _torch_version(torch) if torch else None}
    return {"words": size.words, "hidden": size.hidden, "answers": answers, **versions}


def start(system: System, words: int, hidden: int, torch: Path | None) -> Worker:
    """The system in training with so many words and so large a state; `torch` is the Python of rivals."""
    python = sys.executable if system.program == _OURS else str(torch)
    numbers = {
        "--words": words, "--hidden": hidden, "--length": system.length,
        "--batch-size": BATCH_SIZE, "--steps": system.steps,
    }  # fmt: skip
    options = [str(part) for pair in numbers.items() for part in pair]
    return Worker([python, str(_BENCH / system.program), system.model, *options], ONE_THREAD)


def _torch_version(python: Path) -> str:
    command = [str(python), "-c", "import torch; print(torch.__version__)"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        raise UserError(f"{python} has no PyTorch: name a Python that has") from error


def _table(results: list[dict[str, Any]]) -> Table:
    records = [record for result in results for record in _records(result)]
    about = sorted({(each["environment"]["commit"], each["torch"] or "none") for each in results})
    protocol = (
        f"One thread a process; medians of {TURNS} turns of each system in turn with the others; one LSTM "
        f"layer, dropout 0.2, SGD with the gradient's norm clipped; {BATCH_SIZE} rows of {_LENGTH} words a "
        "step, of a full softmax 5 from 100,000 words on, and 2 at 793,471. Measured at (commit, PyTorch): "
        + "; ".join(", ".join(pair) for pair in about)
        + "."
    )
    return Table("Training speed", protocol, _COLUMNS, records, _NOTES)


def _records(result: dict[str, Any]) -> list[Record]:
    """A line for each system, in the order of their names here."""
    answers = result["answers"]
    rates = {name: rate(turns) for name, turns in answers.items()}
    config = NetworkConfig(system="", model="lightrnn", hidden=result["hidden"], layers=1, dropout=0.0)
    products = 3 * new_network(config, result["words"]).multiplications()  # forward, and twice that backward
    return [
        {
            "words": result["words"],
            "hidden": result["hidden"],
            "system": name,
            "words_per_second": rates[name],
            "ratio": rates["LightRNN"] / rates[name],
            "peak_share": 100 * rates[name] * products / rates["sgemm"]
            if name.startswith("LightRNN")
            else None,
            "peak_bytes": max(answer["peak_bytes"] for answer in turns),
        }
        for name, turns in answers.items()
        if name != "sgemm"
    ]


if __name__ == "__main__":
    run_command(main)
