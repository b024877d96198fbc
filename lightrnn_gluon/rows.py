"""Training one row of a table into its run directory, whatever kind of system it is."""

import csv
import io
import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lightrnn_gluon import runs
from lightrnn_gluon.config import InterpolationConfig, NetworkConfig, NgramConfig, RowConfig, dump
from lightrnn_gluon.corpus import Corpus
from lightrnn_gluon.devices import find_devices
from lightrnn_gluon.environment import environment, peak_bytes, processor
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.evaluation import evaluate
from lightrnn_gluon.files import locked, sha256_file, write_sealed, write_text
from lightrnn_gluon.ngram import Ngram, estimate
from lightrnn_gluon.refinement import TABLES, Refinement
from lightrnn_gluon.systems import Network, best_weight, interpolate, new_network
from lightrnn_gluon.training import CHECKPOINT, MODEL, Training
from lightrnn_gluon.workers import ALONE, Workers

logger = logging.getLogger(__name__)


@dataclass
class Outcome:
    """What a row is made of, whatever trained it; sizes in numbers and bytes, times in seconds."""

    nll: dict[str, np.ndarray]  # each held-out split's, by token
    parameters: int
    table_integers: int
    model_bytes: int
    train_seconds: float
    reallocation_seconds: float = 0.0
    files: list[str] = field(default_factory=list)
    timed_files: list[str] = field(default_factory=list)  # those that hold times
    facts: dict[str, Any] = field(default_factory=dict)
    measured: dict[str, Any] = field(default_factory=dict)  # facts that are never twice the same


def train_row(
    config: RowConfig,
    corpus: Corpus,
    directory: Path,
    scale: str,
    workers: Workers = ALONE,
    events: Path | None = None,
) -> bool:
    """Train and measure a row, or find it finished (then False) or half-way (then it goes on).

    Several workers train networks alone; the first one measures. `events` is a folder for TensorBoard, which
    networks alone have something for. Raises UserError where the directory holds
    another run, or another process has it, or what the row needs is not there; nothing is written then.
    """
    if workers.number > 1 and not isinstance(config, NetworkConfig):
        raise UserError(f"{config.system} is no network: train it with one worker")
    origin = runs.origin(config, corpus, directory)
    if runs.is_finished(directory, origin):
        return False
    match config:
        case NetworkConfig():
            training, refinement = _network(config, corpus, directory, workers)
            if workers.rank:
                logging.getLogger("lightrnn_gluon").setLevel(logging.WARNING)  # the first one says it all
                training.run(refinement.after_epoch, refinement.after_step)
                return True
            train = partial(_train_network, training, refinement, directory, events)
        case NgramConfig():
            train = partial(_estimate_ngram, config, corpus, directory)
        case InterpolationConfig():
            train = partial(_interpolate_members, config, directory)
    with locked(directory), _recording(config, corpus, directory):
        outcome = train()
        metrics = _measure(config, corpus, directory, outcome) | {"scale": scale, "origin": origin}
        write_sealed(directory / runs.TIMES, _times(directory, outcome))
        write_sealed(directory / runs.METRICS, metrics)
        (directory / CHECKPOINT).unlink(missing_ok=True)
        logger.info("%s: test perplexity %.1f", config.system, metrics["test_perplexity"])
    return True


def _network(
    config: NetworkConfig, corpus: Corpus, directory: Path, workers: Workers
) -> tuple[Training, Refinement]:
    """The network's training, ready to go (on), once all that could be refused has not been."""
    devices = find_devices(config.device, config.devices)
    net, refinement = new_network(config, len(corpus.vocabulary)), Refinement(config, workers)
    return Training(net, config, corpus, directory, devices, workers), refinement


def _train_network(
    training: Training, refinement: Refinement, directory: Path, events: Path | None
) -> Outcome:
    if events is None:
        training.run(refinement.after_epoch, refinement.after_step)
    else:
        from lightrnn_gluon.board import Board  # whose packages take a while to import

        with closing(Board(events, training, refinement)) as board:
            training.run(board.after_epoch, board.after_step)
    net, config, corpus, progress = training.net, training.config, training.corpus, training.progress
    _write_csv(directory / runs.CURVE, progress.curve)
    if progress.rounds:
        _write_csv(directory / runs.ROUNDS, progress.rounds)
    network = Network(net, config, corpus.vocabulary, training.devices[0])
    words = progress.curve[-1]["epoch"] * corpus.facts["train"]["tokens"]
    return Outcome(
        nll={split: network.token_nll(corpus.ids(split)) for split in runs.HELD_OUT},
        parameters=net.parameter_count(),
        table_integers=net.table_integers,
        model_bytes=(directory / MODEL).stat().st_size,
        train_seconds=progress.train_seconds,
        reallocation_seconds=progress.reallocation_seconds,
        files=[MODEL, *(path.name for path in sorted(directory.glob(TABLES)))],
        timed_files=[runs.CURVE, *([runs.ROUNDS] if progress.rounds else [])],
        facts={
            "device": str(training.devices[0]),
            "devices": len(training.devices) * training.workers.number,
            "best_epoch": progress.best_epoch,
            "padding_share": progress.padding_share,
            "setbacks": progress.setbacks,
        },
        measured={
            "words_per_second": words / (progress.train_seconds - progress.reallocation_seconds),
            # Of the whole process, libraries included; its training after a stop counts alone.
            "peak_memory_bytes": peak_bytes(),
        },
    )


