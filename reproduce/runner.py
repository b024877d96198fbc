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
from lightrnn_gluon.corpus import Corpus, prepare
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.report import render
from lightrnn_gluon.report.tables import load_published
from lightrnn_gluon.runs import METRICS, is_finished, origin
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


@dataclass(frozen=True)
class Planned:
    """A row, whether it is finished already, and about how many seconds it takes if not."""

    row: Row
    finished: bool
    seconds: float


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
    slots = 1 if gpu else min(2, len(os.sched_getaffinity(0)))

    corpus = None
    if dry_run and scale == "paper" and data is None:
        published = load_published()["table1"]["BillionW"]
        size = Size("BillionW, published sizes", published["tokens"], published["vocabulary"])
    else:
        source = find_source(data)
        print(f"preparing {source.name} in {out / 'corpus'}, unless it is there already", flush=True)
        corpus = prepare(source, out / "corpus", load_corpus_config(scale_file))
        size = Size(corpus.facts["name"], corpus.facts["train"]["tokens"], len(corpus.vocabulary))
    plan = [Planned(row, _is_there(row, corpus, out), _seconds(row, size, gpu)) for row in rows]
    print(_describe(plan, size, scale, slots, gpu, out), flush=True)
    if dry_run:
        return

    started = time.monotonic()
    for phase in _phases(plan, slots):
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


def _is_there(row: Row, corpus: Corpus | None, out: Path) -> bool:
    """Whether the row is finished already. Raises UserError where another's model is in its place."""
    directory = out / "runs" / row.name
    if corpus is None or not (directory / METRICS).is_file():
        return False
    if isinstance(row.config, InterpolationConfig):
        return False  # its own start finds out, when its members are there
    return is_finished(directory, origin(row.config, corpus, directory))


def _seconds(row: Row, size: Size, gpu: bool) -> float:
    """About how long a network takes to train; 0 for what takes little."""
    if not isinstance(row.config, NetworkConfig):
        return 0.0
    # Backward costs twice what forward does, and a multiplication comes with an addition.
    operations = 3 * 2 * new_network(row.config, size.vocabulary).multiplications()
    return row.config.epochs * size.train_tokens * operations / _FLOPS["gpu" if gpu else "cpu"]


def _phases(plan: list[Planned], slots: int) -> list[list[Row]]:
    """The rows to be made, interpolations behind what they interpolate.

    Side by side the longest first, which ends soonest; one by one the shortest first, so that
    what is too large for a device fails last.
    """
    made = sorted((p for p in plan if not p.finished), key=lambda p: p.seconds, reverse=slots > 1)
    late = [p.row for p in made if isinstance(p.row.config, InterpolationConfig)]
    return [phase for phase in ([p.row for p in made if p.row not in late], late) if phase]


def _describe(plan: list[Planned], size: Size, scale: str, slots: int, gpu: bool, out: Path) -> str:
    """What will be done, on which corpus, at which scale, and for about how long."""
    lines = [
        f"corpus: {size.name}, {size.train_tokens:,} training tokens, {size.vocabulary:,} words",
        f"scale: {scale}, on {'a GPU' if gpu else f'{slots} CPU threads, one for each net in training'}",
        f"output: {out}",
        "rows:",
    ]
    for planned in plan:
        line = f"  {planned.row.config.system}"
        if isinstance(planned.row.config, NetworkConfig):
            count = new_network(planned.row.config, size.vocabulary).parameter_count()
            line = f"{line:34}{count:>15,} parameters, about {_duration(planned.seconds)}"
        if planned.finished:
            line = f"  {planned.row.config.system}: finished before, reused from {planned.row.name}"
        lines.append(line)
    seconds = [planned.seconds for planned in plan if not planned.finished]
    total = max([0.0, sum(seconds) / slots, *seconds])
    return "\n".join([*lines, f"about {_duration(total)} in all\n"])


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
                    if process.returncode:  # negative: ended by a signal
                        sys.exit(process.returncode if process.returncode > 0 else 128 - process.returncode)
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
