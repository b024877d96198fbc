"""Run an experiment's rows, each as a `lightrnn train` of its own, then render its tables."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import click
import mxnet as mx
from experiments import CONFIGS, EXPERIMENTS, Size, find_sources, published_sizes
from plan import (
    PAPER,
    Job,
    Machine,
    Part,
    Row,
    corpus_config,
    describe,
    expand_rows,
    make_jobs,
    phases,
    read_rows,
    rescale,
    select,
)

from lightrnn_gluon.cli import run_command
from lightrnn_gluon.corpus import prepare
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.report import render
from lightrnn_gluon.rows import train_row
from lightrnn_gluon.signals import exit_statuses
from lightrnn_gluon.sources import Source

RESULTS = Path(__file__).resolve().parent.parent / "results"
Texts = Mapping[str, Source | Size]  # by folder; published sizes where these are enough


@click.command()
@click.argument("experiment", type=click.Choice(list(EXPERIMENTS)))
@click.option("--data", type=click.Path(path_type=Path), help="A folder of text.")
@click.option("--out", type=click.Path(path_type=Path), help="Where everything goes.")
@click.option("--scale", type=click.Choice(["tiny", "cpu", PAPER]), help="paper with a GPU, else cpu.")
@click.option("--only", metavar="ROW", help="Run this row alone, then render the tables again.")
@click.option("--text", help="Of several texts this one alone, by its folder's name.")
@click.option("--dry-run", is_flag=True, help="Print the plan, train nothing.")
def main(
    experiment: str,
    data: Path | None,
    out: Path | None,
    scale: str | None,
    only: str | None,
    text: str | None,
    dry_run: bool,
) -> None:
    """Run all rows of EXPERIMENT and render its tables."""
    started = time.monotonic()
    out, scale = out or RESULTS / experiment, scale or (PAPER if _find_machine().gpu else "cpu")
    file = scale_file(experiment, scale)
    rows = select(expand_rows(experiment, read_rows(experiment, file), file), only)
    perform(experiment, rows, data, out, scale, dry_run, text=text)
    if dry_run:
        return
    report = render(out)
    print(f"\n{report.tables}\nwritten in {(time.monotonic() - started) / 60:.0f} min:")
    print("\n".join([*(f"  {path}" for path in report.paths), *(f"note: {note}" for note in report.notes)]))


def scale_file(experiment: str, scale: str, folder: str = "") -> Path | None:
    """The file of what a scale changes; none for the paper's scale.

    The own one of the text in a folder if there is one, else the experiment's, else the general one.
    """
    if scale == PAPER:
        return None
    top = CONFIGS / "scales"
    files = [place / f"{scale}.yaml" for place in (top / experiment / folder, top / experiment, top)]
    return next(file for file in files if file.is_file())


def perform(
    experiment: str,
    rows: list[Row],
    data: Path | None,
    out: Path,
    scale: str,
    dry_run: bool,
    models: bool = True,
    text: str | None = None,
) -> list[Part]:
    """Print the plan for these rows of an experiment and, unless it is a dry run, carry it out.

    With a `text`, those of this text alone. Without `models`, a row whose figures are there is not
    trained again for its model's sake. Returns the texts, each with its rows. Raises UserError on
    whatever the user has handed in that cannot be used, SystemExit where a row fails.
    """
    handed_in = os.environ.get(f"{experiment.upper()}_DIR")
    data = data or (Path(handed_in) if handed_in else None)
    published = published_sizes(experiment) if dry_run and scale == PAPER and data is None else {}
    texts = _choose(published or find_sources(experiment, data, out), text)
    parts = _find_parts(experiment, rows, texts, out, scale)
    if not parts:
        raise UserError(f"{data} lacks the only text that has {' and '.join(row.name for row in rows)}")
    machine = _find_machine()
    jobs = make_jobs(parts, machine, models)
    print(describe(jobs, parts, scale, machine, out), flush=True)
    if not dry_run:
        trained, interpolated = phases(jobs, machine.slots)
        _train(trained, machine)
        for job in interpolated:
            _interpolate(job, scale)
    return parts


def _find_machine() -> Machine:
    gpu = mx.context.num_gpus() > 0
    return Machine(gpu, slots=1 if gpu else min(2, len(os.sched_getaffinity(0))))


def _choose(texts: Texts, only: str | None) -> Texts:
    """The text in this folder alone; all where that is None. Raises UserError where there is none."""
    if only is None:
        return texts
    if only not in texts:
        raise UserError(f"--text {only}: the experiment has {', '.join(texts) or 'one text alone'}")
    return {only: texts[only]}


def _find_parts(experiment: str, rows: list[Row], texts: Texts, out: Path, scale: str) -> list[Part]:
    """The texts that have one of the rows, prepared, unless their sizes stand for them."""
    parts = []
    for folder, text in texts.items():
        file, directory = scale_file(experiment, scale, folder), out / folder / "corpus"
        own = [rescale(row, file) for row in rows if row.is_of(folder)]
        if not own:
            continue
        if isinstance(text, Size):
            parts.append(Part(out, folder, file, own, text, corpus=None))
        else:
            print(f"preparing {text.name} in {directory}, unless it is there already", flush=True)
            corpus = prepare(text, directory, corpus_config(experiment, folder, file))
            size = Size(corpus.facts["name"], corpus.facts["train"]["tokens"], len(corpus.vocabulary))
            parts.append(Part(out, folder, file, own, size, corpus))
    return parts


def _train(jobs: list[Job], machine: Machine) -> None:
    """Train rows side by side, each a process of its own; the first failure ends all."""
    # Rows of one name in several texts, or at several values, are told apart by their folders.
    ambiguous = len({job.row.config.system for job in jobs}) < len(jobs)
    waiting = list(jobs)
    running: dict[int, subprocess.Popen[bytes]] = {}
    try:
        while waiting or running:
            for slot in range(machine.slots):
                if waiting and slot not in running:
                    job = waiting.pop(0)
                    if ambiguous:
                        print(f"{job.row.config.system}: starts in {job.part.run(job.row)}", flush=True)
                    running[slot] = _start(job, slot, machine)
            time.sleep(0.1)
            for slot, status in exit_statuses(running).items():
                if status is not None:
                    del running[slot]
                if status:  # negative: ended by a signal
                    sys.exit(status if status > 0 else 128 - status)
    finally:
        for process in running.values():
            process.send_signal(signal.SIGTERM)
        for process in running.values():
            process.wait()


def _start(job: Job, slot: int, machine: Machine) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).with_name("lightrnn")), "train", str(job.row.path)]
    command += ["--corpus", str(job.part.directory / "corpus"), "--out", str(job.part.run(job.row))]
    command += ["--scale", str(job.part.scale)] if job.part.scale else []
    command += [word for setting in job.row.settings for word in ("--set", setting)]
    # Progress bars of processes side by side stand below each other.
    environment = {**os.environ, "TQDM_POSITION": str(slot)}
    if not machine.gpu:
        environment["OMP_NUM_THREADS"] = "1"
    return subprocess.Popen(command, env=environment)


def _interpolate(job: Job, scale: str) -> None:
    """Make an interpolation here: it takes less time than a process takes to start."""
    assert job.part.corpus is not None
    directory = job.part.run(job.row)
    if not train_row(job.row.config, job.part.corpus, directory, scale):
        print(f"{job.row.config.system}: finished before, reused from {directory}", flush=True)


if __name__ == "__main__":
    run_command(main)
