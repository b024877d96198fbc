"""Reading the finished rows of a run folder, OUT/runs/<row>/."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lightrnn_gluon.checkpoint import load_arrays
from lightrnn_gluon.config import NetworkConfig, RowConfig, load_row
from lightrnn_gluon.corpus import Vocabulary
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.refinement import table_path
from lightrnn_gluon.runs import CONFIG, CURVE, METRICS, ROUNDS, VOCABULARY, check_file, load_figures
from lightrnn_gluon.table import WordTable
from lightrnn_gluon.training import MODEL

_CURVE = ["epoch", "train_seconds", "train_perplexity", "valid_perplexity", "learning_rate"]
_MAY_BE_EMPTY = ["train_perplexity"]  # where what training minimises is no likelihood
_ROUNDS = [
    "epoch", "valid_perplexity_before", "valid_perplexity_after", "valid_perplexity_end", "moved_share",
    "cost_before_nats_per_token", "cost_after_nats_per_token", "bound_nats_per_token", "seconds",
]  # fmt: skip
# Not in those of earlier versions.
ROUND_NATS = [f"{part}_nats_{when}" for when in ("before", "promised", "real") for part in ("row", "column")]
_NUMBERS = [
    "test_perplexity", "valid_perplexity", "test_perplexity_without_unknown", "test_tokens", "test_unknown",
    "parameters", "table_integers", "model_bytes", "train_seconds", "reallocation_seconds",
]  # fmt: skip
_TEXTS = ["system", "kind", "scale", "corpus_sha256"]
_NUMBERS_OF_KIND = {
    "network": ["words_per_second", "threads"],
    "ngram": ["threads"],
    "interpolation": ["weight"],
}
_TEXTS_OF_KIND = {"network": ["device"], "ngram": ["device"], "interpolation": []}

# The paper's order of rows; KN+x follow in the same order.
_ORDER = ["KN", "HSM", "C-HSM", "B-RNN", "Adaptive softmax", "Full softmax", "LightRNN", "LightRNN+"]


@dataclass(frozen=True)
class Run:
    """A finished row.

    Attributes:
        directory: where it lies; its name is the row's.
        metrics: what metrics.json and times.json hold, checked for the keys that the tables need.
        config: the row's configuration.
        curve: a line an evaluation (networks only). Seconds of training and re-allocation are
            cumulative and, like the metrics', to a tenth, so that the two compare as shown.
        rounds: a line a re-allocation, or None where there was none.
    """

    directory: Path
    metrics: dict[str, Any]
    config: RowConfig
    curve: pd.DataFrame | None
    rounds: pd.DataFrame | None

    @property
    def system(self) -> str:
        """The row's name in the tables."""
        return self.metrics["system"]


def read_runs(directory: Path) -> list[Run]:
    """The finished rows below `directory`, in the order of the tables.

    Raises UserError where there is none, where a file is damaged, or where the rows do not belong
    into one table.
    """
    files = sorted(directory.glob(f"*/{METRICS}"))
    if not files:
        raise UserError(f"{directory} holds no finished row (no */{METRICS}): train one first")
    runs = sorted((read_run(path.parent) for path in files), key=lambda run: place(run.system))
    for key, what in [("corpus_sha256", "corpora"), ("scale", "scales"), ("test_tokens", "test tokens")]:
        refuse_mixture([(run.directory.name, run.metrics[key]) for run in runs], what)
    return runs


def networks(runs: list[Run]) -> list[Run]:
    """The rows that have a learning curve."""
    return [run for run in runs if run.curve is not None]


def network_config(run: Run) -> NetworkConfig:
    """The configuration of a row that is known to be a network."""
    assert isinstance(run.config, NetworkConfig)
    return run.config


def by_system(runs: list[Run]) -> dict[str, list[Run]]:
    """The runs of each system, one a seed, in the order of the table."""
    systems: dict[str, list[Run]] = {}
    for run in runs:
        systems.setdefault(run.system, []).append(run)
    return systems


def equal_time(runs: list[Run]) -> float | None:
    """T (seconds): the shortest total training time of a network, None without networks."""
    return min((run.metrics["train_seconds"] for run in networks(runs)), default=None)


def perplexity_at(run: Run, seconds: float) -> float | None:
    """The validation perplexity at the last evaluation by `seconds` of training, if there was one."""
    assert run.curve is not None
    reached = run.curve.loc[run.curve["train_seconds"] <= seconds, "valid_perplexity"]
    return float(reached.iloc[-1]) if len(reached) else None


def place(system: str) -> tuple[bool, int, str, bool, str]:
    """Where a row stands: by base name, a bracketed variant behind its base, a random table before it."""
    base, _, variant = system.removeprefix("KN+").partition(" (")
    known = _ORDER.index(base) if base in _ORDER else len(_ORDER)
    return system.startswith("KN+"), known, base, variant != "random table)", variant


