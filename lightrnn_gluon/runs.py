"""Run directories: each keeps one row of a table, its settings, its figures and its model.

`metrics.json` is written last and lists the checksums of the files that the row consists of: with it,
and with all of them there, the row is finished. (A repository keeps the figures without the models;
such a row is not finished, and training it again replaces it.) What was measured by the clock, and so
is never twice the same, is in `times.json`, with the checksums of files that hold such figures too.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np

from lightrnn_gluon.checkpoint import load_arrays
from lightrnn_gluon.config import (
    InterpolationConfig,
    NetworkConfig,
    NgramConfig,
    RowConfig,
    differing_keys,
    load_row,
    with_defaults,
)
from lightrnn_gluon.corpus import Corpus, Vocabulary
from lightrnn_gluon.devices import find_devices
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.files import read_sealed, sha256_file, write_array
from lightrnn_gluon.models import LanguageModel
from lightrnn_gluon.ngram import Ngram
from lightrnn_gluon.systems import Interpolation, Network, System, new_network
from lightrnn_gluon.training import MODEL

METRICS, TIMES = "metrics.json", "times.json"
CONFIG, VOCABULARY, LOG = "config.yaml", "vocabulary.json", "log.txt"
NGRAM_MODEL = "model.bin"
CURVE, ROUNDS = "curve.csv", "rounds.csv"
HELD_OUT = ("valid", "test")


def origin(config: RowConfig, corpus: Corpus, directory: Path) -> dict[str, Any]:
    """All that a row follows from: its settings, the corpus, and the scores of rows that it combines."""
    members = config.members if isinstance(config, InterpolationConfig) else []
    for name in members:
        if read_metrics(directory.parent / name)["corpus_sha256"] != corpus.checksum:
            raise UserError(f"{directory.parent / name} is of another corpus: train it on this one first")
    scores = _scores_of_members(directory, members)
    return {"config": asdict(config), "corpus": corpus.checksum, "members": scores}


def _scores_of_members(directory: Path, members: list[str]) -> dict[str, list[str]]:
    """The checksums of the members' scores, by which an interpolation knows them."""
    files = {name: read_metrics(directory.parent / name)["files"] for name in members}
    names = [scores_path(directory, split).name for split in HELD_OUT]
    return {member: [known.get(name) for name in names] for member, known in files.items()}


def load_figures(directory: Path) -> dict[str, Any]:
    """What metrics.json and times.json say together. Raises UserError where one is missing or altered."""
    metrics = read_sealed(directory / METRICS)
    # Runs of earlier versions have all in one.
    times = read_sealed(directory / TIMES) if (directory / TIMES).is_file() else {}
    return times | metrics | {"files": metrics.get("files", {}) | times.get("files", {})}


def read_metrics(directory: Path) -> dict[str, Any]:
    """A finished run's figures. Raises UserError where it is not finished, or they are damaged."""
    path = directory / METRICS
    if not path.is_file():
        raise UserError(f"{directory} holds no finished run ({METRICS} is missing): train it first")
    metrics = load_figures(directory)
    needed = {
        "origin": dict, "files": dict, "parameters": int, "vocabulary_sha256": str, "corpus_sha256": str
    }  # fmt: skip
    for key, kind in needed.items():
        if not isinstance(metrics.get(key), kind):
            raise UserError(f"{path} is damaged ({key} is missing): remove its folder and run again")
    recorded = metrics["origin"].get("config", {})
    if not isinstance(recorded, dict):
        raise UserError(f"{path} is damaged (its config is none): remove its folder and run again")
    metrics["origin"]["config"] = with_defaults(recorded)
    return metrics


def check_file(path: Path, metrics: dict[str, Any]) -> None:
    """Raise UserError where a file of the finished run with these metrics is missing or altered."""
    if not path.is_file() or sha256_file(path) != metrics["files"].get(path.name):
        raise UserError(f"{path} is missing or damaged (its checksum differs): train that row again")


def is_finished(directory: Path, expected: dict[str, Any]) -> bool:
    """Whether the row of this origin is there, whole.

    Raises UserError where another row's model is there, or this one's files have been altered.
    """
    if not (directory / METRICS).is_file():
        return False
    metrics = read_metrics(directory)
    if not all((directory / name).is_file() for name in metrics["files"]):
        return False
    if metrics["origin"] != expected:
        keys = ", ".join(differing_keys(metrics["origin"], expected))
        raise UserError(
            f"{directory} holds a finished run of another {keys}: remove it or choose another --out"
        )
    for name in metrics["files"]:
        check_file(directory / name, metrics)
    return True


def open_run(directory: Path) -> tuple[dict[str, Any], RowConfig, Vocabulary]:
    """A finished run's figures, settings and words. Raises UserError where it is not finished, or damaged."""
    metrics = read_metrics(directory)
    check_file(directory / CONFIG, metrics)
    vocabulary = Vocabulary.load(directory / VOCABULARY)
    if vocabulary.checksum != metrics["vocabulary_sha256"]:
        raise UserError(f"{directory / VOCABULARY} is another run's: copy the right one back")
    return metrics, load_row(directory / CONFIG), vocabulary


def load_system(directory: Path) -> tuple[System, Vocabulary]:
    """A finished run's system and its vocabulary, to score any text with.

    Raises UserError where the run is not finished, or its files are damaged or do not fit together.
    """
    metrics, config, vocabulary = open_run(directory)
    match config:
        case NetworkConfig():
            check_file(directory / MODEL, metrics)
            return _load_network(directory, config, vocabulary), vocabulary
        case NgramConfig():
            check_file(directory / NGRAM_MODEL, metrics)
            return Ngram(directory / NGRAM_MODEL, vocabulary), vocabulary
        case InterpolationConfig():
            if metrics["origin"].get("members") != _scores_of_members(directory, config.members):
                raise UserError(f"{directory} was made with other members: run that row again")
            members = [load_system(directory.parent / name)[0] for name in config.members]
            return Interpolation(members, metrics["weight"]), vocabulary


def _load_network(directory: Path, config: NetworkConfig, vocabulary: Vocabulary) -> Network:
    (context,) = find_devices("auto")
    net = load_net(directory, config, len(vocabulary), context)
    net.hybridize(static_alloc=True)
    return Network(net, config, vocabulary, context)


def load_net(
    directory: Path, config: NetworkConfig, vocabulary_size: int, context: mx.Context
) -> LanguageModel:
    """A finished run's network. Raises UserError where the saved model is damaged or does not fit."""
    net = new_network(config, vocabulary_size)
    net.initialize(mx.init.Zero(), ctx=context)
    net.set_values(load_arrays(directory / MODEL)[0])
    return net


def scores_path(directory: Path, split: str) -> Path:
    """The file of a run's scores: each token's negative log-likelihood, nats, float32 .npy."""
    return directory / f"{split}.nll.npy"


def save_scores(directory: Path, split: str, nll: np.ndarray) -> None:
    """Keep a run's scores of a split, so that an interpolation need not compute them again."""
    write_array(scores_path(directory, split), nll.astype(np.float32))


def load_scores(directory: Path, split: str) -> np.ndarray:
    """What `save_scores` wrote. Raises UserError where the run is not finished, or they are altered."""
    path = scores_path(directory, split)
    check_file(path, read_metrics(directory))
    return np.load(path, allow_pickle=False)