def _estimate_ngram(config: NgramConfig, corpus: Corpus, directory: Path) -> Outcome:
    path = directory / runs.NGRAM_MODEL
    started = time.perf_counter()
    parameters = estimate(corpus.ids("train"), corpus.vocabulary, config.order, path)
    seconds = time.perf_counter() - started
    ngram = Ngram(path, corpus.vocabulary)
    return Outcome(
        nll={split: ngram.token_nll(corpus.ids(split)) for split in runs.HELD_OUT},
        parameters=parameters,
        table_integers=0,
        model_bytes=path.stat().st_size,
        train_seconds=seconds,
        files=[runs.NGRAM_MODEL],
        facts={"device": "cpu"},
    )


def _interpolate_members(config: InterpolationConfig, directory: Path) -> Outcome:
    members = [directory.parent / name for name in config.members]
    scores = {split: [runs.load_scores(member, split) for member in members] for split in runs.HELD_OUT}
    weight = best_weight(*scores["valid"])
    metrics = [runs.read_metrics(member) for member in members]

    def total(key: str) -> Any:
        return sum(member[key] for member in metrics)

    return Outcome(
        nll={split: interpolate(first, second, weight) for split, (first, second) in scores.items()},
        parameters=total("parameters"),
        table_integers=total("table_integers"),
        model_bytes=total("model_bytes"),
        train_seconds=total("train_seconds"),
        reallocation_seconds=total("reallocation_seconds"),
        facts={"device": metrics[-1]["device"], "weight": weight, "members": config.members},
    )


def _measure(config: RowConfig, corpus: Corpus, directory: Path, outcome: Outcome) -> dict[str, Any]:
    """The row's metrics, its scores kept beside them."""
    unknown = corpus.vocabulary.unknown
    results = {split: evaluate(outcome.nll[split], corpus.ids(split), unknown) for split in runs.HELD_OUT}
    for split in runs.HELD_OUT:
        runs.save_scores(directory, split, outcome.nll[split])
    scores = [runs.scores_path(directory, split).name for split in runs.HELD_OUT]
    files = [*outcome.files, runs.CONFIG, runs.VOCABULARY, *scores]
    return {
        "system": config.system,
        "kind": config.kind,
        "test_perplexity": results["test"].perplexity,
        "valid_perplexity": results["valid"].perplexity,
        "test_perplexity_without_unknown": results["test"].perplexity_without_unknown,
        "test_tokens": results["test"].tokens,
        "test_unknown": results["test"].unknown,
        "parameters": outcome.parameters,
        "table_integers": outcome.table_integers,
        "model_bytes": outcome.model_bytes,
        **outcome.facts,
        "seed": getattr(config, "seed", None),
        **environment(),
        "corpus": {key: value for key, value in corpus.facts.items() if key != "origin"},
        "corpus_sha256": corpus.checksum,
        "vocabulary_sha256": corpus.vocabulary.checksum,
        "files": _checksums(directory, files),
    }


def _times(directory: Path, outcome: Outcome) -> dict[str, Any]:
    """What the clock said, of which processor, and of memory; see runs.TIMES."""
    return {
        "processor": processor(),
        "train_seconds": outcome.train_seconds,
        "reallocation_seconds": outcome.reallocation_seconds,
        **outcome.measured,
        "files": _checksums(directory, outcome.timed_files),
    }


def _checksums(directory: Path, names: list[str]) -> dict[str, str]:
    return {name: sha256_file(directory / name) for name in names}


def _write_csv(path: Path, records: list[dict[str, float]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    write_text(path, text.getvalue())


@contextmanager
def _recording(config: RowConfig, corpus: Corpus, directory: Path) -> Iterator[None]:
    """Write down what is being made, and copy what the package logs into the run's log.

    A run that goes on from a checkpoint adds to its log; one that starts anew first removes the
    figures of any before it. Raises UserError where the folder cannot be written.
    """
    going_on = (directory / CHECKPOINT).is_file()
    write_text(directory / runs.CONFIG, dump(config))
    corpus.vocabulary.save(directory / runs.VOCABULARY)
    try:
        if not going_on:
            for name in (runs.METRICS, runs.TIMES, runs.CURVE, runs.ROUNDS):
                (directory / name).unlink(missing_ok=True)
        handler = logging.FileHandler(directory / runs.LOG, mode="a" if going_on else "w", encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write into {directory}: {error.strerror}; choose another --out") from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S"))
    package = logging.getLogger("lightrnn_gluon")
    package.addHandler(handler)
    level = package.level
    package.setLevel(logging.INFO)
    try:
        yield
    finally:
        package.setLevel(level)
        package.removeHandler(handler)
        handler.close()
