"""Run an experiment's rows, each as a `lightrnn train` of its own, then render its tables."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import click
import mxnet as mx

from lightrnn_gluon.cli import run_command
from lightrnn_gluon.config import (
    InterpolationConfig,
    NetworkConfig,
    RowConfig,
    load_corpus_config,
    load_row,
)
from lightrnn_gluon.corpus import prepare
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.report import render
from lightrnn_gluon.report.tables import load_published
from lightrnn_gluon.sources import find_source
from lightrnn_gluon.systems import new_network

REPRODUCE = Path(__file__).resolve().parent
CONFIGS = REPRODUCE / "configs"
# What a training step was seen to reach of one CPU core's, and of a GPU's, arithmetic; for estimates.
_FLOPS = {"cpu": 30e9, "gpu": 3e12}


@dataclass(frozen=True)
class Row:
    """One row: its name (the stem of its file), the file, and what it says at the scale."""

    name: str
    path: Path
    config: RowConfig


@dataclass(frozen=True)
class Size:
    """What a plan needs to know of a corpus."""

    name: str
    train_tokens: int
    vocabulary: int


@click.command()
@click.argument("experiment")
@click.option("--data", type=click.Path(path_type=Path), help="A folder of text.")
@click.option("--out", type=click.Path(path_type=Path), help="Where everything goes.")
@click.option("--scale", type=click.Choice(["tiny", "cpu", "paper"]), help="paper with a GPU, else cpu.")
@click.option("--only", metavar="ROW", help="Run this row alone, then render the tables again.")
@click.option("--dry-run", is_flag=True, help="Print the plan, train nothing.")
def main(
    experiment: str, data: Path | None, out: Path | None, scale: str | None, only: str | None, dry_run: bool
) -> None:
    """Run all rows of EXPERIMENT and render its tables."""
    data = data or (Path(os.environ["BILLIONW_DIR"]) if os.environ.get("BILLIONW_DIR") else None)
    out = out or REPRODUCE.parent / "results" / experiment
    gpu = mx.context.num_gpus() > 0
    scale = scale or ("paper" if gpu else "cpu")
    scale_file = None if scale == "paper" else CONFIGS / "scales" / f"{scale}.yaml"
    rows = _select(_rows(experiment, scale_file), only)
    slots = 1 if gpu else min(2, os.cpu_count() or 1)

    if dry_run and scale == "paper" and data is None:
        published = load_published()["table1"]["BillionW"]
        size = Size("BillionW, published sizes", published["tokens"], published["vocabulary"])
    else:
        corpus = prepare(find_source(data), out / "corpus", load_corpus_config(scale_file))
        size = Size(corpus.facts["name"], corpus.facts["train"]["tokens"], len(corpus.vocabulary))
    print(_plan(rows, size, scale, slots, gpu, out), flush=True)
    if dry_run:
        return

    started = time.monotonic()
    for phase in _phases(rows):
        _run(phase, scale_file, out, slots, gpu)
    report = render(out)
    print(f"\n{report.tables}\nwritten in {(time.monotonic() - started) / 60:.0f} min:")
    print("\n".join([*(f"  {path}" for path in report.paths), *(f"note: {note}" for note in report.notes)]))


def _rows(experiment: str, scale: Path | None) -> list[Row]:
    """All rows of an experiment: the files of its folder that others do not merely extend."""
    paths = sorted(path for path in (CONFIGS / experiment).glob("*.yaml") if path.stem != "base")
    return [Row(path.stem, path, load_row(path, scale)) for path in paths]


def _select(rows: list[Row], only: str | None) -> list[Row]:
    chosen = [row for row in rows if only is None or only in (row.name, row.config.system)]
    if not chosen:
        raise UserError(f"--only {only}: the rows are {', '.join(row.name for row in rows)}")
    return chosen


def _phases(rows: list[Row]) -> list[list[Row]]:
    """Interpolations come after what they interpolate; of the others the longest first."""
    late = [row for row in rows if isinstance(row.config, InterpolationConfig)]
    return [phase for phase in ([row for row in rows if row not in late], late) if phase]


def _plan(rows: list[Row], size: Size, scale: str, slots: int, gpu: bool, out: Path) -> str:
    """What will be done, on which corpus, at which scale, and for about how long."""
    lines = [
        f"corpus: {size.name}, {size.train_tokens:,} training tokens, {size.vocabulary:,} words",
        f"scale: {scale}, on {'a GPU' if gpu else f'{slots} CPU threads, one for each net in training'}",
        f"output: {out}",
        "rows:",
    ]
    total = 0.0
    for row in rows:
        line = f"  {row.config.system}"
        if isinstance(row.config, NetworkConfig):
            net = new_network(row.config, size.vocabulary)
            # Backward costs twice what forward does, and a multiplication comes with an addition.
            words = row.config.epochs * size.train_tokens
            seconds = words * 3 * 2 * net.multiplications() / _FLOPS["gpu" if gpu else "cpu"]
            total += seconds
            line = f"{line:34}{net.parameter_count():>15,} parameters, about {_duration(seconds)}"
        lines.append(line)
    return "\n".join([*lines, f"about {_duration(total / slots)} in all\n"])


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:,.0f} h" if seconds > 2 * 3600 else f"{max(1, seconds / 60):.0f} min"


def _run(rows: list[Row], scale: Path | None, out: Path, slots: int, gpu: bool) -> None:
    """Train rows side by side, each a process of its own; the first failure ends all."""
    waiting = list(rows)
    running: dict[int, subprocess.Popen[bytes]] = {}
    try:
        while waiting or running:
            for slot in range(slots):
                if waiting and slot not in running:
                    running[slot] = _start(waiting.pop(0), scale, out, slot, gpu)
            time.sleep(0.1)
            for slot, process in list(running.items()):
                if process.poll() is not None:
                    del running[slot]
                    if process.returncode:
                        sys.exit(process.returncode)
    finally:
        for process in running.values():
            process.send_signal(signal.SIGTERM)
        for process in running.values():
            process.wait()


def _start(row: Row, scale: Path | None, out: Path, slot: int, gpu: bool) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).with_name("lightrnn")), "train", str(row.path)]
    command += ["--corpus", str(out / "corpus"), "--out", str(out / "runs" / row.name)]
    command += ["--scale", str(scale)] if scale else []
    # Progress bars of processes side by side stand below each other.
    environment = {**os.environ, "TQDM_POSITION": str(slot)}
    if not gpu:
        environment["OMP_NUM_THREADS"] = "1"
    return subprocess.Popen(command, env=environment)


if __name__ == "__main__":
    run_command(main)