def refuse_mixture(values: list[tuple[str, Any]], what: str) -> None:
    """Raise UserError unless all values, each with the name of what has it, are the same."""
    groups: dict[Any, list[str]] = {}
    for name, value in values:
        groups.setdefault(value, []).append(name)
    if len(groups) > 1:
        names = " | ".join(", ".join(group) for group in groups.values())
        raise UserError(
            f"rows made from different {what} ({names}) do not go into one table: "
            "remove one or choose another --out"
        )


def read_run(directory: Path) -> Run:
    """A finished row. Raises UserError where a file is missing or damaged."""
    path = directory / METRICS
    metrics = load_figures(directory)
    try:
        _check(metrics)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}): remove it and run again") from error
    for name in (CURVE, ROUNDS):
        if name in metrics["files"]:
            check_file(directory / name, metrics)
    metrics["train_seconds"] = round(metrics["train_seconds"], 1)
    curve, rounds = None, None
    if metrics["kind"] == "network":
        curve = _read_csv(directory / CURVE, _CURVE)
        if curve.empty:
            raise UserError(f"{directory / CURVE} is damaged (no line): remove it and run again")
        curve["train_seconds"] = curve["train_seconds"].round(1)
        if (directory / ROUNDS).exists():
            rounds = _read_csv(directory / ROUNDS, _ROUNDS, ROUND_NATS)
    some_rounds = None if rounds is None or rounds.empty else rounds
    return Run(directory, metrics, load_row(directory / CONFIG), curve, some_rounds)


def _check(metrics: Any) -> None:
    """Raise KeyError, TypeError or ValueError where a value that the tables need is not there."""
    if not isinstance(metrics, dict):
        raise TypeError("not an object")
    kind, corpus = metrics["kind"], metrics["corpus"]
    texts = {key: metrics[key] for key in [*_TEXTS, *_TEXTS_OF_KIND[kind]]}
    texts["corpus name"] = corpus["name"]
    if kind == "interpolation":
        texts |= {f"member {number}": member for number, member in enumerate(metrics["members"], start=1)}
    numbers = {key: metrics[key] for key in [*_NUMBERS, *_NUMBERS_OF_KIND[kind]]}
    numbers["vocabulary size"] = corpus["vocabulary"]["size"]
    numbers["train sentences"] = corpus["train"]["sentences"]
    numbers |= {f"{split} tokens": corpus[split]["tokens"] for split in ("train", "valid", "test")}
    for key, value in texts.items():
        if not isinstance(value, str):
            raise TypeError(f"{key} is not a text")
    for key, value in numbers.items():
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{key} is not a number")


def _read_csv(path: Path, columns: list[str], may_lack: Sequence[str] = ()) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path)
        frame = frame[[*columns, *frame.columns.intersection(may_lack)]].astype(float)
        if not np.isfinite(frame.drop(columns=_MAY_BE_EMPTY, errors="ignore").to_numpy()).all():
            raise ValueError("a value is missing or not finite")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; run the row again") from error
    except (KeyError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path} is damaged ({reason}): remove it and run again") from error
    return frame


def reallocation_percent(runs: list[Run]) -> float | None:
    """What runs spent on re-allocations, in % of their training time; None where that took none."""
    total, part = (sum(run.metrics[f"{what}_seconds"] for run in runs) for what in ("train", "reallocation"))
    return round(100 * part / total, 4) if total else None


def rounds_csv(rounds: pd.DataFrame) -> str:
    """The re-allocations of one row as CSV, numbered from 1."""
    numbered = rounds.round(4).round({"seconds": 1}).astype({"epoch": int})
    numbered.insert(0, "round", np.arange(1, len(rounds) + 1))
    return numbered.to_csv(index=False, lineterminator="\n")


def read_table(run: Run) -> tuple[WordTable, Vocabulary]:
    """The word table in a row's saved model, and the words. Raises UserError where they do not fit."""
    model, words = run.directory / MODEL, run.directory / VOCABULARY
    arrays, _ = load_arrays(model)
    vocabulary = Vocabulary.load(words)
    try:
        table = WordTable.of_places(arrays["encoder.row_of"], arrays["encoder.column_of"])
        if len(table) != len(vocabulary):
            raise ValueError(f"{len(table)} cells for {len(vocabulary)} words")
    except (KeyError, ValueError) as error:
        raise UserError(f"{model} holds no table of {words.name}'s words: train again") from error
    return table, vocabulary


def tables_over_rounds(run: Run, final: WordTable) -> dict[str, WordTable]:
    """The table that a row began with, those after each of its rounds where they are kept, and its last."""
    rounds = 0 if run.rounds is None else len(run.rounds)
    paths = [table_path(run.directory, number) for number in range(rounds + 1)]
    tables = {}
    if rounds and all(path.is_file() for path in paths):
        for number, path in enumerate(paths):
            if path.name in run.metrics["files"]:
                check_file(path, run.metrics)
            try:
                tables[f"after round {number}" if number else "start"] = WordTable(
                    np.load(path, allow_pickle=False)
                )
            except ValueError as error:
                raise UserError(f"{path} is damaged ({error}): train again") from error
    return tables | {"model": final}
